/* Providers: their settings and tokens. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/cloud.h"
#include "core/cloud/provider_token.h"
#include "core/cloud/secrets.h"
#include "fcgi/handlers.h"

static void render_profiles(struct jsonw *json, const json_t *info)
{
        struct hardware hardware;

        jsonw_array(json, "hardware_profiles");
        for (size_t i = 0; hardware_at(i, &hardware); i++) {
                double price = (double)hardware_price_nanos(&hardware, info) / 1e9;

                jsonw_object(json, NULL);
                jsonw_string(json, "id", hardware.profile);
                jsonw_string(json, "label", hardware.label);
                jsonw_number(json, "cost_per_second", price, 9);
                jsonw_number(json, "cost_per_hour", price * 3600, 2);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
}

static void render_provider(struct jsonw *json, const struct provider_session *session)
{
        const struct provider *provider = session->provider;
        const char *profile = session->settings.hardware_profile;

        jsonw_object(json, NULL);
        jsonw_string(json, "id", provider->id);
        jsonw_string(json, "name", provider->name);
        jsonw_string(json, "description", provider->description);
        jsonw_string(json, "version", session->settings.version_override);
        jsonw_bool(json, "configured", session->token.len > 0);
        jsonw_bool(json, "coming_soon", false);
        jsonw_string(json, "hardware_profile", profile ? profile : HARDWARE_DEFAULT);
        render_profiles(json, session->settings.hardware_info);
        jsonw_object_end(json);
}

enum err providers_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct provider_session session;
        struct jsonw json;

        (void)request;
        json = reply_json(reply);
        jsonw_array(&json, "providers");
        for (size_t i = 0; provider_at(i); i++) {
                enum err rc = provider_open(ctx, provider_at(i)->id, &session);

                if (rc != OK)
                        return rc;
                render_provider(&json, &session);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

enum err providers_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        CLEANUP(json_decrefp) json_t *view = NULL;
        const struct provider *provider;
        struct jsonw json;
        const char *text;
        enum err rc;

        rc = provider_find(ctx, request_param(request, "provider"), &provider);
        if (rc == OK)
                rc = provider_settings_view(ctx, provider->id, &view);
        if (rc == OK)
                rc = json_text(ctx, view, &text);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_string(&json, "provider", provider->id);
        jsonw_raw(&json, "config", text);
        return reply_json_end(ctx, reply, &json);
}

enum err providers_update(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct provider *provider;
        json_t *patch;
        enum err rc;

        rc = provider_find(ctx, request_param(request, "provider"), &provider);
        if (rc == OK)
                rc = request_json(ctx, request, &patch);
        if (rc == OK)
                rc = provider_settings_update(ctx, provider->id, patch);
        if (rc != OK)
                return rc;
        return providers_show(ctx, request, reply);
}

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

enum err providers_token_save(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct token_body body = { 0 };
        const char *problem = NULL;
        json_t *json;
        enum err rc;

        rc = request_json(ctx, request, &json);
        if (rc == OK)
                rc = fields_decode(ctx, token_fields, ARRAY_SIZE(token_fields), json, &body);
        if (rc == OK)
                rc = provider_token_save(ctx, request_param(request, "provider"), body.api_token,
                                         &problem);
        if (rc != OK)
                return rc;
        return render_token(ctx, reply, problem);
}

enum err providers_token_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        enum err rc = provider_token_delete(ctx, request_param(request, "provider"));

        if (rc != OK)
                return rc;
        return render_token(ctx, reply, NULL);
}

enum err providers_validate(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct provider_account account = { 0 };
        struct provider_session session;
        struct jsonw json;
        enum err rc;

        rc = provider_open(ctx, request_param(request, "provider"), &session);
        if (rc != OK)
                return rc;
        rc = session.provider->validate(ctx, &session, &account);
        if (rc != OK && rc != ERR_PROVIDER)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "valid", rc == OK);
        if (rc == OK) {
                jsonw_object(&json, "user_info");
                jsonw_bool(&json, "valid", true);
                jsonw_string(&json, "username", account.username);
                jsonw_string(&json, "name", account.name);
                jsonw_string(&json, "github_url", account.github_url);
                jsonw_string(&json, "token_source", "global");
                jsonw_object_end(&json);
        } else {
                jsonw_null(&json, "user_info");
        }
        jsonw_string(&json, "error", rc == OK ? NULL : ctx->detail);
        return reply_json_end(ctx, reply, &json);
}
