#include "core/cloud/provider/provider.h"

#include <string.h>

#include "core/base/config.h"
#include "core/cloud/http/http_settings.h"
#include "core/cloud/provider/credential.h"
#include "core/cloud/secrets/secrets.h"

static const struct provider *const providers[] = { &provider_replicate, &provider_http };

const struct provider *provider_at(size_t n)
{
        return n < ARRAY_SIZE(providers) ? providers[n] : NULL;
}

enum err provider_find(struct ctx *ctx, const char *id, const struct provider **ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
                if (strcmp(providers[i]->id, id) == 0) {
                        *ret = providers[i];
                        return OK;
                }
        }
        return ctx_fail(ctx, ERR_NOT_FOUND, "Unknown provider: %.64s", id);
}

/* The provider's own settings first, then the environment's. */
static struct http_settings effective_http(const struct config *config,
                                           const struct provider_settings *settings,
                                           const char *api_base)
{
        struct http_settings http = http_settings_for(config, api_base);

        http.ssl_verify = settings->ssl_verify;
        if (settings->ssl_ca_bundle)
                http.ca_bundle = settings->ssl_ca_bundle;
        if (settings->proxy_url)
                http.proxy = settings->proxy_url;
        if (settings->http_timeout > 0)
                http.timeout_s = settings->http_timeout;
        return http;
}

/* The owner's own token, else the global one. No token is no error. */
static enum err choose_token(struct ctx *ctx, struct provider_session *session)
{
        enum err rc = ERR_NOT_FOUND;

        if (*session->owner)
                rc = credential_get(ctx, session->owner, session->provider->id, &session->token);
        session->token_is_owners = rc == OK;
        if (rc == ERR_NOT_FOUND)
                rc = secrets_get(ctx, session->provider->token_name, &session->token);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err provider_open_for(struct ctx *ctx, const char *id, const char *owner,
                           struct provider_session *ret)
{
        struct provider_session session = { .owner = owner };
        enum err rc;

        rc = provider_find(ctx, id, &session.provider);
        if (rc != OK)
                return rc;
        rc = provider_settings_load(ctx, id, &session.settings);
        if (rc != OK)
                return rc;
        session.api_base = session.settings.api_base_url ? session.settings.api_base_url
                                                         : session.provider->default_api_base;
        session.http = effective_http(ctx->config, &session.settings,
                                      session.api_base ? session.api_base : "");
        rc = choose_token(ctx, &session);
        if (rc == OK)
                *ret = session;
        return rc;
}

enum err provider_open(struct ctx *ctx, const char *id, struct provider_session *ret)
{
        return provider_open_for(ctx, id, ctx_actor_name(ctx), ret);
}

enum err provider_check_configured(struct ctx *ctx, const struct provider_session *session)
{
        const struct provider *provider = session->provider;

        if (!session->api_base)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "api_base_url not set: save the address of %s first",
                                provider->name);
        if (session->token.len == 0 && !provider->token_optional)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%s not set: save a token for this provider first",
                                provider->token_name);
        return OK;
}

enum err provider_hardware(struct ctx *ctx, const struct provider_session *session,
                           const char *name, struct hardware *ret)
{
        const json_t *info = session->settings.hardware_info;

        if (!name)
                name = session->settings.hardware_profile;
        if (!name)
                name = session->provider->default_profile;
        if (name)
                return session->provider->hardware_find(ctx, info, name, ret);
        if (!session->provider->hardware_at(info, 0, ret))
                return ctx_fail(ctx, ERR_INTERNAL, "a provider without hardware");
        return OK;
}

const char *provider_public_url(struct ctx *ctx, const struct provider_settings *settings)
{
        return settings->s3_public_url ? settings->s3_public_url : ctx->config->public_url;
}
