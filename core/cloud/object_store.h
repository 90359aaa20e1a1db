/* Objects: bytes on disk at {directory of the bucket}/{key}, their description in the database.
 * An upload is streamed into a temporary file of the same file system, hashed on the way, made
 * durable, and then appears at once, file and row in one transaction. A broken upload leaves
 * nothing. Where a crash fell between the file and its row, the row is mended when it is read. */
#ifndef CORE_CLOUD_OBJECT_STORE_H
#define CORE_CLOUD_OBJECT_STORE_H

#include "core/store/store_objects.h"

struct object_upload;

/* What a client announces. */
struct object_intent {
        const char *bucket, *key;
        const char *content_type; /* NULL: not said */
        int64_t size;             /* bytes to come; -1: not said */
};

/* Begin an upload. ERR_NOT_FOUND: no such bucket. ERR_INVALID: the key. ERR_DENIED: jobs may not
 * upload now (s3_endpoint_enabled). ERR_TOO_LARGE.
 * ERR_NO_SPACE: the disk would fall below its floor. */
NODISCARD enum err object_upload_begin(struct ctx *ctx, const struct object_intent *intent,
                                       struct object_upload **ret);
/* ERR_TOO_LARGE, ERR_NO_SPACE, ERR_UNAVAILABLE. */
NODISCARD enum err object_upload_write(struct ctx *ctx, struct object_upload *upload,
                                       const void *bytes, size_t len);
/* OK: durable and visible. ERR_UNAUTHENTICATED: the job ended meanwhile and its token with it.
 * ERR_CONFLICT: a file stands where the key needs a directory. */
NODISCARD enum err object_upload_finish(struct ctx *ctx, struct object_upload *upload,
                                        struct object *ret);
/* Ends the upload; what was not finished leaves no trace. */
void object_upload_free(struct object_upload *upload);
DEFINE_CLEANUP(struct object_upload *, object_upload_free)

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
