/* Buckets that people make. A job's bucket is made with the job, and goes with it. */
#ifndef CORE_CLOUD_STORAGE_BUCKET_H
#define CORE_CLOUD_STORAGE_BUCKET_H

#include <stdbool.h>

#include "core/store/store_buckets.h"

/* What the one who acts wants with a bucket and all that is in it. */
enum bucket_use { BUCKET_READ, BUCKET_WRITE };

/* May he? A bucket is the property of the owner of its job, else of who made it: reading takes
 * job.view.own for one's own and job.view.all for those of others, writing job.delete.own and
 * job.delete.all. A job's token is good for the job's bucket alone. ERR_NOT_FOUND, as where there
 * is none: he may not even see it. ERR_DENIED. Of those who may everything nothing is looked up:
 * whether there is such a bucket is found out later. */
NODISCARD enum err bucket_require(struct ctx *ctx, const char *name, enum bucket_use use);

/* Make a bucket; one that is there already is fine, but not one that the caller cannot see:
 * ERR_CONFLICT. The names of S3's general purpose buckets: 3 to
 * 63 of a-z, 0-9, "-" and ".", as AWS "Bucket naming rules" has it. ERR_INVALID: the name. */
NODISCARD enum err bucket_create(struct ctx *ctx, const char *name);

/* ERR_CONFLICT: something is in it. ERR_DENIED: it is a job's. ERR_NOT_FOUND. */
NODISCARD enum err bucket_delete(struct ctx *ctx, const char *name);

/* ERR_NOT_FOUND. */
NODISCARD enum err bucket_find(struct ctx *ctx, const char *name, struct bucket *ret);

/* Call row for each bucket the caller may see: a job's own, a user's own, or all of them, by
 * name or the newest first. */
NODISCARD enum err bucket_each(struct ctx *ctx, const struct bucket_range *range,
                               bucket_row_fn *row, void *arg);
NODISCARD enum err bucket_each_newest(struct ctx *ctx, unsigned limit, bucket_row_fn *row,
                                      void *arg);

#endif
