/* Bytes on their way out of the S3 store. */
#ifndef CORE_CLOUD_REMOTE_REMOTE_GET_H
#define CORE_CLOUD_REMOTE_REMOTE_GET_H

#include "core/cloud/remote/remote_multipart.h"

struct remote_get;

/* Ask for a piece of an object of size bytes, and wait until its bytes come. Asked again when that
 * may help. ERR_NOT_FOUND: there is no such object any more. ERR_UNAVAILABLE. */
NODISCARD enum err remote_get_begin(struct ctx *ctx, const char *url, int64_t size,
                                    struct remote_piece piece, struct remote_get **ret);
/* All of them; write answers false to stop: ERR_CONFLICT. ERR_UNAVAILABLE: it broke off. */
NODISCARD enum err remote_get_take(struct ctx *ctx, struct remote_get *get,
                                   const struct http_taker *taker);
void remote_get_free(struct remote_get *get);
DEFINE_CLEANUP(struct remote_get *, remote_get_free)

#endif
