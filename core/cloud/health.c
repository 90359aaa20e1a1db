#include "core/cloud/health.h"

#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limiter.h"
#include "core/cloud/provider.h"
#include "core/db/db.h"
#include "core/store/store_job_list.h"

const char *health_status_name(enum health_status status)
{
        static const char *const names[] = { "healthy", "degraded", "unhealthy" };

        return names[status];
}

static void add(struct health *health, struct health_component component)
{
        if (health->count < HEALTH_COMPONENTS_MAX)
                health->components[health->count++] = component;
        if (component.status > health->status)
                health->status = component.status;
}

/* The smallest read there is, over a real table. */
static enum err probe_database(struct ctx *ctx)
{
        struct job_filter any = { 0 };
        int64_t count;
        enum err rc;

        rc = cloud_check_schema(ctx);
        return rc == OK ? store_jobs_count(ctx, &any, &count) : rc;
}

static enum err check_database(struct ctx *ctx, struct health *health)
{
        bool sqlite = strcmp(database_kind(ctx->cloud->database), "sqlite") == 0;
        int64_t start_us = clock_mono_us(ctx->clock);
        enum err rc = probe_database(ctx);
        struct health_component component = {
                .name = "database",
                .latency_ms = (double)(clock_mono_us(ctx->clock) - start_us) / 1000.0,
                .message = sqlite ? "SQLite database accessible" : "PostgreSQL database accessible",
        };

        if (rc != OK) {
                component.status = HEALTH_UNHEALTHY;
                component.message = arena_printf(ctx->arena, "Database error: %s", ctx->detail);
                if (!component.message)
                        return ctx_nomem(ctx);
        }
        add(health, component);
        return OK;
}

/* Open the provider's session; the secrets component when its secrets cannot be read. */
static void check_secrets(struct ctx *ctx, struct health *health)
{
        struct health_component component = {
                .name = "secrets",
                .status = HEALTH_DEGRADED,
                .latency_ms = -1,
                .message = "No API token configured",
        };
        struct provider_session session;

        for (size_t i = 0; provider_at(i); i++) {
                enum err rc = provider_open(ctx, provider_at(i)->id, &session);

                if (rc == OK && provider_check_configured(ctx, &session) == OK) {
                        component.status = HEALTH_HEALTHY;
                        component.message = session.token.len > 0 ? "API token configured"
                                                                  : "No API token needed";
                } else if (rc != OK) {
                        component.message = "Secrets error: the settings or the secrets file "
                                            "cannot be read";
                }
        }
        add(health, component);
}

/* What is left where it is scarcest: under the home directory or under the database. */
static enum err least_space(struct ctx *ctx, uint64_t *ret_available)
{
        const char *const places[] = { ctx->config->home, database_path(ctx->cloud->database) };
        uint64_t least = UINT64_MAX;

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                struct statvfs vfs;
                uint64_t available;

                if (!places[i])
                        continue;
                if (statvfs(places[i], &vfs) != 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read: %m", places[i]);
                available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
                least = available < least ? available : least;
        }
        *ret_available = least;
        return OK;
}

static enum err check_space(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "storage", .latency_ms = -1 };
        uint64_t available = 0;
        enum err rc;

        rc = least_space(ctx, &available);
        if (rc != OK)
                return rc;
        component.message = arena_printf(ctx->arena, "%" PRIu64 " MiB free", available / MiB);
        if (!component.message)
                return ctx_nomem(ctx);
        if (available < ctx->config->min_free_bytes)
                component.status = HEALTH_UNHEALTHY;
        else if (available < 2 * ctx->config->min_free_bytes)
                component.status = HEALTH_DEGRADED;
        if (health)
                add(health, component);
        return component.status == HEALTH_UNHEALTHY
                       ? ctx_fail(ctx, ERR_UNAVAILABLE, "the disk is nearly full: %s",
                                  component.message)
                       : OK;
}

static enum err check_provider(struct ctx *ctx, const struct provider *provider,
                               struct health *health)
{
        struct health_component component = { .latency_ms = -1 };
        int64_t start_us = clock_mono_us(ctx->clock);
        struct provider_session session;
        struct provider_account account;
        enum err rc;

        component.name = arena_printf(ctx->arena, "%s_api", provider->id);
        component.message = arena_printf(ctx->arena, "%s API accessible", provider->name);
        if (!component.name || !component.message)
                return ctx_nomem(ctx);
        rc = provider_open(ctx, provider->id, &session);
        if (rc == OK && provider_check_configured(ctx, &session) != OK) {
                component.message = session.api_base ? "Skipped - no API token configured"
                                                     : "Skipped - no address configured";
                add(health, component);
                return OK;
        }
        if (rc == OK) {
                if (session.http.timeout_s > 5)
                        session.http.timeout_s = 5;
                rc = provider->validate(ctx, &session, &account);
                component.latency_ms = (double)(clock_mono_us(ctx->clock) - start_us) / 1000.0;
        }
        if (rc != OK) {
                component.status = HEALTH_DEGRADED;
                component.message = arena_strdup(ctx->arena, ctx->detail);
                if (!component.message)
                        return ctx_nomem(ctx);
        }
        add(health, component);
        return OK;
}

/* Where limits are counted: when it is away everything is admitted, so that is not unhealthy. */
static enum err check_state_backend(struct ctx *ctx, struct health *health)
{
        const char *name = limiter_backend_name(ctx);
        int64_t start_us = clock_mono_us(ctx->clock);
        enum err rc = limiter_ping(ctx);
        struct health_component component = {
                .name = "state_backend",
                .latency_ms = (double)(clock_mono_us(ctx->clock) - start_us) / 1000.0,
        };

        component.status = rc == OK ? HEALTH_HEALTHY : HEALTH_DEGRADED;
        component.message =
                rc == OK ? name
                         : arena_printf(ctx->arena, "%s is away, limits are not enforced: %s", name,
                                        ctx->detail);
        if (!component.message)
                return ctx_nomem(ctx);
        add(health, component);
        return OK;
}

enum err health_check(struct ctx *ctx, bool ask_providers, struct health *ret)
{
        enum err rc;

        *ret = (struct health){ 0 };
        ret->uptime_s = (double)(clock_mono_us(ctx->clock) - ctx->cloud->started_us) / 1e6;
        rc = check_database(ctx, ret);
        if (rc != OK)
                return rc;
        check_secrets(ctx, ret);
        rc = check_space(ctx, ret);
        if (rc == ERR_NOMEM)
                return rc;
        rc = check_state_backend(ctx, ret);
        if (rc != OK)
                return rc;
        for (size_t i = 0; ask_providers && provider_at(i); i++) {
                rc = check_provider(ctx, provider_at(i), ret);
                if (rc != OK)
                        return rc;
        }
        return OK;
}

enum err health_ready(struct ctx *ctx)
{
        enum err rc;

        if (atomic_load(&ctx->cloud->draining))
                return ctx_fail(ctx, ERR_NOT_READY, "Not ready: shutting down");
        rc = probe_database(ctx);
        if (rc == ERR_NOT_READY)
                return ctx_prefix(ctx, rc, "Not ready");
        if (rc != OK)
                return ctx_fail(ctx, ERR_NOT_READY, "Not ready: the database does not answer");
        rc = check_space(ctx, NULL);
        if (rc == ERR_UNAVAILABLE)
                return ctx_fail(ctx, ERR_NOT_READY, "Not ready: the disk is nearly full");
        return rc;
}
