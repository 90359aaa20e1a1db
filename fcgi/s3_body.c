#include "fcgi/s3_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/cloud/s3/aws_chunked.h"
#include "fcgi/routes.h"
#include "fcgi/s3.h"

#define READ_CHUNK (256 * KiB)

static const char checksum_prefix[] = "x-amz-checksum-";

static enum err read_md5(struct ctx *ctx, const struct request *request, struct s3_body *body)
{
        const char *text = request_header(request, "Content-MD5");
        unsigned char md5[MD5_SIZE];
        char hex[MD5_HEX_SIZE];
        size_t len;

        if (!text && !s3_signs_header(request, "content-md5"))
                return OK;
        text = text ? text : "";
        if (!crypto_base64_decode(text, strlen(text), md5, sizeof(md5), &len) || len != MD5_SIZE)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidDigest",
                                   "The Content-MD5 you specified is not valid.");
        crypto_hex(md5, MD5_SIZE, hex);
        return ctx_strdup(ctx, hex, &body->expect.md5);
}

static enum err refuse_checksum(struct ctx *ctx, const char *name)
{
        return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest", "Value for %s%s header is invalid.",
                           checksum_prefix, name);
}

/* x-amz-checksum-crc32c: base64. At most one of them. */
static enum err read_checksum(struct ctx *ctx, const struct request *request, struct s3_body *body)
{
        for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_COUNT; kind++) {
                const char *name = checksum_name((enum checksum_kind)kind);
                const char *header = arena_printf(ctx->arena, "%s%s", checksum_prefix, name);
                const char *value = header ? request_header(request, header) : NULL;
                unsigned char raw[CHECKSUM_SIZE_MAX];

                if (!value)
                        continue;
                if (body->checksum != CHECKSUM_NONE)
                        return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                           "Expecting a single x-amz-checksum- header. Multiple "
                                           "checksum Types are not allowed.");
                /* "sum-3" is that of three parts, as a client may say when it completes an upload.
                 */
                if (!strchr(value, '-') && !checksum_decode((enum checksum_kind)kind, value, raw))
                        return refuse_checksum(ctx, name);
                body->checksum = (enum checksum_kind)kind;
                body->expect.checksum = value;
        }
        return OK;
}

/* "x-amz-trailer: x-amz-checksum-crc32": the sum comes behind the bytes. */
static enum err read_trailer(struct ctx *ctx, const struct request *request, struct s3_body *body)
{
        const char *trailer = request_header(request, "X-Amz-Trailer");
        size_t prefix_len = sizeof(checksum_prefix) - 1;

        if (!trailer)
                return OK;
        if (strncasecmp(trailer, checksum_prefix, prefix_len) != 0 ||
            !checksum_parse(trailer + prefix_len, &body->checksum))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "The value specified in the x-amz-trailer header is not "
                                   "supported");
        if (!body->chunk_trailer)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "A trailer needs a body in chunks that has one");
        body->trailer = trailer;
        return OK;
}

static enum err read_decoded_length(struct ctx *ctx, const struct request *request,
                                    struct s3_body *body)
{
        const char *text = request_header(request, "X-Amz-Decoded-Content-Length");
        char *end;

        if (!text)
                return ctx_fail_as(ctx, ERR_INVALID, "MissingContentLength",
                                   "You must provide the x-amz-decoded-content-length header.");
        errno = 0;
        body->size = strtoll(text, &end, 10);
        if (end == text || *end || errno || body->size < 0)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "x-amz-decoded-content-length must be a number of bytes");
        return OK;
}

/* How the signature covers the body. */
static enum err read_payload(struct ctx *ctx, const struct request *request, struct s3_body *body)
{
        if (!request->signature)
                return OK;
        switch (request->signature->sigv4.payload) {
        case SIGV4_HASHED:
                body->expect.sha256 = request->signature->sigv4.payload_hash;
                return OK;
        case SIGV4_STREAMING_SIGNED_TRAILER:
        case SIGV4_STREAMING_UNSIGNED_TRAILER:
                body->chunk_trailer = true;
                /* fall through */
        case SIGV4_STREAMING_SIGNED:
                body->chunked = true;
                return read_decoded_length(ctx, request, body);
        case SIGV4_UNSIGNED:
        case SIGV4_PAYLOAD_COUNT:
                break;
        }
        return OK;
}

enum err s3_body_announced(struct ctx *ctx, const struct request *request, struct s3_body *ret)
{
        struct s3_body body = { .size = request->content_length };
        enum err rc;

        if (request->content_length < 0 && !request_header(request, "Transfer-Encoding"))
                return ctx_fail_as(ctx, ERR_INVALID, "MissingContentLength",
                                   "You must provide the Content-Length HTTP header.");
        rc = read_payload(ctx, request, &body);
        if (rc == OK)
                rc = read_md5(ctx, request, &body);
        if (rc == OK)
                rc = read_checksum(ctx, request, &body);
        if (rc == OK)
                rc = read_trailer(ctx, request, &body);
        if (rc == OK)
                *ret = body;
        return rc;
}

/* What decodes the body and hands its bytes to the sink. */
static enum err new_chunked(struct ctx *ctx, const struct request *request,
                            const struct s3_body *body, struct aws_chunked_options options,
                            struct aws_chunked **ret)
{
        const struct s3_signature *signature = request->signature;

        if (signature->sigv4.payload != SIGV4_STREAMING_UNSIGNED_TRAILER)
                options.proof = &signature->proof;
        options.trailer = body->chunk_trailer;
        options.decoded_length = body->size;
        return aws_chunked_new(ctx, &options, ret);
}

/* The sum that stands behind the bytes. */
static enum err take_trailer(struct ctx *ctx, const struct aws_chunked *chunked,
                             struct s3_body *body)
{
        const char *value = aws_chunked_trailer(chunked, body->trailer);
        unsigned char raw[CHECKSUM_SIZE_MAX];

        if (!value)
                return ctx_fail_as(ctx, ERR_INVALID, "MalformedTrailerError",
                                   "The request contained trailing data that was not well-formed "
                                   "or did not conform to our published schema.");
        if (!checksum_decode(body->checksum, value, raw))
                return refuse_checksum(ctx, checksum_name(body->checksum));
        body->expect.checksum = value;
        return OK;
}

enum err s3_body_receive(struct ctx *ctx, const struct request *request, struct s3_body *body,
                         s3_sink_fn *sink, void *arg)
{
        char *chunk = arena_alloc(ctx->arena, READ_CHUNK);
        struct aws_chunked *chunked = NULL;
        int64_t total = 0;
        size_t n;
        enum err rc = OK;

        if (!chunk)
                return ctx_nomem(ctx);
        if (body->chunked)
                rc = new_chunked(ctx, request, body,
                                 (struct aws_chunked_options){ .sink = sink, .arg = arg },
                                 &chunked);
        while (rc == OK && (n = request_read(request, chunk, READ_CHUNK)) > 0) {
                total += (int64_t)n;
                rc = chunked ? aws_chunked_feed(ctx, chunked, chunk, n) : sink(ctx, arg, chunk, n);
        }
        if (rc != OK)
                return rc;
        if (!request_ended_well(request, total))
                return ctx_fail_as(ctx, ERR_INVALID, "IncompleteBody",
                                   "The body ended before its announced length");
        if (chunked)
                rc = aws_chunked_end(ctx, chunked);
        return rc == OK && body->trailer ? take_trailer(ctx, chunked, body) : rc;
}

static enum err gather(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        struct buf *buf = arg;

        if (!buf_add(buf, bytes, len))
                return ctx_fail_as(ctx, ERR_TOO_LARGE, "MaxMessageLengthExceeded",
                                   "Your request was too big.");
        return OK;
}

static void free_buf(void *buf)
{
        buf_done(buf);
}

static enum err check_text(struct ctx *ctx, const struct buf *text, const struct s3_body *body)
{
        CLEANUP(checksum_freep) struct checksum *sum = NULL;
        char sha256[SHA256_HEX_SIZE], md5_hex[MD5_HEX_SIZE], checksum[CHECKSUM_TEXT_SIZE];
        unsigned char md5[MD5_SIZE];

        if (!crypto_sha256_hex(buf_str(text), text->len, sha256) ||
            !crypto_md5(buf_str(text), text->len, md5))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a body");
        crypto_hex(md5, MD5_SIZE, md5_hex);
        if (body->checksum != CHECKSUM_NONE) {
                sum = checksum_new(body->checksum);
                if (!sum || !checksum_add(sum, buf_str(text), text->len) ||
                    !checksum_end(sum, checksum))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot sum a body");
        }
        return object_expect_check(
                ctx, &body->expect,
                &(struct object_sums){ .md5 = md5_hex, .sha256 = sha256, .checksum = checksum });
}

static enum err read_text(struct ctx *ctx, const struct request *request, struct s3_body *body,
                          struct buf *text)
{
        struct s3_body announced;
        enum err rc = OK;

        if (!body) {
                body = &announced;
                rc = s3_body_announced(ctx, request, body);
        }
        if (rc == OK)
                rc = s3_body_receive(ctx, request, body, gather, text);
        return rc == OK ? check_text(ctx, text, body) : rc;
}

enum err s3_body_malformed(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_INVALID, "MalformedXML",
                           "The XML you provided was not well-formed or did not validate against "
                           "our published schema");
}

enum err s3_body_xml(struct ctx *ctx, const struct request *request, struct s3_body *body,
                     const char *root, struct xml **ret)
{
        struct buf *text = arena_alloc(ctx->arena, sizeof(*text));
        struct xml *xml = NULL;
        enum err rc;

        if (!text)
                return ctx_nomem(ctx);
        buf_init(text, request->route->body_max);
        if (!arena_own(ctx->arena, text, free_buf))
                return ctx_nomem(ctx);
        rc = read_text(ctx, request, body, text);
        if (rc == OK)
                rc = xml_parse(ctx, buf_str(text), text->len, &xml);
        if (rc == ERR_INVALID && !ctx->code)
                return s3_body_malformed(ctx);
        if (rc != OK)
                return rc;
        if (strcmp(xml->name, root) != 0)
                return s3_body_malformed(ctx);
        *ret = xml;
        return OK;
}
