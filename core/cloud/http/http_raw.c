#include "core/cloud/http/http_raw.h"

#include <poll.h>
#include <stdlib.h>

#include "core/cloud/http/http_transfer.h"

struct http_raw {
        struct transfer transfer;
        struct http_settings settings;
        curl_socket_t socket;
};

enum err http_raw_open(struct ctx *ctx, const struct http_settings *settings, const char *url,
                       struct http_raw **ret)
{
        CLEANUP(http_raw_closep) struct http_raw *raw = calloc(1, sizeof(*raw));
        const struct http_request request = { .method = "GET", .url = url };
        struct http_answer answer;
        CURLcode code;
        enum err rc;

        if (!raw)
                return ctx_nomem(ctx);
        raw->settings = *settings;
        rc = transfer_begin(ctx, &raw->transfer, &raw->settings, &request);
        if (rc != OK)
                return rc;
        curl_easy_setopt(raw->transfer.curl, CURLOPT_CONNECT_ONLY, 1L);
        curl_easy_setopt(raw->transfer.curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(raw->transfer.curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
        code = curl_easy_perform(raw->transfer.curl);
        if (code != CURLE_OK)
                return transfer_result(ctx, &raw->transfer, code, &answer);
        if (curl_easy_getinfo(raw->transfer.curl, CURLINFO_ACTIVESOCKET, &raw->socket) != CURLE_OK)
                return ctx_fail(ctx, ERR_PROVIDER, "the connection broke");
        *ret = TAKE(raw);
        return OK;
}

void http_raw_close(struct http_raw *raw)
{
        if (!raw)
                return;
        transfer_done(&raw->transfer);
        free(raw);
}

/* False: time is up. */
static bool wait_for(struct ctx *ctx, const struct http_raw *raw, short events, int64_t deadline_us)
{
        struct pollfd fd = { .fd = raw->socket, .events = events };
        int64_t left_us = deadline_us - clock_mono_us(ctx->clock);

        return left_us > 0 && poll(&fd, 1, (int)(left_us / US_PER_MS) + 1) > 0;
}

bool http_raw_send(struct ctx *ctx, struct http_raw *raw, const void *bytes, size_t len,
                   int64_t deadline_us)
{
        const char *at = bytes;

        while (len > 0) {
                size_t sent = 0;
                CURLcode code = curl_easy_send(raw->transfer.curl, at, len, &sent);

                if (code == CURLE_AGAIN && wait_for(ctx, raw, POLLOUT, deadline_us))
                        continue;
                if (code != CURLE_OK)
                        return false;
                at += sent;
                len -= sent;
        }
        return true;
}

int64_t http_raw_receive(struct ctx *ctx, struct http_raw *raw, void *space, size_t size,
                         int64_t deadline_us)
{
        for (;;) {
                size_t got = 0;
                CURLcode code = curl_easy_recv(raw->transfer.curl, space, size, &got);

                if (code == CURLE_OK)
                        return (int64_t)got;
                if (code != CURLE_AGAIN)
                        return 0;
                if (!wait_for(ctx, raw, POLLIN, deadline_us))
                        return -1;
        }
}

const struct crypto_certificate *http_raw_certificate(const struct http_raw *raw)
{
        return &raw->transfer.certificate;
}

const char *http_raw_proxy(const struct http_raw *raw)
{
        return raw->transfer.route.proxy_name;
}
