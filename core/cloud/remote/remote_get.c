#include "core/cloud/remote/remote_get.h"

#include <inttypes.h>

#include "core/cloud/http/http_retry.h"

struct remote_get {
        struct remote_ask ask;
        struct remote_request request;
        struct http_stream *stream; /* NULL: there is nothing to come */
        int64_t expected, taken;
        struct http_taker taker;
};

/* One attempt. */
static enum err try(struct ctx *ctx, struct remote_get *get, struct http_answer *ret)
{
        int64_t length = -1;
        enum err rc;

        rc = http_stream_open(ctx, &get->request.http, &get->request.request, -1, &get->stream);
        if (rc == OK)
                rc = http_stream_head(ctx, get->stream, ret, &length);
        if (rc == OK && ret->status < 300 && length >= 0 && length != get->expected)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "the S3 store has %" PRId64 " bytes in place of %" PRId64, length,
                                get->expected);
        return rc;
}

enum err remote_get_begin(struct ctx *ctx, const char *url, int64_t size, struct remote_piece piece,
                          struct remote_get **ret)
{
        struct remote_get *get = arena_alloc(ctx->arena, sizeof(*get));
        struct http_answer answer = { 0 };
        struct http_retry retry;
        enum err rc;

        if (!get)
                return ctx_nomem(ctx);
        *get = (struct remote_get){ .expected = piece.size };
        get->ask = (struct remote_ask){ .method = "GET", .url = url };
        if (piece.size < size) {
                get->ask.header = arena_printf(ctx->arena, "Range: bytes=%" PRId64 "-%" PRId64,
                                               piece.offset, piece.offset + piece.size - 1);
                if (!get->ask.header)
                        return ctx_nomem(ctx);
        }
        *ret = get;
        if (piece.size == 0)
                return OK;
        rc = remote_prepare(ctx, &get->ask, &get->request);
        if (rc != OK)
                return rc;
        retry = http_retry_begin(ctx, get->request.http.timeout_s);
        do {
                remote_get_free(get);
                answer = (struct http_answer){ 0 };
                rc = try(ctx, get, &answer);
        } while (http_retry_wait(ctx, &retry, &get->request.request, rc, &answer));
        rc = remote_outcome(ctx, &get->ask, rc, &answer);
        if (rc != OK)
                remote_get_free(get);
        return rc;
}

static bool count(void *arg, const void *bytes, size_t len)
{
        struct remote_get *get = arg;

        get->taken += (int64_t)len;
        return get->taker.write(get->taker.arg, bytes, len);
}

enum err remote_get_take(struct ctx *ctx, struct remote_get *get, const struct http_taker *taker)
{
        const struct http_taker counting = { .write = count, .arg = get };
        enum err rc;

        if (!get->stream)
                return OK;
        get->taker = *taker;
        rc = http_stream_take(ctx, get->stream, &counting);
        if (rc == ERR_CONFLICT)
                return rc;
        if (rc != OK)
                return ctx_prefix(ctx, ERR_UNAVAILABLE, "the S3 store's answer");
        if (get->taken != get->expected)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store's answer broke off");
        return OK;
}

void remote_get_free(struct remote_get *get)
{
        if (get)
                http_stream_close(TAKE(get->stream));
}
