/* Objects: bytes on disk at {directory of the bucket}/{key}, their description in the database.
 * They come by object_upload.h. Where a crash fell between the file and its row, the row is mended
 * when it is read. */
#ifndef CORE_CLOUD_OBJECT_STORE_H
#define CORE_CLOUD_OBJECT_STORE_H

#include "core/cloud/object_upload.h"

/* An object with its file open. */
struct object_file {
        struct object object;
        int fd;           /* the caller's */
        const char *path; /* absolute: where a front server finds it */
};

/* ERR_NOT_FOUND. */
NODISCARD enum err object_open(struct ctx *ctx, const char *bucket, const char *key,
                               struct object_file *ret);

/* Call row for each bucket the caller may see: all of them, newest first, or a job's own. */
NODISCARD enum err object_buckets(struct ctx *ctx, unsigned limit, bucket_row_fn *row, void *arg);
/* Call row for each object of a bucket after after_key, by key. ERR_NOT_FOUND: no such bucket. */
NODISCARD enum err object_list(struct ctx *ctx, const struct object_range *range,
                               object_row_fn *row, void *arg);

/* Remove what dead processes left: temporary files nobody holds, and their rows. */
NODISCARD enum err object_store_sweep(struct ctx *ctx, unsigned *ret_swept);

#endif
