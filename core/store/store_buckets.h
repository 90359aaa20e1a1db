/* Buckets as rows: where their files are, and how much is in them. */
#ifndef CORE_STORE_STORE_BUCKETS_H
#define CORE_STORE_STORE_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct bucket {
        const char *bucket;
        const char *directory; /* absolute: {s3_output_path}/{bucket}, or "s3://.../{bucket}" */
        int64_t files, bytes, created_at_us;
        int64_t last_upload_at_us; /* 0: none yet */
        const char *owner;         /* who made it; "" or NULL: it is a job's */
};

/* Inside a transaction. ERR_CONFLICT: the name is taken. */
NODISCARD enum err store_bucket_insert(struct ctx *ctx, const struct bucket *bucket);
/* ERR_NOT_FOUND. */
NODISCARD enum err store_bucket_get(struct ctx *ctx, const char *name, struct bucket *ret);
/* Who made it, else the owner of its job; "": nobody, the job is forgotten. ERR_NOT_FOUND. */
NODISCARD enum err store_bucket_owner(struct ctx *ctx, const char *name, const char **ret);
/* Inside a transaction. ERR_CONFLICT: something is in it. ERR_NOT_FOUND. */
NODISCARD enum err store_bucket_delete(struct ctx *ctx, const char *name);

/* Inside a transaction: there are files and bytes more in a bucket, or less; at_us: the time of an
 * upload, 0: it was none. */
struct bucket_change {
        int64_t files, bytes, at_us;
};
NODISCARD enum err store_bucket_add(struct ctx *ctx, const char *name,
                                    const struct bucket_change *change);

/* The first bucket directory, in byte order, after a text. ERR_NOT_FOUND: none. */
NODISCARD enum err store_bucket_directory_after(struct ctx *ctx, const char *after,
                                                const char **ret_directory);

/* Are files and bytes of a bucket those of its objects? And make them so, inside a transaction. */
NODISCARD enum err store_bucket_totals_check(struct ctx *ctx, const char *name, bool *ret_same);
NODISCARD enum err store_bucket_totals_mend(struct ctx *ctx, const char *name);

/* Bytes of all buckets together, parts of unfinished uploads included. */
NODISCARD enum err store_buckets_bytes(struct ctx *ctx, int64_t *ret_bytes);

/* Call row for each, newest first or by name after a name; texts live until it returns. owner NULL:
 * whosesoever they are. */
typedef void bucket_row_fn(void *arg, const struct bucket *bucket);
NODISCARD enum err store_buckets_each(struct ctx *ctx, unsigned limit, const char *owner,
                                      bucket_row_fn *row, void *arg);
struct bucket_range {
        const char *after;  /* "": from the first */
        const char *prefix; /* of the names; NULL or "": all */
        const char *owner;  /* NULL: anybody */
        unsigned limit;
};
NODISCARD enum err store_buckets_by_name(struct ctx *ctx, const struct bucket_range *range,
                                         bucket_row_fn *row, void *arg);

#endif
