#include "fcgi/s3_reply.h"

#include <string.h>

#include "fcgi/s3.h"

#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* clang-format off */
/* Where S3 has no finer word: "Error responses" of the S3 API reference. */
static const char *const codes[ERR_COUNT] = {
        [ERR_NOT_FOUND] = "NoSuchKey",
        [ERR_CONFLICT] = "OperationAborted",
        [ERR_INVALID] = "InvalidArgument",
        [ERR_UNAUTHENTICATED] = "AccessDenied",
        [ERR_DENIED] = "AccessDenied",
        [ERR_LIMITED] = "SlowDown",
        [ERR_TOO_LARGE] = "EntityTooLarge",
        [ERR_PRECONDITION] = "PreconditionFailed",
        [ERR_RANGE] = "InvalidRange",
        [ERR_UNSUPPORTED] = "NotImplemented",
        [ERR_UNSUPPORTED_TYPE] = "InvalidRequest",
        [ERR_NO_SPACE] = "InsufficientStorage",
        [ERR_NOT_READY] = "ServiceUnavailable",
        [ERR_UNAVAILABLE] = "ServiceUnavailable",
        [ERR_NOMEM] = "InternalError",
        [ERR_INTERNAL] = "InternalError",
};

/* Statuses that S3 has for its results where ours differ. */
static const struct { enum err rc; int status; } statuses[] = {
        { ERR_UNAUTHENTICATED, 403 }, { ERR_LIMITED, 503 }, { ERR_TOO_LARGE, 400 },
        { ERR_UNSUPPORTED_TYPE, 400 },
};
/* And where a code alone tells. */
static const struct { const char *code; int status; } code_statuses[] = {
        { "MissingContentLength", 411 }, { "MethodNotAllowed", 405 },
};
/* clang-format on */

struct buf *s3_reply_xml(struct reply *reply, const char *root)
{
        buf_reset(&reply->body);
        reply->content_type = "application/xml";
        xmlw_document(&reply->body, root, NAMESPACE);
        return &reply->body;
}

enum err s3_reply_xml_end(struct ctx *ctx, struct reply *reply, const char *root)
{
        xmlw_close(&reply->body, root);
        if (!buf_ok(&reply->body))
                return ctx_fail(ctx, ERR_INTERNAL, "the answer is too large");
        return OK;
}

const char *s3_error_code(const struct ctx *ctx, enum err rc)
{
        if (ctx->code && !err_is_fault(rc))
                return ctx->code;
        return codes[rc] ? codes[rc] : "InternalError";
}

static int status_of(enum err rc, const char *code)
{
        for (size_t i = 0; i < ARRAY_SIZE(code_statuses); i++) {
                if (strcmp(code, code_statuses[i].code) == 0)
                        return code_statuses[i].status;
        }
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                if (rc == statuses[i].rc)
                        return statuses[i].status;
        }
        return reply_status_of(rc);
}

/* What a client's developer needs to find out why a signature does not match. */
static void write_signature(struct buf *out, const struct request *request)
{
        const struct s3_signature *signature = request->signature;

        if (!signature || !signature->sigv4.canonical_request)
                return;
        xmlw_text(out, "AWSAccessKeyId", signature->sigv4.access_key_id);
        xmlw_text(out, "StringToSign", signature->sigv4.string_to_sign);
        xmlw_text(out, "SignatureProvided", signature->sigv4.signature);
        xmlw_text(out, "CanonicalRequest", signature->sigv4.canonical_request);
}

void s3_reply_error(struct ctx *ctx, struct reply *reply, const struct request *request,
                    enum err rc)
{
        const char *code = s3_error_code(ctx, rc);
        struct buf *out;

        reply_error(ctx, reply, rc); /* its headers, and a detail that may be shown */
        reply->status = status_of(rc, code);
        buf_reset(&reply->body);
        reply->content_type = "application/xml";
        out = &reply->body;
        xmlw_document(out, "Error", NULL);
        xmlw_text(out, "Code", code);
        xmlw_text(out, "Message", ctx->detail);
        xmlw_text(out, "Resource", request->path);
        xmlw_text(out, "RequestId", ctx->correlation_id);
        if (strcmp(code, "SignatureDoesNotMatch") == 0)
                write_signature(out, request);
        xmlw_close(out, "Error");
}

void s3_reply_owner(struct buf *out, const char *element)
{
        static const char owner[] = "simpletuner-cloud";

        xmlw_open(out, element);
        xmlw_text(out, "ID", owner);
        xmlw_text(out, "DisplayName", owner);
        xmlw_close(out, element);
}

enum err s3_quote_etag(struct ctx *ctx, const char *etag, const char **ret)
{
        *ret = arena_printf(ctx->arena, "\"%s\"", etag);
        return *ret ? OK : ctx_nomem(ctx);
}
