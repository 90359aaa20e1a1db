/* Secrets of AWS Secrets Manager: one secret whose text is a JSON map, GetSecretValue of its API
 * reference. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/http/http_settings.h"
#include "core/cloud/secrets/aws_sign.h"
#include "core/cloud/secrets/secret_cache.h"

#define TARGET "secretsmanager.GetSecretValue"

static bool configured(struct ctx *ctx)
{
        return *ctx->config->secrets.aws_name != '\0';
}

/* The setting, else the fourth part of an ARN. NULL: out of memory; "": not known. */
static const char *region_of(struct ctx *ctx)
{
        const struct secrets_config *config = &ctx->config->secrets;
        const char *at = config->aws_name;

        if (*config->aws_region)
                return config->aws_region;
        if (strncmp(at, "arn:", 4) != 0)
                return "";
        for (unsigned colons = 0; *at && colons < 3; at++)
                colons += *at == ':';
        return arena_strndup(ctx->arena, at, strcspn(at, ":"));
}

static enum err make_call(struct ctx *ctx, struct aws_call *ret)
{
        const struct secrets_config *config = &ctx->config->secrets;
        CLEANUP(json_decrefp) json_t *body = json_pack("{s:s}", "SecretId", config->aws_name);

        *ret = (struct aws_call){
                .region = region_of(ctx), .service = "secretsmanager", .target = TARGET, .body = ""
        };
        if (!body || !ret->region)
                return ctx_nomem(ctx);
        if (!*ret->region)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "AWS_REGION must be set");
        ret->endpoint =
                *config->aws_endpoint
                        ? config->aws_endpoint
                        : arena_printf(ctx->arena, "https://secretsmanager.%s.amazonaws.com%s",
                                       ret->region,
                                       strncmp(ret->region, "cn-", 3) == 0 ? ".cn" : "");
        return ret->endpoint ? json_text(ctx, body, &ret->body) : ctx_nomem(ctx);
}

static enum err post(struct ctx *ctx, const struct aws_call *call, const struct aws_keys *keys,
                     struct http_answer *ret)
{
        struct aws_signed signed_ = { 0 };
        enum err rc = aws_sign(ctx, call, keys, &signed_);
        const struct http_request request = {
                .op = "secrets",
                .method = "POST",
                .url = signed_.url,
                .headers = signed_.headers,
                .content_type = AWS_CONTENT_TYPE,
                .body = call->body,
                .body_len = strlen(call->body),
                .repeatable = true,
        };
        struct http_settings settings = http_settings_for(ctx->config, call->endpoint);

        if (rc != OK)
                return rc;
        if (settings.timeout_s > SECRET_CALL_S)
                settings.timeout_s = SECRET_CALL_S;
        rc = http_perform(ctx, &settings, &request, ret);
        if (rc == OK || rc == ERR_NOMEM)
                return rc;
        return ctx_prefix(ctx, ERR_UNAVAILABLE, "AWS Secrets Manager cannot be asked");
}

/* "ResourceNotFoundException" of {"__type": "com.amazonaws...#ResourceNotFoundException"}; "". */
static const char *error_of(struct ctx *ctx, const json_t *json)
{
        const char *type = json ? json_string_at(json, "__type") : NULL;
        const char *hash = type ? strrchr(type, '#') : NULL;
        const char *name = hash ? hash + 1 : type ? type : "";

        return arena_strndup(ctx->arena, name,
                             strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "abcdefghijklmnopqrstuvwxyz"));
}

static enum err parse_map(struct ctx *ctx, const char *text, size_t len, json_t **ret)
{
        enum err rc = json_parse_object(ctx, "secret", text, len, ret);

        return rc == ERR_INVALID ? ctx_fail(ctx, ERR_UNAVAILABLE,
                                            "the secret in AWS Secrets Manager is no JSON map")
                                 : rc;
}

/* SecretString, else SecretBinary: the same in base64. */
static enum err read_value(struct ctx *ctx, const json_t *json, json_t **ret)
{
        const char *text = json_string_at(json, "SecretString");
        const char *binary = json_string_at(json, "SecretBinary");
        size_t size = binary ? strlen(binary) : 0, len = 0;
        char *bytes;

        if (text)
                return parse_map(ctx, text, strlen(text), ret);
        if (!binary)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "AWS Secrets Manager answered without a secret");
        bytes = arena_alloc(ctx->arena, size + 1);
        if (!bytes)
                return ctx_nomem(ctx);
        if (!crypto_base64_decode(binary, size, bytes, size, &len))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "SecretBinary is no base64");
        return parse_map(ctx, bytes, len, ret);
}

/* A secret that is not there has no names; all else is trouble. ERR_CONFLICT: the keys have
 * expired. */
static enum err read_answer(struct ctx *ctx, const struct http_answer *answer, json_t **ret)
{
        CLEANUP(json_decrefp) json_t *json = NULL;
        const char *error;

        if (answer->body_len > 0 &&
            json_parse_object(ctx, "answer", answer->body, answer->body_len, &json) == ERR_NOMEM)
                return ERR_NOMEM;
        if (answer->status == 200 && json)
                return read_value(ctx, json, ret);
        error = error_of(ctx, json);
        if (!error)
                return ctx_nomem(ctx);
        if (strcmp(error, "ResourceNotFoundException") == 0) {
                *ret = json_object();
                return *ret ? OK : ctx_nomem(ctx);
        }
        return ctx_fail(
                ctx, strcmp(error, "ExpiredTokenException") == 0 ? ERR_CONFLICT : ERR_UNAVAILABLE,
                "AWS Secrets Manager answered HTTP %ld %.64s", answer->status, error);
}

static enum err fetch_once(struct ctx *ctx, struct aws_keys *keys, json_t **ret)
{
        struct http_answer answer;
        struct aws_call call;
        enum err rc = make_call(ctx, &call);

        if (rc == OK)
                rc = aws_keys_obtain(ctx, keys);
        if (rc == OK)
                rc = post(ctx, &call, keys, &answer);
        return rc == OK ? read_answer(ctx, &answer, ret) : rc;
}

static enum err fetch(struct ctx *ctx, void *state, json_t **ret, double *ret_s)
{
        enum err rc = fetch_once(ctx, state, ret);

        (void)ret_s;
        if (rc == ERR_CONFLICT) {
                aws_keys_drop(state);
                rc = fetch_once(ctx, state, ret);
        }
        return rc == ERR_CONFLICT ? ERR_UNAVAILABLE : rc;
}

static void forget(void *state)
{
        aws_keys_drop(state);
}

const struct secret_source secret_aws = {
        .name = "aws",
        .configured = configured,
        .fetch = fetch,
        .state_size = sizeof(struct aws_keys),
        .forget = forget,
};
