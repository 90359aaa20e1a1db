#include "core/cloud/metrics/metrics_data.h"

#include <string.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/limiter.h"
#include "core/cloud/metrics/metrics.h"
#include "core/cloud/provider/breaker.h"
#include "core/cloud/provider/provider.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/wal/wal_archive.h"
#include "core/cloud/wal/wal_capture.h"

/* ---- totals of jobs and approvals ---- */

/* NULL: there are too many, or no memory for the name. */
static struct metrics_jobs *jobs_of(struct ctx *ctx, struct metrics_data *data,
                                    const char *provider)
{
        struct metrics_jobs *jobs;

        for (size_t i = 0; i < data->job_count; i++) {
                if (strcmp(data->jobs[i].provider, provider) == 0)
                        return &data->jobs[i];
        }
        if (data->job_count == METRICS_PROVIDERS_MAX)
                return NULL;
        jobs = &data->jobs[data->job_count];
        jobs->provider = arena_strdup(ctx->arena, provider);
        if (jobs->provider)
                data->job_count++;
        return jobs->provider ? jobs : NULL;
}

static void take_job_total(struct metrics_jobs *jobs, const struct total *total)
{
        enum job_status status;
        bool waits;

        if (total->kind == TOTAL_JOB_COST) {
                jobs->cost_usd_micros += total->value;
                return;
        }
        if (!job_status_parse(total->label, &status))
                return;
        if (total->kind == TOTAL_JOBS_FINISHED)
                jobs->finished[status] += total->value;
        else if (total->kind == TOTAL_JOBS_DELETED)
                jobs->deleted[status] += total->value;
        else
                jobs->active[status] += total->value;
        waits = total->kind == TOTAL_JOBS_ACTIVE && status >= JOB_PENDING && status <= JOB_QUEUED;
        if (waits && (!jobs->oldest_us || total->oldest_us < jobs->oldest_us))
                jobs->oldest_us = total->oldest_us;
}

static void take_approval_total(struct metrics_data *data, const struct total *total)
{
        enum approval_status status;

        if (total->kind == TOTAL_APPROVALS_PENDING)
                data->approvals_pending = total->value;
        else if (!approval_status_parse(total->label, &status))
                return;
        else if (total->kind == TOTAL_APPROVALS_FINISHED)
                data->approvals_finished[status] += total->value;
        else
                data->approvals_deleted[status] += total->value;
}

static enum err take_total(struct ctx *ctx, void *arg, const struct total *total)
{
        struct metrics_data *data = arg;
        struct metrics_jobs *jobs;

        switch (total->kind) {
        case TOTAL_JOBS_FINISHED:
        case TOTAL_JOBS_DELETED:
        case TOTAL_JOB_COST:
        case TOTAL_JOBS_ACTIVE:
                jobs = jobs_of(ctx, data, total->provider);
                if (jobs)
                        take_job_total(jobs, total);
                break;
        case TOTAL_APPROVALS_FINISHED:
        case TOTAL_APPROVALS_DELETED:
        case TOTAL_APPROVALS_PENDING:
                take_approval_total(data, total);
                break;
        case TOTAL_BACKUP_SUCCESS_US:
                data->backup_success_us = total->value;
                break;
        case TOTAL_BACKUP_VERIFIED_US:
                data->backup_verified_us = total->value;
                break;
        case TOTAL_BACKUP_BYTES:
                data->backup_bytes = total->value;
                break;
        case TOTAL_BACKUP_TOOK_US:
                data->backup_took_us = total->value;
                break;
        case TOTAL_BACKUPS_FAILED:
                data->backups_failed = total->value;
                break;
        case TOTAL_KIND_COUNT:
                break;
        }
        return OK;
}

/* The providers there are come first, with zeros until something happens. */
static enum err read_totals(struct ctx *ctx, struct metrics_data *data)
{
        for (size_t i = 0; provider_at(i); i++) {
                if (!jobs_of(ctx, data, provider_at(i)->id))
                        return ctx_nomem(ctx);
        }
        if (wal_capture_is_on(ctx))
                data->wal_looked_us = wal_archive_alive_us(ctx);
        return store_totals_each(ctx, take_total, data);
}

static enum err take_span(struct ctx *ctx, void *arg, const struct total_span *span)
{
        struct metrics_data *data = arg;
        struct total_span *own = &data->spans[data->span_count];
        enum err rc;

        if (data->span_count == METRICS_SPANS_MAX)
                return OK;
        *own = *span;
        rc = ctx_strdup(ctx, span->name, &own->name);
        if (rc == OK)
                rc = ctx_strdup(ctx, span->provider, &own->provider);
        if (rc == OK)
                rc = ctx_strdup(ctx, span->label, &own->label);
        data->span_count += rc == OK;
        return rc;
}

static enum err read_spans(struct ctx *ctx, struct metrics_data *data)
{
        data->spans = arena_alloc(ctx->arena, METRICS_SPANS_MAX * sizeof(*data->spans));
        return data->spans ? store_total_spans_each(ctx, take_span, data) : ctx_nomem(ctx);
}

/* ---- the audit log ---- */

static enum err take_type(struct ctx *ctx, void *arg, const char *type, int64_t there,
                          int64_t written)
{
        struct metrics_data *data = arg;
        struct metrics_audit_type *own = &data->types[data->type_count];

        if (data->type_count == METRICS_TYPES_MAX)
                return OK;
        *own = (struct metrics_audit_type){ NULL, there, written };
        data->type_count++;
        return ctx_strdup(ctx, type, &own->type);
}

static enum err read_audit(struct ctx *ctx, struct metrics_data *data)
{
        const int64_t since_us = clock_wall_us(ctx->clock) - US_PER_DAY;
        enum err rc = store_audit_totals(ctx, since_us, &data->audit);

        if (rc == ERR_NOT_FOUND)
                return OK; /* its head is gone: nothing is known of it */
        data->has_audit = rc == OK;
        data->types = arena_alloc(ctx->arena, METRICS_TYPES_MAX * sizeof(*data->types));
        if (rc == OK && !data->types)
                return ctx_nomem(ctx);
        return rc == OK ? store_audit_totals_each(ctx, take_type, data) : rc;
}

/* ---- the rest of the database ---- */

static enum err take_task(struct ctx *ctx, void *arg, const struct task_row *task)
{
        struct metrics_data *data = arg;
        struct task_row *own = &data->tasks[data->task_count];

        if (data->task_count == METRICS_TASKS_MAX)
                return OK;
        *own = (struct task_row){ .finished_at_us = task->finished_at_us,
                                  .failures = task->failures };
        data->task_count++;
        return ctx_strdup(ctx, task->name, &own->name);
}

static enum err read_tasks(struct ctx *ctx, struct metrics_data *data)
{
        data->tasks = arena_alloc(ctx->arena, METRICS_TASKS_MAX * sizeof(*data->tasks));
        return data->tasks ? store_tasks_each(ctx, take_task, data) : ctx_nomem(ctx);
}

static enum err read_providers(struct ctx *ctx, unsigned categories, struct metrics_data *data)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && provider_at(i) && i < METRICS_PROVIDERS_MAX; i++) {
                struct metrics_provider *own = &data->providers[i];
                struct provider_settings settings;

                own->provider = provider_at(i)->id;
                rc = breaker_get(ctx, own->provider, &own->breaker);
                if (rc == OK && categories & METRICS_BIT(METRICS_PROVIDER))
                        rc = provider_settings_load(ctx, own->provider, &settings);
                if (rc == OK && categories & METRICS_BIT(METRICS_PROVIDER))
                        rc = cost_limit_status(ctx, own->provider, &settings, &own->limit);
                data->provider_count = i + 1;
        }
        return rc;
}

static enum err read_database(struct ctx *ctx, unsigned categories, struct metrics_data *data)
{
        /* What waits is read whatever is asked for: it tells whether the database answers. */
        const unsigned breakers = METRICS_BIT(METRICS_CIRCUIT_BREAKERS) |
                                  METRICS_BIT(METRICS_PROVIDER),
                       totals = METRICS_BIT(METRICS_JOBS) | METRICS_BIT(METRICS_APPROVALS) |
                                METRICS_BIT(METRICS_HEALTH);
        enum err rc = cloud_check_schema(ctx);

        if (rc == OK && categories & totals)
                rc = read_totals(ctx, data);
        if (rc == OK && categories & METRICS_BIT(METRICS_JOBS))
                rc = read_spans(ctx, data);
        if (rc == OK && categories & METRICS_BIT(METRICS_AUDIT))
                rc = read_audit(ctx, data);
        if (rc == OK && categories & METRICS_BIT(METRICS_HEALTH))
                rc = read_tasks(ctx, data);
        if (rc == OK)
                rc = store_waiting_totals(ctx, &data->waiting);
        if (rc == OK && categories & breakers)
                rc = read_providers(ctx, categories, data);
        return rc;
}

/* ---- what needs no database ---- */

static int64_t free_bytes(const struct ctx *ctx)
{
        struct statvfs vfs;

        if (statvfs(ctx->config->home, &vfs) != 0)
                return -1;
        return (int64_t)((uint64_t)vfs.f_bavail * vfs.f_frsize);
}

/* How many clients the limits watch. < 0: not known. */
static int64_t tracked_clients(struct ctx *ctx)
{
        struct limit_standings none;

        return limiter_list(ctx, NULL, 0, &none) == OK ? none.tracked : -1;
}

enum err metrics_data_read(struct ctx *ctx, unsigned categories, struct metrics_data *ret)
{
        enum err rc;

        *ret = (struct metrics_data){ .free_bytes = -1, .tracked_clients = -1 };
        rc = read_database(ctx, categories, ret);
        if (rc == ERR_NOMEM)
                return rc;
        if (rc != OK)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.metrics",
                          "Metrics are without what the database knows", "reason", ctx->detail);
        ret->database_up = rc == OK;
        if (categories & METRICS_BIT(METRICS_RATE_LIMITS))
                ret->tracked_clients = tracked_clients(ctx);
        if (!(categories & METRICS_BIT(METRICS_HEALTH)))
                return OK;
        ret->free_bytes = free_bytes(ctx);
        rc = secret_sources_status(ctx, false, ret->secrets, &ret->secret_count);
        return rc == OK ? health_check(ctx, false, &ret->health) : rc;
}
