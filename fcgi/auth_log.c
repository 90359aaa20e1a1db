#include "fcgi/auth_log.h"

#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/cloud/auth/api_key.h"
#include "core/cloud/storage/upload_token.h"
#include "fcgi/s3.h"

void auth_log_refused(struct ctx *ctx, const char *credential)
{
        log_event(ctx, LOG_WARNING, "simpletuner.cloud.auth", "Authentication failed", "client",
                  ctx->client, "credential", credential);
}

static bool looks_like_a_job(const char *token)
{
        return strlen(token) == UPLOAD_TOKEN_SIZE - 1;
}

/* A signature may also be refused for its age, or be that of a job that has ended. */
static const char *kind_of_signature(const struct ctx *ctx, const struct s3_signature *signature)
{
        const char *code = ctx->code ? ctx->code : "";

        if (strcmp(code, "SignatureDoesNotMatch") == 0)
                return "s3_signature";
        if (strcmp(code, "InvalidAccessKeyId") == 0 &&
            !looks_like_a_job(signature->sigv4.access_key_id))
                return "s3_signature";
        return NULL;
}

static const char *kind_of_authorization(const char *authorization)
{
        const char *token = authorization + strcspn(authorization, " ");

        token += strspn(token, " ");
        if (strncmp(token, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0)
                return "api_key";
        return looks_like_a_job(token) ? NULL : "authorization";
}

/* In the order in which auth_identify looks at them; NULL: no line. */
static const char *kind_of(const struct ctx *ctx, const struct request *request,
                           const struct credentials *shown)
{
        if (request->signature)
                return kind_of_signature(ctx, request->signature);
        if (shown->api_key)
                return "api_key";
        if (shown->upload_token || !shown->authorization)
                return NULL;
        return kind_of_authorization(shown->authorization);
}

void auth_log_credentials(struct ctx *ctx, const struct request *request,
                          const struct credentials *shown)
{
        const char *kind = kind_of(ctx, request, shown);

        if (kind)
                auth_log_refused(ctx, kind);
}
