/* Bytes on their way into the S3 store, passed on as they come. The last of them are held back
 * until the caller has checked all, so that wrong bytes never become an object there. */
#ifndef CORE_CLOUD_REMOTE_REMOTE_PUT_H
#define CORE_CLOUD_REMOTE_REMOTE_PUT_H

#include "core/cloud/remote/remote_store.h"

struct remote_put;

/* Where they go: an object, or a part of one. */
struct remote_target {
        const char *url;
        const char *remote_id; /* the store's id of an upload in parts; NULL or "": none */
        int64_t number;        /* of the part */
};

/* size: of all bytes to come, at most REMOTE_PUT_MAX. ERR_UNAVAILABLE. */
NODISCARD enum err remote_put_begin(struct ctx *ctx, const struct remote_target *target,
                                    int64_t size, struct remote_put **ret);
/* ERR_INVALID: more than that. ERR_UNAVAILABLE. */
NODISCARD enum err remote_put_write(struct ctx *ctx, struct remote_put *put, const void *bytes,
                                    size_t len);
/* All bytes have come and may be kept: OK, they are. ret_etag: the store's, with quotes.
 * ERR_INVALID: bytes are missing. ERR_NOT_FOUND: no such upload in parts. ERR_UNAVAILABLE. */
NODISCARD enum err remote_put_finish(struct ctx *ctx, struct remote_put *put,
                                     const char **ret_etag);
/* Were bytes sent already? */
bool remote_put_has_begun(const struct remote_put *put);
/* What was not finished breaks off: AWS and others then keep nothing. */
void remote_put_free(struct remote_put *put);
DEFINE_CLEANUP(struct remote_put *, remote_put_free)

/* A whole file, of any size when it is to be an object. *ret_etag as above, NULL when it had to go
 * in parts. */
NODISCARD enum err remote_put_file(struct ctx *ctx, const struct remote_target *target, int fd,
                                   int64_t size, const char **ret_etag);

#endif
