/* Tokens that users have of their own at providers. Values come in and never go out. */
#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/provider/credential.h"
#include "core/cloud/provider/provider.h"
#include "fcgi/handlers.h"
#include "fcgi/render_account.h"

static enum err credentials_list_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
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

const struct operation credentials_list = {
        OPERATION(credentials_list),
        .summary = "List the own credentials at providers",
};

static const struct field given_fields[] = {
        FIELD(struct credential_given, provider, FIELD_STRING, .max = 64, .required = true),
        FIELD(struct credential_given, credential_name, FIELD_STRING, .max = 64),
        FIELD(struct credential_given, value, FIELD_STRING, .max = 1024, .required = true),
        FIELD(struct credential_given, description, FIELD_STRING, .max = 200),
};

static enum err credentials_save_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct credential_given given = { .credential_name = CREDENTIAL_TOKEN };
        struct jsonw json;
        enum err rc;

        rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = credential_save(ctx, &given);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "provider", given.provider);
        jsonw_string(&json, "credential_name", given.credential_name);
        return reply_json_end(ctx, reply, &json);
}

const struct operation credentials_save = {
        OPERATION(credentials_save),
        .summary = "Save a credential at a provider",
        .body = FIELDS(given_fields),
        .status = 201,
};

static enum err credentials_delete_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
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

const struct operation credentials_delete = {
        OPERATION(credentials_delete),
        .summary = "Delete an own credential",
};

static const struct field validate_fields[] = {
        FIELD(struct credential_given, provider, FIELD_STRING, .max = 64),
        FIELD(struct credential_given, credential_name, FIELD_STRING, .max = 64),
};

static enum err credentials_validate_run(struct ctx *ctx, const struct request *request,
                                         struct reply *reply)
{
        struct credential_given given = {
                .provider = ctx->config->default_provider,
                .credential_name = CREDENTIAL_TOKEN,
        };
        enum err rc;

        rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = credential_check(ctx, &given);
        return rc == OK ? render_account(ctx, given.provider, reply) : rc;
}

const struct operation credentials_validate = {
        OPERATION(credentials_validate),
        .summary = "Ask a provider whether a credential is good",
        .body = FIELDS(validate_fields),
};
