#include "core/cloud/health/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/health/health_part.h"
#include "core/db/db.h"
#include "core/store/store_job_list.h"

#define MESSAGE_SIZE 512

const char *health_status_name(enum health_status status)
{
        static const char *const names[] = { "healthy", "degraded", "unhealthy" };

        return names[status];
}

enum err health_add(struct ctx *ctx, struct health *health, struct health_component component,
                    const char *fmt, ...)
{
        char message[MESSAGE_SIZE];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(message, sizeof(message), fmt, ap);
        va_end(ap);
        component.message = arena_strdup(ctx->arena, message);
        if (!component.message)
                return ctx_nomem(ctx);
        if (health->count < HEALTH_COMPONENTS_MAX)
                health->components[health->count++] = component;
        if (component.status > health->status)
                health->status = component.status;
        return OK;
}

double health_latency_ms(const struct ctx *ctx, int64_t start_us)
{
        return (double)(clock_mono_us(ctx->clock) - start_us) / 1000.0;
}

void health_hurry(struct ctx *ctx, bool hurry)
{
        if (ctx->db)
                db_set_timeout(ctx, hurry ? HEALTH_PATIENCE_MS : 0);
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

/* What is wrong is for the log: it names hosts, files and users. */
static enum err add_database_trouble(struct ctx *ctx, struct health *health, double latency_ms,
                                     enum err rc)
{
        const struct health_component component = {
                .name = "database",
                .status = HEALTH_UNHEALTHY,
                .latency_ms = latency_ms,
        };

        if (rc == ERR_NOT_READY || rc == ERR_CONFLICT)
                return health_add(ctx, health, component, "Database error: %s", ctx->detail);
        log_event(ctx, LOG_DEBUG, "simpletuner.cloud.health", "The database does not answer",
                  "error", err_code(rc), "reason", ctx->detail);
        return health_add(ctx, health, component, "Database error: it does not answer");
}

/* *ret_answers: the other parts can be asked about. */
static enum err check_database(struct ctx *ctx, struct health *health, bool *ret_answers)
{
        bool sqlite = strcmp(database_kind(ctx->cloud->database), "sqlite") == 0;
        int64_t start_us = clock_mono_us(ctx->clock);
        enum err rc = probe_database(ctx);
        const struct health_component component = {
                .name = "database",
                .latency_ms = health_latency_ms(ctx, start_us),
        };

        if (rc == ERR_NOMEM)
                return rc;
        *ret_answers = rc == OK;
        if (rc != OK)
                return add_database_trouble(ctx, health, component.latency_ms, rc);
        return health_add(ctx, health, component, "%s database accessible",
                          sqlite ? "SQLite" : "PostgreSQL");
}

/* A row here is a component, or several of them. outside: it calls others than the database. */
static const struct part {
        enum err (*look)(struct ctx *ctx, struct health *health);
        bool needs_database, outside;
} parts[] = {
        { health_secrets, true, false },        { health_storage, false, false },
        { health_companion, true, false },      { health_background, false, false },
        { health_audit, true, false },          { health_breakers, true, false },
        { health_providers, true, true },       { health_remote_store, false, true },
        { health_state_backend, false, false }, { health_backup, true, false },
        { health_log, false, false },
};

enum err health_check(struct ctx *ctx, bool ask_outside, struct health *ret)
{
        bool database;
        enum err rc;

        *ret = (struct health){ 0 };
        ret->uptime_s = (double)(clock_mono_us(ctx->clock) - ctx->cloud->started_us) / 1e6;
        rc = check_database(ctx, ret, &database);
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(parts); i++) {
                if ((!parts[i].needs_database || database) && (!parts[i].outside || ask_outside))
                        rc = parts[i].look(ctx, ret);
        }
        return rc;
}

enum err health_ready(struct ctx *ctx)
{
        enum health_status space;
        uint64_t free_bytes;
        enum err rc;

        if (atomic_load(&ctx->cloud->draining))
                return ctx_fail(ctx, ERR_NOT_READY, "Not ready: shutting down");
        health_hurry(ctx, true);
        rc = probe_database(ctx);
        if (rc == ERR_NOT_READY || rc == ERR_CONFLICT)
                return ctx_prefix(ctx, ERR_NOT_READY, "Not ready");
        if (rc != OK)
                return ctx_fail(ctx, ERR_NOT_READY, "Not ready: the database does not answer");
        rc = health_space(ctx, &free_bytes, &space);
        if (rc != OK || space == HEALTH_UNHEALTHY)
                return ctx_fail(ctx, ERR_NOT_READY, "Not ready: the disk is nearly full");
        return OK;
}
