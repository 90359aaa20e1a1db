/* A provider's account: its token, whether that is good, its models and how it is. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/cloud.h"
#include "core/cloud/provider/provider_token.h"
#include "core/cloud/provider/status_page.h"
#include "core/cloud/secrets/secrets.h"
#include "fcgi/handlers.h"
#include "fcgi/render_account.h"

struct token_body {
        const char *api_token;
};

static const struct field token_fields[] = {
        FIELD(struct token_body, api_token, FIELD_STRING, .max = 1024, .required = true),
};

static enum err render_token(struct ctx *ctx, struct reply *reply, const char *problem)
{
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "file_path", secrets_path(ctx->cloud->secrets));
        jsonw_string(&json, "error", problem);
        return reply_json_end(ctx, reply, &json);
}

static enum err providers_token_save_run(struct ctx *ctx, const struct request *request,
                                         struct reply *reply)
{
        struct token_body body = { 0 };
        const char *problem = NULL;
        json_t *json;
        enum err rc;

        rc = request_json(ctx, request, &json);
        if (rc == OK)
                rc = request_fields_of(ctx, request, json, &body);
        if (rc == OK)
                rc = provider_token_save(ctx, request_param(request, "provider"), body.api_token,
                                         &problem);
        if (rc != OK)
                return rc;
        return render_token(ctx, reply, problem);
}

const struct operation providers_token_save = {
        OPERATION(providers_token_save),
        .summary = "Save the token of a provider",
        .body = FIELDS(token_fields),
};

static enum err providers_token_delete_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        enum err rc = provider_token_delete(ctx, request_param(request, "provider"));

        if (rc != OK)
                return rc;
        return render_token(ctx, reply, NULL);
}

const struct operation providers_token_delete = {
        OPERATION(providers_token_delete),
        .summary = "Forget the token of a provider",
};

static enum err providers_validate_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        return render_account(ctx, request_param(request, "provider"), reply);
}

const struct operation providers_validate = {
        OPERATION(providers_validate),
        .summary = "Ask a provider whether its token is good",
};

/* "owner/name", in characters that cannot change the meaning of a path. */
static bool is_model_id(const char *id)
{
        static const char safe[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
        size_t owner = strspn(id, safe);
        const char *name = id[owner] == '/' ? id + owner + 1 : "";
        size_t len = strspn(name, safe);

        return owner > 0 && id[0] != '.' && len > 0 && name[0] != '.' && name[len] == '\0' &&
               owner + len <= 200;
}

/* The model asked for, else that of the profile in use. */
static enum err choose_model(struct ctx *ctx, const struct request *request,
                             const struct provider_session *session, const char **ret)
{
        struct hardware hardware;
        enum err rc = request_query(ctx, request, "model_id", ret);

        if (rc != OK)
                return rc;
        if (!session->provider->versions)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s has no versions", session->provider->name);
        if (*ret)
                return is_model_id(*ret) ? OK
                                         : ctx_fail(ctx, ERR_INVALID,
                                                    "model_id must be of the form owner/name");
        rc = provider_hardware(ctx, session, NULL, &hardware);
        if (rc != OK)
                return rc;
        *ret = arena_printf(ctx->arena, "%s%s", session->provider->model_prefix, hardware.profile);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err render_versions(struct ctx *ctx, struct jsonw *json, const char *model,
                                const struct provider_versions *versions)
{
        jsonw_array(json, "versions");
        for (size_t i = 0; i < versions->count; i++) {
                const struct provider_version *version = &versions->items[i];
                const char *full = arena_printf(ctx->arena, "%s:%s", model, version->id);

                if (!full)
                        return ctx_nomem(ctx);
                jsonw_object(json, NULL);
                jsonw_string(json, "id", version->id);
                jsonw_string(json, "created_at", version->created_at);
                jsonw_string(json, "model_id", model);
                jsonw_string(json, "full_version", full);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
        return OK;
}

static const struct query versions_query[] = {
        QUERY(TEXT, "model_id"),
        { 0 },
};

static enum err providers_versions_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct provider_versions versions = { 0 };
        struct provider_session session;
        const char *model, *error = NULL;
        struct jsonw json;
        enum err rc;

        rc = provider_open(ctx, request_param(request, "provider"), &session);
        if (rc == OK)
                rc = choose_model(ctx, request, &session, &model);
        if (rc != OK)
                return rc;
        rc = session.provider->versions(ctx, &session, model, &versions);
        if (rc == ERR_PROVIDER || rc == ERR_NOT_FOUND || rc == ERR_NOT_READY)
                rc = ctx_strdup(ctx, ctx->detail, &error);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        rc = render_versions(ctx, &json, model, &versions);
        if (rc != OK)
                return rc;
        jsonw_string(&json, "current_version", session.settings.version_override);
        jsonw_string(&json, "error", error);
        return reply_json_end(ctx, reply, &json);
}

const struct operation providers_versions = {
        OPERATION(providers_versions),
        .summary = "List the versions of the trainer at a provider",
        .query = versions_query,
};

static enum err providers_status_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct provider_session session;
        struct status_page page;
        struct jsonw json;
        enum err rc;

        rc = provider_open(ctx, request_param(request, "provider"), &session);
        if (rc == OK)
                rc = status_page_get(ctx, &session, &page);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_string(&json, "provider", session.provider->id);
        if (page.known)
                jsonw_bool(&json, "operational", page.operational);
        else
                jsonw_null(&json, "operational");
        jsonw_string(&json, "indicator", page.indicator);
        jsonw_string(&json, "description", page.description);
        jsonw_raw(&json, "ongoing_incidents", page.incidents);
        jsonw_raw(&json, "in_progress_maintenances", page.in_progress);
        jsonw_raw(&json, "scheduled_maintenances", page.scheduled);
        jsonw_string(&json, "status_page_url", page.page_url);
        jsonw_string(&json, "error", page.error);
        return reply_json_end(ctx, reply, &json);
}

const struct operation providers_status = {
        OPERATION(providers_status),
        .summary = "Incidents that a provider reports",
};
