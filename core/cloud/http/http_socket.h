/* A stream of bytes to a server that speaks another protocol than HTTP: libcurl connects, over TCP
 * or a Unix socket, with or without TLS, and then keeps out of it. No proxy. Not thread safe. */
#ifndef CORE_CLOUD_HTTP_HTTP_SOCKET_H
#define CORE_CLOUD_HTTP_HTTP_SOCKET_H

#include "core/base/ctx.h"

struct http_socket;

struct http_socket_target {
        const char *host; /* name or address; an IPv6 one without brackets */
        unsigned port;
        const char *path; /* of a Unix socket, instead of host and port; NULL: none */
        bool tls;
        bool ssl_verify;
        const char *ca_bundle; /* added to the system's certificates; "": none */
};

/* deadline_us of all of these: when to give up, on the monotonic clock. ERR_UNAVAILABLE: it did not
 * work, or not in time, and the stream is of no more use; the detail says why. ERR_NOMEM. */
NODISCARD enum err http_socket_open(struct ctx *ctx, const struct http_socket_target *target,
                                    int64_t deadline_us, struct http_socket **ret);
void http_socket_close(struct http_socket *socket);
DEFINE_CLEANUP(struct http_socket *, http_socket_close)

NODISCARD enum err http_socket_send(struct ctx *ctx, struct http_socket *socket, const void *bytes,
                                    size_t len, int64_t deadline_us);
/* *len: the size of space, then how much came: at least one byte. */
NODISCARD enum err http_socket_receive(struct ctx *ctx, struct http_socket *socket, void *space,
                                       size_t *len, int64_t deadline_us);

/* Between a question and the next: is there nothing to read, not even the end? */
bool http_socket_is_quiet(const struct http_socket *socket);

#endif
