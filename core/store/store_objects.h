/* Objects and uploads on their way, as rows; the bytes are object_store's business. */
#ifndef CORE_STORE_STORE_OBJECTS_H
#define CORE_STORE_STORE_OBJECTS_H

#include <stdint.h>

#include "core/base/ctx.h"
#include "core/store/store_buckets.h"

struct object {
        const char *bucket, *key;
        int64_t size_bytes;
        const char *etag;   /* MD5 in hex, without quotes; of N parts: MD5 of their MD5s, "-N" */
        const char *sha256; /* hex; "": it was put together from parts */
        const char *content_type;
        int64_t file_mtime_ns; /* of the file this row describes */
        int64_t modified_at_us;
        const char *metadata;      /* JSON: headers in lower case that come back with it */
        const char *tags;          /* JSON: names and values */
        const char *checksum_kind; /* "CRC32C"; "": the client gave none */
        const char *checksum;      /* base64, with "-N" when it is one of N parts' checksums */
        const char *part_sizes;    /* "8388608x127 1024"; "": it came in one piece */
        const char *remote;        /* "s3://...": where its bytes are; "": in a file */
};

/* Write or replace an object and keep its bucket's totals. Inside a transaction, with the key
 * locked by store_object_lock. NULL texts are empty ones. */
NODISCARD enum err store_object_put(struct ctx *ctx, const struct object *object);
NODISCARD enum err store_object_lock(struct ctx *ctx, const char *bucket, const char *key);
/* The same for removing one. ERR_NOT_FOUND. */
NODISCARD enum err store_object_delete(struct ctx *ctx, const char *bucket, const char *key);
/* ERR_NOT_FOUND. */
NODISCARD enum err store_object_get(struct ctx *ctx, const char *bucket, const char *key,
                                    struct object *ret);
/* Inside a transaction. ERR_NOT_FOUND. */
NODISCARD enum err store_object_set_tags(struct ctx *ctx, const char *bucket, const char *key,
                                         const char *tags);

/* Keys from first on and before end, in byte order; NULL or "": from the first, to the last. */
struct object_range {
        const char *bucket;
        const char *first, *end;
        unsigned limit;
};

/* Call row for each, until it returns false; texts live until it returns. */
typedef bool object_row_fn(void *arg, const struct object *object);
NODISCARD enum err store_objects_each(struct ctx *ctx, const struct object_range *range,
                                      object_row_fn *row, void *arg);

/* Uploads on their way, so that a job's progress shows them. Inside a transaction. */
NODISCARD enum err store_upload_insert(struct ctx *ctx, const char *upload_id, const char *bucket,
                                       const char *key);
NODISCARD enum err store_upload_delete(struct ctx *ctx, const char *upload_id);
/* Forget uploads that began before at_us: their process has died. Inside a transaction. */
NODISCARD enum err store_uploads_sweep(struct ctx *ctx, int64_t before_us, int64_t *ret_swept);

/* What is on its way to a bucket: single uploads and unfinished ones in parts, and the bytes of
 * parts that have arrived. */
struct uploads_in_flight {
        int64_t count, part_bytes;
};
NODISCARD enum err store_uploads_in_flight(struct ctx *ctx, const char *bucket,
                                           struct uploads_in_flight *ret);

#endif
