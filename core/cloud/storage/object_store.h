/* Objects: bytes on disk at {directory of the bucket}/{key}, or in an S3 store, their description
 * in the database. They come by object_upload.h. Where a crash fell between the file and its row,
 * the row is mended when it is read. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_STORE_H
#define CORE_CLOUD_STORAGE_OBJECT_STORE_H

#include "core/cloud/storage/object_upload.h"

/* An object with its file open, unless object.remote says that its bytes are elsewhere. */
struct object_file {
        struct object object;
        int fd;           /* the caller's; -1: they are elsewhere */
        const char *path; /* absolute: where a front server finds it; NULL: nowhere */
};

/* ERR_NOT_FOUND. */
NODISCARD enum err object_open(struct ctx *ctx, const char *bucket, const char *key,
                               struct object_file *ret);

/* Read a piece of an open object; take answers other than OK to stop, which is the result.
 * ERR_UNAVAILABLE. */
struct object_piece {
        int64_t offset, size;
};
typedef enum err object_take_fn(struct ctx *ctx, void *arg, const void *bytes, size_t len);
NODISCARD enum err object_read(struct ctx *ctx, const struct object_file *file,
                               struct object_piece piece, object_take_fn *take, void *arg);

/* Remove an object: its row, and then its file. ERR_NOT_FOUND: no such bucket. A key that is not
 * there is removed already. */
NODISCARD enum err object_remove(struct ctx *ctx, const char *bucket, const char *key);
/* The same under a condition. ERR_PRECONDITION; ERR_NOT_FOUND also: no such object, and the
 * condition needs one. */
NODISCARD enum err object_remove_if(struct ctx *ctx, const char *bucket, const char *key,
                                    const struct object_condition *only);

/* Remove what dead processes left: temporary files nobody holds, and their rows. */
NODISCARD enum err object_store_sweep(struct ctx *ctx, unsigned *ret_swept);

#endif
