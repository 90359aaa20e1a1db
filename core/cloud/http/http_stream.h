/* A request whose body is given piece by piece, or whose answer is taken so, in constant memory and
 * while its caller does other things in between. For requests that are signed for S3, all with the
 * same settings. Streams keep their connections from one to the next. */
#ifndef CORE_CLOUD_HTTP_HTTP_STREAM_H
#define CORE_CLOUD_HTTP_HTTP_STREAM_H

#include "core/base/crypto.h"
#include "core/cloud/http/http_client.h"

/* AWS Signature Version 4, made by libcurl. The request's headers say x-amz-content-sha256; its
 * path and query are percent-encoded and in order already. */
struct http_signature {
        const char *region;
        const char *access_key_id;
        struct secret secret;
};

struct http_stream;

/* Begin a request; request and settings are borrowed until the stream is closed. size: bytes of a
 * body to come, -1: none. Nothing is sent before the first of the calls below. What http_perform
 * returns before it sends. */
NODISCARD enum err http_stream_open(struct ctx *ctx, const struct http_settings *settings,
                                    const struct http_request *request, int64_t size,
                                    struct http_stream **ret);

/* Give bytes of the body; they are taken when it returns. (The first ones live until the answer: a
 * kept connection may turn out dead, and then they are sent again.) OK also when the other side has
 * answered before it had all of them, which http_stream_answer tells. Otherwise as http_perform. */
NODISCARD enum err http_stream_send(struct ctx *ctx, struct http_stream *stream, const void *bytes,
                                    size_t len);
/* The body is over: wait for the answer. As http_perform. */
NODISCARD enum err http_stream_answer(struct ctx *ctx, struct http_stream *stream,
                                      struct http_answer *ret);

/* Wait for the head of the answer, as http_perform; ret_length: bytes of its body, -1: not said. An
 * answer of another status than 2xx is read whole. */
NODISCARD enum err http_stream_head(struct ctx *ctx, struct http_stream *stream,
                                    struct http_answer *ret, int64_t *ret_length);
/* Then its body. write answers false to stop, which makes the result ERR_CONFLICT. */
struct http_taker {
        bool (*write)(void *arg, const void *bytes, size_t len);
        void *arg;
};
NODISCARD enum err http_stream_take(struct ctx *ctx, struct http_stream *stream,
                                    const struct http_taker *taker);

/* What is not over breaks off: the other side never gets the rest. */
void http_stream_close(struct http_stream *stream);
DEFINE_CLEANUP(struct http_stream *, http_stream_close)

#endif
