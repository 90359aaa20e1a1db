#include "core/cloud/provider.h"

#include <string.h>

#include "core/base/config.h"
#include "core/cloud/secrets.h"

#define TOKEN_MAX      512
#define LIST_PAGES_MAX 50               /* when looking for a lost job */
#define CLOCK_SLACK_US (600 * US_PER_S) /* their clock may differ from ours by this much */

static const struct provider *const providers[] = { &provider_replicate };

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

static const char *or_null(const char *text)
{
        return text && *text ? text : NULL;
}

/* The provider's own settings first, then the environment's. */
static struct http_settings effective_http(const struct config *config,
                                           const struct provider_settings *settings,
                                           const char *api_base)
{
        bool tls = strncmp(api_base, "https://", 8) == 0;
        const char *env_proxy = or_null(tls ? config->https_proxy : config->http_proxy);

        if (!env_proxy)
                env_proxy = or_null(config->http_proxy);
        return (struct http_settings){
                .ssl_verify = settings->ssl_verify,
                .ca_bundle = settings->ssl_ca_bundle ? settings->ssl_ca_bundle
                                                     : or_null(config->ca_bundle),
                .proxy = settings->proxy_url ? settings->proxy_url : env_proxy,
                .no_proxy = or_null(config->no_proxy),
                .timeout_s = settings->http_timeout > 0 ? settings->http_timeout
                                                        : config->http_timeout_s,
        };
}

enum err provider_open(struct ctx *ctx, const char *id, struct provider_session *ret)
{
        struct provider_session session = { 0 };
        enum err rc;

        rc = provider_find(ctx, id, &session.provider);
        if (rc != OK)
                return rc;
        rc = provider_settings_load(ctx, id, &session.settings);
        if (rc != OK)
                return rc;
        session.api_base = session.settings.api_base_url ? session.settings.api_base_url
                                                         : session.provider->default_api_base;
        session.http = effective_http(ctx->config, &session.settings, session.api_base);
        rc = secrets_get(ctx, session.provider->token_name, &session.token);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = session;
        return OK;
}

/* For calls that change nothing, an unknown outcome is a plain failure. */
static enum err settled(enum err rc)
{
        return rc == ERR_OUTCOME_UNKNOWN ? ERR_PROVIDER : rc;
}

enum err provider_status(struct ctx *ctx, const struct provider_session *session,
                         const char *external_id, struct provider_job *ret)
{
        struct http_request request = { 0 };
        struct http_answer answer = { 0 };
        enum err rc;

        rc = session->provider->status_request(ctx, session, external_id, &request);
        if (rc == OK)
                rc = http_perform(ctx, &session->http, &request, &answer);
        if (rc == OK)
                rc = session->provider->status_answer(ctx, &answer, ret);
        return settled(rc);
}

enum err provider_find_job(struct ctx *ctx, const struct provider_session *session,
                           const char *job_id, int64_t created_at_us, struct provider_job *ret)
{
        const char *cursor = NULL;

        for (unsigned pages = 0; pages < LIST_PAGES_MAX; pages++) {
                struct provider_page page = { 0 };
                enum err rc = session->provider->list(ctx, session, cursor, &page);

                if (rc != OK)
                        return rc == ERR_NOT_FOUND ? ERR_PROVIDER : settled(rc);
                for (size_t i = 0; i < page.count; i++) {
                        const char *ours = page.jobs[i].our_job_id;

                        if (ours && strcmp(ours, job_id) == 0) {
                                *ret = page.jobs[i];
                                return OK;
                        }
                }
                cursor = page.next;
                if (!cursor || (page.oldest_created_us &&
                                page.oldest_created_us < created_at_us - CLOCK_SLACK_US))
                        return ERR_NOT_FOUND;
        }
        return ctx_fail(ctx, ERR_PROVIDER, "the list of %s is too long to search",
                        session->provider->name);
}

const char *provider_public_url(struct ctx *ctx, const struct provider_settings *settings)
{
        return settings->s3_public_url ? settings->s3_public_url : ctx->config->public_url;
}

enum err provider_save_token(struct ctx *ctx, const char *id, const char *token,
                             const char **ret_problem)
{
        struct provider_session session;
        struct provider_account account;
        const char *trimmed = token + strspn(token, " \t\r\n");
        size_t len = strcspn(trimmed, " \t\r\n");
        const char *prefix;
        enum err rc;

        rc = provider_open(ctx, id, &session);
        if (rc != OK)
                return rc;
        prefix = session.provider->token_prefix;
        if (len == 0)
                return ctx_fail(ctx, ERR_INVALID, "api_token: Token cannot be empty");
        if (trimmed[len + strspn(trimmed + len, " \t\r\n")] != '\0' || len > TOKEN_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "api_token must be one word of at most %d characters", TOKEN_MAX);
        if (prefix && strncmp(trimmed, prefix, strlen(prefix)) != 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "api_token: Invalid token format. %s tokens start with '%s'",
                                session.provider->name, prefix);
        session.token.bytes = arena_strndup(ctx->arena, trimmed, len);
        session.token.len = len;
        if (!session.token.bytes)
                return ctx_nomem(ctx);
        rc = secrets_put(ctx, session.provider->token_name, session.token.bytes);
        if (rc != OK)
                return rc;

        rc = session.provider->validate(ctx, &session, &account);
        if (rc == OK) {
                *ret_problem = NULL;
                return OK;
        }
        *ret_problem =
                arena_printf(ctx->arena, "Token saved but validation failed: %s", ctx->detail);
        return *ret_problem ? OK : ctx_nomem(ctx);
}

enum err provider_delete_token(struct ctx *ctx, const char *id)
{
        const struct provider *provider;
        enum err rc;

        rc = provider_find(ctx, id, &provider);
        if (rc != OK)
                return rc;
        return secrets_delete(ctx, provider->token_name);
}
