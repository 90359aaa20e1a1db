/* Copies inside the storage: no byte passes through the client, and where the file system can share
 * blocks, none through us. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_COPY_H
#define CORE_CLOUD_STORAGE_OBJECT_COPY_H

#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_store.h"

struct object_copy {
        const struct object_file *source;
        const char *bucket, *key;            /* where to */
        const char *content_type, *metadata; /* replace the source's; NULL: they are copied */
        const char *tags;                    /* likewise */
        struct object_condition only;
};

/* A copy onto itself changes what is said of an object and leaves its bytes alone. What
 * object_upload_begin and object_upload_finish return. */
NODISCARD enum err object_copy(struct ctx *ctx, const struct object_copy *copy, struct object *ret);

/* Bytes from an open object into a part that has begun. */
NODISCARD enum err object_copy_to_part(struct ctx *ctx, const struct object_file *source,
                                       int64_t from, int64_t size, struct part_upload *part);

#endif
