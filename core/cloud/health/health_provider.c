/* The providers: their tokens, their circuit breakers, and themselves. */
#include <inttypes.h>

#include "core/cloud/health/health_part.h"
#include "core/cloud/provider/breaker.h"
#include "core/cloud/provider/provider.h"
#include "core/cloud/secrets/secrets.h"
#include "core/db/db.h"

/* The sources that cannot be asked, as " aws vault"; "": none. */
static enum err list_away(struct ctx *ctx, const char **ret)
{
        struct secret_status sources[SECRET_SOURCES_MAX];
        const char *list = "";
        size_t count = 0;
        enum err rc = secret_sources_status(ctx, false, sources, &count);

        for (size_t i = 0; rc == OK && i < count; i++) {
                if (sources[i].is_configured && !sources[i].is_up)
                        list = arena_printf(ctx->arena, "%s %s", list, sources[i].source);
                rc = list ? OK : ctx_nomem(ctx);
        }
        if (rc == OK)
                *ret = list;
        return rc;
}

enum err health_secrets(struct ctx *ctx, struct health *health)
{
        const char *away;
        struct health_component component = {
                .name = "secrets",
                .status = HEALTH_DEGRADED,
                .latency_ms = -1,
        };
        bool unreadable = false, has_token = false;
        enum err listed;

        for (size_t i = 0; provider_at(i); i++) {
                struct provider_session session;
                enum err rc = provider_open(ctx, provider_at(i)->id, &session);

                if (rc == ERR_NOMEM)
                        return rc;
                unreadable = unreadable || rc != OK;
                if (rc != OK || provider_check_configured(ctx, &session) != OK)
                        continue;
                component.status = HEALTH_HEALTHY;
                has_token = has_token || session.token.len > 0;
        }
        listed = list_away(ctx, &away);
        if (listed != OK)
                return listed;
        if (component.status == HEALTH_HEALTHY && *away) {
                component.status = HEALTH_DEGRADED;
                return health_add(ctx, health, component,
                                  "These sources of secrets cannot be asked:%s", away);
        }
        if (component.status == HEALTH_HEALTHY)
                return health_add(ctx, health, component,
                                  has_token ? "API token configured" : "No API token needed");
        if (!unreadable)
                return health_add(ctx, health, component, "No API token configured");
        component.status = HEALTH_UNHEALTHY;
        return health_add(
                ctx, health, component,
                *away ? "Secrets error: these sources cannot be asked:%s"
                      : "Secrets error: the settings or the secrets file cannot be read%s",
                away);
}

/* Of one breaker. Open and due to be tried again counts as half open: the next call is let out. */
static enum err add_breaker(struct ctx *ctx, const struct breaker *breaker, struct health *health)
{
        struct health_component component = {
                .name = arena_printf(ctx->arena, "circuit_breaker_%s", breaker->provider),
                .status = HEALTH_DEGRADED,
                .latency_ms = -1,
        };

        if (!component.name)
                return ctx_nomem(ctx);
        if (breaker->state == BREAKER_OPEN && breaker_retry_after_s(ctx, breaker) > 0)
                return health_add(ctx, health, component,
                                  "Circuit open - blocking requests (failures: %" PRId64 ")",
                                  breaker->failures);
        if (breaker->state != BREAKER_CLOSED)
                return health_add(ctx, health, component, "Circuit half-open - testing recovery");
        component.status = HEALTH_HEALTHY;
        return health_add(ctx, health, component, "Circuit closed - normal operation");
}

enum err health_breakers(struct ctx *ctx, struct health *health)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && provider_at(i); i++) {
                struct breaker breaker;

                rc = breaker_get(ctx, provider_at(i)->id, &breaker);
                if (rc == OK)
                        rc = add_breaker(ctx, &breaker, health);
        }
        return rc == ERR_NOMEM ? rc : OK;
}

/* Ask whose its token is. */
static enum err ask(struct ctx *ctx, struct provider_session *session)
{
        struct provider_account account;

        if (session->http.timeout_s > HEALTH_CALL_S)
                session->http.timeout_s = HEALTH_CALL_S;
        db_set_timeout(ctx, HEALTH_CALL_S * 1000 + HEALTH_PATIENCE_MS);
        return session->provider->validate(ctx, session, &account);
}

static enum err add_provider(struct ctx *ctx, const struct provider *provider,
                             struct health *health)
{
        struct health_component component = {
                .name = arena_printf(ctx->arena, "%s_api", provider->id),
                .latency_ms = -1,
        };
        int64_t start_us = clock_mono_us(ctx->clock);
        struct provider_session session;
        enum err rc;

        if (!component.name)
                return ctx_nomem(ctx);
        rc = provider_open(ctx, provider->id, &session);
        if (rc == OK && provider_check_configured(ctx, &session) != OK)
                return health_add(ctx, health, component,
                                  session.api_base ? "Skipped - no API token configured"
                                                   : "Skipped - no address configured");
        if (rc == OK) {
                rc = ask(ctx, &session);
                component.latency_ms = health_latency_ms(ctx, start_us);
        }
        if (rc == OK)
                return health_add(ctx, health, component, "%s API accessible", provider->name);
        if (rc == ERR_NOMEM)
                return rc;
        component.status = HEALTH_DEGRADED;
        return health_add(ctx, health, component, "%s", ctx_shown_detail(ctx, rc));
}

enum err health_providers(struct ctx *ctx, struct health *health)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && provider_at(i); i++)
                rc = add_provider(ctx, provider_at(i), health);
        return rc;
}
