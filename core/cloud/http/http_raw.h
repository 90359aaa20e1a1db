/* A bare connection to where a URL leads, over proxy and TLS as any other call of ours, for bytes
 * that no well-behaved client would send: half a body, a target as it is. For the doctor. */
#ifndef CORE_CLOUD_HTTP_HTTP_RAW_H
#define CORE_CLOUD_HTTP_HTTP_RAW_H

#include "core/base/crypto.h"
#include "core/cloud/http/http_client.h"

struct http_raw;

/* Resolve, connect, CONNECT, shake hands: within settings->timeout_s. ERR_PROVIDER: detail says
 * which of them failed, where, and for certificates which and why. ERR_NOMEM. */
NODISCARD enum err http_raw_open(struct ctx *ctx, const struct http_settings *settings,
                                 const char *url, struct http_raw **ret);
void http_raw_close(struct http_raw *raw);
DEFINE_CLEANUP(struct http_raw *, http_raw_close)

/* Send all of it by a time of the monotonic clock. False: it broke, or time is up. */
bool http_raw_send(struct ctx *ctx, struct http_raw *raw, const void *bytes, size_t len,
                   int64_t deadline_us);
/* The next bytes; 0: the other side has closed, or it broke; -1: time is up. */
int64_t http_raw_receive(struct ctx *ctx, struct http_raw *raw, void *space, size_t size,
                         int64_t deadline_us);

/* The certificate that was shown; its subject is "" when none was looked at. Borrowed. */
const struct crypto_certificate *http_raw_certificate(const struct http_raw *raw);
/* "host:port" of the proxy in between, for people; NULL: there is none. Borrowed. */
const char *http_raw_proxy(const struct http_raw *raw);

#endif
