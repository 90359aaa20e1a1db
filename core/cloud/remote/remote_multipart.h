/* Uploads in parts to the S3 store. */
#ifndef CORE_CLOUD_REMOTE_REMOTE_MULTIPART_H
#define CORE_CLOUD_REMOTE_REMOTE_MULTIPART_H

#include "core/cloud/remote/remote_put.h"

/* Begin one. *ret_id, the store's, in the arena and ready for a query. ERR_UNAVAILABLE. */
NODISCARD enum err remote_multipart_create(struct ctx *ctx, const char *url, const char **ret_id);
/* Put the parts together, or find that this was done before. etags: as the store gave them.
 * ERR_NOT_FOUND: it knows neither the upload nor the object. ERR_UNAVAILABLE. */
struct remote_part {
        int64_t number;
        const char *etag;
};
NODISCARD enum err remote_multipart_complete(struct ctx *ctx, const struct remote_target *target,
                                             const struct remote_part *parts, size_t count);
/* OK: it is gone, or was. */
NODISCARD enum err remote_multipart_abort(struct ctx *ctx, const char *url, const char *id);

/* An object that is too large for one request: make each of its parts, and put them together. */
struct remote_piece {
        int64_t offset, size;
};
typedef enum err remote_part_fn(struct ctx *ctx, void *arg, const struct remote_target *target,
                                struct remote_piece piece, const char **ret_etag);
NODISCARD enum err remote_in_parts(struct ctx *ctx, const char *url, int64_t size,
                                   remote_part_fn *make, void *arg);

/* A copy of an object of any size inside the store. ERR_NOT_FOUND. ERR_UNAVAILABLE. */
NODISCARD enum err remote_copy_any(struct ctx *ctx, const char *from_url, const char *to_url,
                                   int64_t size);

#endif
