#include "core/cloud/http/http_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crypto.h"
#include "core/cloud/http/http_transfer.h"

#define LATE "no answer in time"

struct http_socket {
        CURL *curl;
        curl_socket_t fd;
        char ca_bundle[4096];
        char reason[CURL_ERROR_SIZE];
};

static long left_ms(int64_t deadline_us)
{
        int64_t left_us = deadline_us - clock_mono_us(&clock_system);

        return left_us > 0 ? (long)(left_us / US_PER_MS) + 1 : 0;
}

/* Asked before the handshake. */
static CURLcode add_ca(CURL *curl, void *ssl_ctx, void *arg)
{
        const struct http_socket *socket = arg;

        (void)curl;
        return crypto_ssl_ctx_add_ca(ssl_ctx, socket->ca_bundle) ? CURLE_OK
                                                                 : CURLE_SSL_CACERT_BADFILE;
}

static void apply_tls(struct http_socket *socket, const struct http_socket_target *target)
{
        CURL *curl = socket->curl;

        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, target->ssl_verify ? 1L : 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, target->ssl_verify ? 2L : 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
        if (target->ssl_verify && *target->ca_bundle) {
                snprintf(socket->ca_bundle, sizeof(socket->ca_bundle), "%s", target->ca_bundle);
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, add_ca);
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, socket);
        }
}

/* The scheme says only whether there is TLS: nothing of HTTP is spoken. */
static enum err apply_target(struct ctx *ctx, struct http_socket *socket,
                             const struct http_socket_target *target)
{
        const char *host = target->path ? "localhost" : target->host;
        const char *url =
                arena_printf(ctx->arena, strchr(host, ':') ? "%s://[%s]:%u/" : "%s://%s:%u/",
                             target->tls ? "https" : "http", host, target->path ? 1 : target->port);
        CURL *curl = socket->curl;

        if (!url)
                return ctx_nomem(ctx);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, socket->reason);
        curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
        curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
        curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
        if (target->path)
                curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target->path);
        apply_tls(socket, target);
        return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK
                       ? OK
                       : ctx_fail(ctx, ERR_UNAVAILABLE, "the host's name is malformed");
}

enum err http_socket_open(struct ctx *ctx, const struct http_socket_target *target,
                          int64_t deadline_us, struct http_socket **ret)
{
        CLEANUP(http_socket_closep) struct http_socket *socket = calloc(1, sizeof(*socket));
        long patience_ms = left_ms(deadline_us);
        CURLcode code;
        enum err rc;

        if (socket)
                socket->curl = curl_easy_init();
        if (!socket || !socket->curl)
                return ctx_nomem(ctx);
        rc = apply_target(ctx, socket, target);
        if (rc != OK)
                return rc;
        if (patience_ms == 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, LATE);
        curl_easy_setopt(socket->curl, CURLOPT_CONNECTTIMEOUT_MS, patience_ms);
        code = curl_easy_perform(socket->curl);
        if (code == CURLE_OK)
                code = curl_easy_getinfo(socket->curl, CURLINFO_ACTIVESOCKET, &socket->fd);
        if (code != CURLE_OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s",
                                *socket->reason ? socket->reason : curl_easy_strerror(code));
        *ret = TAKE(socket);
        return OK;
}

void http_socket_close(struct http_socket *socket)
{
        if (!socket)
                return;
        curl_easy_cleanup(socket->curl);
        free(socket);
}

static enum err wait_for(struct ctx *ctx, const struct http_socket *socket, short events,
                         int64_t deadline_us)
{
        struct pollfd fd = { .fd = socket->fd, .events = events };
        int ready;

        do {
                ready = poll(&fd, 1, (int)left_ms(deadline_us));
        } while (ready < 0 && errno == EINTR);
        return ready > 0 ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, LATE);
}

enum err http_socket_send(struct ctx *ctx, struct http_socket *socket, const void *bytes,
                          size_t len, int64_t deadline_us)
{
        const char *at = bytes;

        while (len > 0) {
                size_t sent = 0;
                CURLcode code = curl_easy_send(socket->curl, at, len, &sent);
                enum err rc = OK;

                if (code == CURLE_AGAIN)
                        rc = wait_for(ctx, socket, POLLOUT, deadline_us);
                else if (code != CURLE_OK)
                        rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s", curl_easy_strerror(code));
                if (rc != OK)
                        return rc;
                at += sent;
                len -= sent;
        }
        return OK;
}

enum err http_socket_receive(struct ctx *ctx, struct http_socket *socket, void *space, size_t *len,
                             int64_t deadline_us)
{
        const size_t size = *len;

        for (;;) {
                CURLcode code = curl_easy_recv(socket->curl, space, size, len);
                enum err rc;

                if (code == CURLE_OK && *len > 0)
                        return OK;
                if (code == CURLE_OK)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "the server closed the connection");
                if (code != CURLE_AGAIN)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s", curl_easy_strerror(code));
                rc = wait_for(ctx, socket, POLLIN, deadline_us);
                if (rc != OK)
                        return rc;
        }
}

bool http_socket_is_quiet(const struct http_socket *socket)
{
        struct pollfd fd = { .fd = socket->fd, .events = POLLIN };

        return poll(&fd, 1, 0) == 0;
}
