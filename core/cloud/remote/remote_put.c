#include "core/cloud/remote/remote_put.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/remote/remote_multipart.h"

#define HELD  ((int64_t)(256 * KiB)) /* at most, of the last bytes */
#define TRIES 2                      /* of what is held whole, when the first fails soon */

struct remote_put {
        struct remote_ask ask;
        struct remote_request request;
        struct http_stream *stream; /* NULL: nothing was sent yet */
        int64_t size, sent, held_len;
        char *held;
};

enum err remote_put_begin(struct ctx *ctx, const struct remote_target *target, int64_t size,
                          struct remote_put **ret)
{
        struct remote_put *put = arena_alloc(ctx->arena, sizeof(*put));
        int64_t held = size < HELD ? size : HELD;

        if (!put)
                return ctx_nomem(ctx);
        *put = (struct remote_put){ .size = size,
                                    .held = arena_alloc(ctx->arena, (size_t)held + 1) };
        put->ask = (struct remote_ask){ .method = "PUT", .url = target->url, .streamed = true };
        if (!put->held)
                return ctx_nomem(ctx);
        if (target->remote_id && *target->remote_id) {
                put->ask.query = arena_printf(ctx->arena, "partNumber=%" PRId64 "&uploadId=%s",
                                              target->number, target->remote_id);
                if (!put->ask.query)
                        return ctx_nomem(ctx);
        }
        *ret = put;
        return OK;
}

bool remote_put_has_begun(const struct remote_put *put)
{
        return put->stream != NULL;
}

void remote_put_free(struct remote_put *put)
{
        if (put)
                http_stream_close(TAKE(put->stream));
}

/* Pass bytes on. */
static enum err push(struct ctx *ctx, struct remote_put *put, const void *bytes, int64_t len)
{
        struct http_answer none = { 0 };
        enum err rc = OK;

        if (len == 0)
                return OK;
        if (!put->stream) {
                rc = remote_prepare(ctx, &put->ask, &put->request);
                if (rc == OK)
                        rc = http_stream_open(ctx, &put->request.http, &put->request.request,
                                              put->size, &put->stream);
        }
        if (rc == OK)
                rc = http_stream_send(ctx, put->stream, bytes, (size_t)len);
        put->sent += len;
        return rc == OK ? OK : remote_outcome(ctx, &put->ask, rc, &none);
}

enum err remote_put_write(struct ctx *ctx, struct remote_put *put, const void *bytes, size_t len)
{
        const int64_t hold_from = put->size > HELD ? put->size - HELD : 0;
        int64_t now = (int64_t)len, at_once = hold_from - put->sent;
        enum err rc;

        if (put->sent + put->held_len + now > put->size)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "More bytes came than were announced");
        at_once = at_once < now ? at_once : now;
        rc = push(ctx, put, bytes, at_once);
        if (rc != OK)
                return rc;
        memcpy(put->held + put->held_len, (const char *)bytes + at_once, (size_t)(now - at_once));
        put->held_len += now - at_once;
        return OK;
}

/* Send what was held back and hear what becomes of it. */
static enum err conclude(struct ctx *ctx, struct remote_put *put, struct http_answer *ret)
{
        enum err rc = push(ctx, put, put->held, put->held_len);

        if (rc == OK && !put->stream) { /* nothing at all is an object, too */
                rc = remote_prepare(ctx, &put->ask, &put->request);
                if (rc == OK)
                        rc = http_stream_open(ctx, &put->request.http, &put->request.request, 0,
                                              &put->stream);
        }
        if (rc != OK)
                return rc;
        rc = http_stream_answer(ctx, put->stream, ret);
        return remote_outcome(ctx, &put->ask, rc, ret);
}

enum err remote_put_finish(struct ctx *ctx, struct remote_put *put, const char **ret_etag)
{
        struct http_answer answer = { 0 };
        const int64_t patience_us = (int64_t)(ctx->config->http_timeout_s * (double)US_PER_S);
        const int64_t until_us = clock_mono_us(ctx->clock) + patience_us / TRIES;
        const bool whole = put->held_len == put->size;
        enum err rc;

        if (put->sent + put->held_len != put->size)
                return ctx_fail_as(ctx, ERR_INVALID, "IncompleteBody",
                                   "Fewer bytes came than were announced");
        rc = conclude(ctx, put, &answer);
        for (unsigned tries = 1; tries < TRIES && whole && rc == ERR_UNAVAILABLE &&
                                 clock_mono_us(ctx->clock) < until_us;
             tries++) {
                http_stream_close(TAKE(put->stream));
                rc = conclude(ctx, put, &answer);
        }
        if (rc == ERR_NOT_FOUND && !put->ask.query)
                rc = ctx_prefix(ctx, ERR_UNAVAILABLE, "the bucket is missing");
        if (rc == OK && !answer.etag)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store answered PUT without an ETag");
        if (rc == OK)
                *ret_etag = answer.etag;
        return rc;
}

static enum err put_piece(struct ctx *ctx, const struct remote_target *target, int fd,
                          struct remote_piece piece, const char **ret_etag)
{
        CLEANUP(remote_put_freep) struct remote_put *put = NULL;
        char *chunk = arena_alloc(ctx->arena, 256 * KiB);
        enum err rc;

        if (!chunk)
                return ctx_nomem(ctx);
        rc = remote_put_begin(ctx, target, piece.size, &put);
        while (rc == OK && piece.size > 0) {
                size_t want = piece.size < (int64_t)(256 * KiB) ? (size_t)piece.size : 256 * KiB;
                ssize_t n = pread(fd, chunk, want, piece.offset);

                if (n <= 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an upload: %m");
                rc = remote_put_write(ctx, put, chunk, (size_t)n);
                piece.offset += n;
                piece.size -= n;
        }
        return rc == OK ? remote_put_finish(ctx, put, ret_etag) : rc;
}

static enum err put_part(struct ctx *ctx, void *arg, const struct remote_target *target,
                         struct remote_piece piece, const char **ret_etag)
{
        return put_piece(ctx, target, *(const int *)arg, piece, ret_etag);
}

enum err remote_put_file(struct ctx *ctx, const struct remote_target *target, int fd, int64_t size,
                         const char **ret_etag)
{
        if (size <= REMOTE_PUT_MAX)
                return put_piece(ctx, target, fd, (struct remote_piece){ 0, size }, ret_etag);
        *ret_etag = NULL;
        return remote_in_parts(ctx, target->url, size, put_part, &fd);
}
