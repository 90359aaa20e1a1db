/* Buckets, objects and uploads on their way, as rows; the bytes are object_store's business. */
#ifndef CORE_STORE_STORE_OBJECTS_H
#define CORE_STORE_STORE_OBJECTS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct bucket {
        const char *bucket;
        const char *directory; /* absolute: {s3_output_path}/{bucket} */
        int64_t files, bytes, created_at_us;
        int64_t last_upload_at_us; /* 0: none yet */
};

struct object {
        const char *bucket, *key;
        int64_t size_bytes;
        const char *etag;   /* MD5 in hex, without quotes */
        const char *sha256; /* hex */
        const char *content_type;
        int64_t file_mtime_ns; /* of the file this row describes */
        int64_t modified_at_us;
};

/* Inside a transaction. ERR_CONFLICT: the name is taken. */
NODISCARD enum err store_bucket_insert(struct ctx *ctx, const struct bucket *bucket);
/* ERR_NOT_FOUND. */
NODISCARD enum err store_bucket_get(struct ctx *ctx, const char *name, struct bucket *ret);

/* The first bucket directory, in byte order, after a text. ERR_NOT_FOUND: none. */
NODISCARD enum err store_bucket_directory_after(struct ctx *ctx, const char *after,
                                                const char **ret_directory);

/* Write or replace an object and keep its bucket's totals. Inside a transaction, with the key
 * locked by store_object_lock. */
NODISCARD enum err store_object_put(struct ctx *ctx, const struct object *object);
NODISCARD enum err store_object_lock(struct ctx *ctx, const char *bucket, const char *key);
/* ERR_NOT_FOUND. */
NODISCARD enum err store_object_get(struct ctx *ctx, const char *bucket, const char *key,
                                    struct object *ret);

struct object_range {
        const char *bucket;
        const char *after_key; /* "": from the first */
        unsigned limit;
};

/* Call row for each, in byte order of the key, newest bucket first; texts live until it returns. */
typedef void object_row_fn(void *arg, const struct object *object);
typedef void bucket_row_fn(void *arg, const struct bucket *bucket);
NODISCARD enum err store_objects_each(struct ctx *ctx, const struct object_range *range,
                                      object_row_fn *row, void *arg);
NODISCARD enum err store_buckets_each(struct ctx *ctx, unsigned limit, bucket_row_fn *row,
                                      void *arg);

/* Uploads on their way, so that a job's progress shows them. Inside a transaction. */
NODISCARD enum err store_upload_insert(struct ctx *ctx, const char *upload_id, const char *bucket,
                                       const char *key);
NODISCARD enum err store_upload_delete(struct ctx *ctx, const char *upload_id);
/* Forget uploads that began before at_us: their process has died. Inside a transaction. */
NODISCARD enum err store_uploads_sweep(struct ctx *ctx, int64_t before_us, int64_t *ret_swept);
NODISCARD enum err store_uploads_count(struct ctx *ctx, const char *bucket, int64_t *ret_count);

#endif
