/* Providers: the list, and their settings. */
#include "core/base/config.h"
#include "core/cloud/provider/provider.h"
#include "core/cloud/provider/provider_advanced.h"
#include "fcgi/handlers.h"

static double price_per_s(const struct provider_session *session, const struct hardware *hardware)
{
        return (double)hardware_price_nanos(hardware, session->settings.hardware_info) / 1e9;
}

/* The model that runs on a profile; null when the provider has no models. */
static enum err render_model(struct ctx *ctx, struct jsonw *json,
                             const struct provider_session *session,
                             const struct hardware *hardware)
{
        const char *prefix = session->provider->model_prefix;
        const char *model =
                prefix ? arena_printf(ctx->arena, "%s%s", prefix, hardware->profile) : NULL;

        if (prefix && !model)
                return ctx_nomem(ctx);
        jsonw_string(json, "model", model);
        return OK;
}

static enum err render_profiles(struct ctx *ctx, struct jsonw *json,
                                const struct provider_session *session)
{
        const json_t *info = session->settings.hardware_info;
        struct hardware hardware;

        jsonw_array(json, "hardware_profiles");
        for (size_t i = 0; session->provider->hardware_at(info, i, &hardware); i++) {
                double price = price_per_s(session, &hardware);
                enum err rc;

                jsonw_object(json, NULL);
                jsonw_string(json, "id", hardware.profile);
                rc = render_model(ctx, json, session, &hardware);
                if (rc != OK)
                        return rc;
                jsonw_string(json, "label", hardware.label);
                jsonw_string(json, "hardware_type", hardware.label);
                jsonw_number(json, "cost_per_hour", price * 3600, 2);
                jsonw_number(json, "cost_per_second", price, 9);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
        return OK;
}

static enum err render_provider(struct ctx *ctx, struct jsonw *json,
                                const struct provider_session *session)
{
        const struct provider *provider = session->provider;
        struct hardware hardware;
        enum err rc;

        rc = provider_hardware(ctx, session, NULL, &hardware);
        if (rc != OK)
                return rc;
        jsonw_object(json, NULL);
        jsonw_string(json, "id", provider->id);
        jsonw_string(json, "name", provider->name);
        jsonw_string(json, "description", provider->description);
        rc = render_model(ctx, json, session, &hardware);
        if (rc != OK)
                return rc;
        jsonw_string(json, "version", session->settings.version_override);
        jsonw_string(json, "hardware",
                     hardware_card_name(&hardware, session->settings.hardware_info));
        jsonw_number(json, "cost_per_hour", price_per_s(session, &hardware) * 3600, 2);
        jsonw_bool(json, "configured", provider_check_configured(ctx, session) == OK);
        jsonw_bool(json, "coming_soon", false);
        jsonw_string(json, "hardware_profile", hardware.profile);
        rc = render_profiles(ctx, json, session);
        jsonw_object_end(json);
        return rc;
}

static enum err providers_list_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct provider_session session;
        struct jsonw json;

        (void)request;
        json = reply_json(reply);
        jsonw_array(&json, "providers");
        for (size_t i = 0; provider_at(i); i++) {
                enum err rc = provider_open(ctx, provider_at(i)->id, &session);

                if (rc == OK)
                        rc = render_provider(ctx, &json, &session);
                if (rc != OK)
                        return rc;
        }
        jsonw_array_end(&json);
        jsonw_string(&json, "default_provider", ctx->config->default_provider);
        return reply_json_end(ctx, reply, &json);
}

const struct operation providers_list = {
        OPERATION(providers_list),
        .summary = "List the providers",
};

static enum err providers_show_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
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

const struct operation providers_show = {
        OPERATION(providers_show),
        .summary = "Show the settings of a provider",
};

static enum err providers_update_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
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
        return providers_show_run(ctx, request, reply);
}

const struct operation providers_update = {
        OPERATION(providers_update),
        .summary = "Change settings of a provider",
        .body = &provider_settings_fields,
};

static enum err advanced_show_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        const char *id = request_param(request, "provider"), *ips = "[]";
        CLEANUP(json_decrefp) json_t *view = NULL;
        struct provider_session session;
        const struct provider_settings *settings = &session.settings;
        struct jsonw json;
        enum err rc;

        rc = provider_open(ctx, id, &session);
        if (rc == OK)
                rc = provider_settings_view(ctx, id, &view);
        if (rc == OK && settings->webhook_allowed_ips)
                rc = json_text(ctx, settings->webhook_allowed_ips, &ips);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "ssl_verify", settings->ssl_verify);
        jsonw_string(&json, "ssl_ca_bundle", settings->ssl_ca_bundle);
        jsonw_string(&json, "proxy_url", json_string_at(view, "proxy_url"));
        jsonw_number(&json, "http_timeout", session.http.timeout_s, 1);
        jsonw_bool(&json, "webhook_ip_allowlist_enabled",
                   json_array_size(settings->webhook_allowed_ips) > 0);
        jsonw_raw(&json, "webhook_allowed_ips", ips);
        return reply_json_end(ctx, reply, &json);
}

const struct operation advanced_show = {
        OPERATION(advanced_show),
        .summary = "Show the network settings of a provider",
};

static enum err advanced_update_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        const struct provider *provider;
        json_t *patch;
        enum err rc;

        rc = provider_find(ctx, request_param(request, "provider"), &provider);
        if (rc == OK)
                rc = request_json(ctx, request, &patch);
        if (rc == OK)
                rc = provider_advanced_update(ctx, provider->id, patch);
        return rc == OK ? advanced_show_run(ctx, request, reply) : rc;
}

const struct operation advanced_update = {
        OPERATION(advanced_update),
        .summary = "Change network settings of a provider",
        .body = &provider_advanced_fields,
};
