/* Tokens that users have of their own at providers. Values come in and never go out. */
#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/credential.h"
#include "core/cloud/provider.h"
#include "fcgi/handlers.h"
#include "fcgi/render_account.h"

enum err credentials_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        enum err rc;

        (void)request;
        jsonw_array(&json, "credentials");
        rc = credential_list(ctx, NULL, render_credential, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

static const struct field given_fields[] = {
        FIELD(struct credential_given, provider, FIELD_STRING, .max = 64, .required = true),
        FIELD(struct credential_given, credential_name, FIELD_STRING, .max = 64),
        FIELD(struct credential_given, value, FIELD_STRING, .max = 1024, .required = true),
        FIELD(struct credential_given, description, FIELD_STRING, .max = 200),
};

enum err credentials_save(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct credential_given given = { .credential_name = CREDENTIAL_TOKEN };
        struct jsonw json;
        enum err rc;

        rc = request_fields(ctx, request, given_fields, ARRAY_SIZE(given_fields), &given);
        if (rc == OK)
                rc = credential_save(ctx, &given);
        if (rc != OK)
                return rc;
        reply->status = 201;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "provider", given.provider);
        jsonw_string(&json, "credential_name", given.credential_name);
        return reply_json_end(ctx, reply, &json);
}

enum err credentials_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct jsonw json;
        enum err rc = credential_delete(ctx, NULL, request_param(request, "provider"),
                                        request_param(request, "name"));

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}

static const struct field validate_fields[] = {
        FIELD(struct credential_given, provider, FIELD_STRING, .max = 64),
        FIELD(struct credential_given, credential_name, FIELD_STRING, .max = 64),
};

enum err credentials_validate(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct credential_given given = {
                .provider = ctx->config->default_provider,
                .credential_name = CREDENTIAL_TOKEN,
        };
        enum err rc;

        rc = request_fields(ctx, request, validate_fields, ARRAY_SIZE(validate_fields), &given);
        if (rc == OK)
                rc = credential_check(ctx, &given);
        return rc == OK ? render_account(ctx, given.provider, reply) : rc;
}
