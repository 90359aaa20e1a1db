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
