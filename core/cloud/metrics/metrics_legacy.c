/* The names of the operations guide that are not well formed, or say less than the family that
 * their help names. The guide's other names are families themselves. */
#include <stdlib.h>
#include <string.h>

#include "core/cloud/metrics/metrics_render.h"
#include "core/cloud/metrics/metrics_series.h"

#define LABEL(name, value) METRICS_LABELS({ name, value })

static void write_one(struct metrics_text *text, enum metrics_type type, const char *name,
                      const char *help, double value)
{
        metrics_family(text, type, name, help);
        metrics_sample(text, NULL, value);
}

/* ---- jobs ---- */

struct job_sums {
        int64_t there[JOB_STATUS_COUNT], submitted, active, cost_usd_micros;
};

static struct job_sums sum_jobs(const struct metrics_data *data)
{
        struct job_sums sums = { 0 };

        for (size_t i = 0; i < data->job_count; i++) {
                const struct metrics_jobs *jobs = &data->jobs[i];

                for (unsigned status = 0; status < JOB_STATUS_COUNT; status++) {
                        sums.there[status] += metrics_jobs_there(jobs, status);
                        sums.submitted += jobs->active[status] + jobs->finished[status];
                        sums.active += jobs->active[status];
                }
                sums.cost_usd_micros += jobs->cost_usd_micros;
        }
        return sums;
}

/* The mean of all that completed; nothing before the first. */
static void write_mean_duration(struct metrics_text *text, const struct metrics_data *data)
{
        int64_t runs = 0, run_us = 0;

        for (size_t i = 0; i < data->span_count; i++) {
                const struct total_span *span = &data->spans[i];

                if (strcmp(span->name, "job_run") == 0 && strcmp(span->label, "completed") == 0) {
                        runs += span->spans;
                        run_us += span->total_us;
                }
        }
        if (runs > 0)
                write_one(text, METRICS_GAUGE, "simpletuner_job_duration_seconds_avg",
                          "Average job duration in seconds (legacy, use "
                          "simpletuner_job_duration_seconds)",
                          metrics_units(run_us) / (double)runs);
}

/* In OpenMetrics the counter's family would have the name of the gauge simpletuner_jobs. */
static enum err write_jobs(struct ctx *ctx, struct metrics_text *text,
                           const struct metrics_data *data)
{
        const struct job_sums sums = sum_jobs(data);

        (void)ctx;
        if (!data->database_up)
                return OK;
        write_one(text, text->open_metrics ? METRICS_UNKNOWN : METRICS_COUNTER,
                  "simpletuner_jobs_total",
                  "Total number of jobs ever submitted (legacy, use "
                  "simpletuner_jobs_submitted_total)",
                  (double)sums.submitted);
        metrics_family(text, METRICS_GAUGE, "simpletuner_jobs_by_status",
                       "Number of jobs by status (legacy, use simpletuner_jobs)");
        for (unsigned status = 0; status < JOB_STATUS_COUNT; status++)
                metrics_sample(text, LABEL("status", job_status_name(status)),
                               (double)sums.there[status]);
        write_one(text, METRICS_GAUGE, "simpletuner_jobs_active",
                  "Number of active (non-terminal) jobs (legacy, use simpletuner_jobs)",
                  (double)sums.active);
        write_one(text, METRICS_COUNTER, "simpletuner_cost_usd_total",
                  "Total cost in USD of all jobs ever (legacy, use "
                  "simpletuner_job_cost_usd_total)",
                  metrics_units(sums.cost_usd_micros));
        write_mean_duration(text, data);
        return OK;
}

/* ---- HTTP: methods and routes glued together, codes too ---- */

/* The series of a route and method, which differ in their codes alone. */
struct endpoint {
        const char *name; /* "POST_/api/cloud/jobs/submit" */
        double requests, seconds;
};

/* The codes of one endpoint stand together, for series are in the order of their labels. */
static enum err read_endpoints(struct ctx *ctx, const struct metrics_series *series,
                               struct endpoint **ret, size_t *ret_count)
{
        struct endpoint *all = arena_alloc(ctx->arena, (series->count + 1) * sizeof(*all));
        const struct meter_reading *before = NULL;
        size_t count = 0;

        if (!all)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < series->count; i++) {
                const struct meter_reading *now = &series->all[i];

                if (!before || strcmp(before->labels[0], now->labels[0]) != 0 ||
                    strcmp(before->labels[1], now->labels[1]) != 0) {
                        const char *name =
                                arena_printf(ctx->arena, "%s_%s", now->labels[0], now->labels[1]);

                        if (!name)
                                return ctx_nomem(ctx);
                        all[count++] = (struct endpoint){ .name = name };
                }
                all[count - 1].requests += (double)now->count;
                all[count - 1].seconds += now->value;
                before = now;
        }
        *ret = all;
        *ret_count = count;
        return OK;
}

static enum err write_errors(struct ctx *ctx, struct metrics_text *text,
                             const struct metrics_series *series)
{
        metrics_family(text, METRICS_COUNTER, "simpletuner_http_errors_total",
                       "Total HTTP errors by endpoint and status (legacy, use "
                       "simpletuner_http_request_duration_seconds)");
        for (size_t i = 0; i < series->count; i++) {
                const struct meter_reading *reading = &series->all[i];
                const char *name;

                if (strcmp(reading->labels[2], "400") < 0)
                        continue;
                name = arena_printf(ctx->arena, "%s_%s_%s", reading->labels[0], reading->labels[1],
                                    reading->labels[2]);
                if (!name)
                        return ctx_nomem(ctx);
                metrics_sample(text, LABEL("endpoint_status", name), (double)reading->count);
        }
        return OK;
}

static enum err write_http(struct ctx *ctx, struct metrics_text *text,
                           const struct metrics_data *data)
{
        struct metrics_series series;
        struct endpoint *endpoints = NULL;
        size_t count = 0;
        enum err rc = metrics_series_read(ctx, METER_HTTP_SECONDS, &series);

        (void)data;
        if (rc == OK)
                rc = read_endpoints(ctx, &series, &endpoints, &count);
        if (rc != OK)
                return rc;
        metrics_family(text, METRICS_COUNTER, "simpletuner_http_requests_total",
                       "Total HTTP requests by endpoint (legacy, use "
                       "simpletuner_http_request_duration_seconds)");
        for (size_t i = 0; i < count; i++)
                metrics_sample(text, LABEL("endpoint", endpoints[i].name), endpoints[i].requests);
        rc = write_errors(ctx, text, &series);
        metrics_family(text, METRICS_GAUGE, "simpletuner_http_request_latency_ms_avg",
                       "Average HTTP request latency in milliseconds (legacy, use "
                       "simpletuner_http_request_duration_seconds)");
        for (size_t i = 0; i < count; i++)
                metrics_sample(text, LABEL("endpoint", endpoints[i].name),
                               endpoints[i].seconds * 1000 / endpoints[i].requests);
        return rc;
}

/* ---- rate limits ---- */

static enum err write_rate_limits(struct ctx *ctx, struct metrics_text *text,
                                  const struct metrics_data *data)
{
        struct metrics_series series;
        double violations = 0;
        enum err rc = metrics_series_read(ctx, METER_RATE_REJECTED, &series);

        (void)data;
        if (rc != OK)
                return rc;
        for (size_t i = 0; i < series.count; i++)
                violations += series.all[i].value;
        write_one(text, METRICS_COUNTER, "simpletuner_rate_limit_violations_total",
                  "Total rate limit violations (legacy, use "
                  "simpletuner_rate_limit_rejected_total)",
                  violations);
        return OK;
}

/* ---- approvals ---- */

static enum err write_approvals(struct ctx *ctx, struct metrics_text *text,
                                const struct metrics_data *data)
{
        (void)ctx;
        if (!data->database_up)
                return OK;
        metrics_family(text, METRICS_GAUGE, "simpletuner_approval_requests_by_status",
                       "Approval requests by status (legacy, use "
                       "simpletuner_approvals_finished_total)");
        for (unsigned status = 0; status < APPROVAL_STATUS_COUNT; status++) {
                const int64_t there = status == APPROVAL_PENDING
                                              ? data->approvals_pending
                                              : data->approvals_finished[status] -
                                                        data->approvals_deleted[status];

                metrics_sample(text, LABEL("status", approval_status_name(status)), (double)there);
        }
        return OK;
}

/* ---- the audit log ---- */

static enum err write_audit(struct ctx *ctx, struct metrics_text *text,
                            const struct metrics_data *data)
{
        (void)ctx;
        if (!data->has_audit || !data->database_up)
                return OK;
        write_one(text, METRICS_COUNTER, "simpletuner_audit_log_entries_total",
                  "Total audit log entries ever written (legacy, use "
                  "simpletuner_audit_entries_total)",
                  (double)data->audit.ever);
        metrics_family(text, METRICS_GAUGE, "simpletuner_audit_log_entries_by_type",
                       "Audit log entries by event type (legacy, use "
                       "simpletuner_audit_entries_total)");
        for (size_t i = 0; i < data->type_count; i++)
                metrics_sample(text, LABEL("event_type", data->types[i].type),
                               (double)data->types[i].there);
        write_one(text, METRICS_GAUGE, "simpletuner_audit_log_entries_24h",
                  "Audit log entries in the last 24 hours (legacy, use "
                  "simpletuner_audit_entries_total)",
                  (double)data->audit.since);
        return OK;
}

/* ---- health ---- */

static enum err write_health(struct ctx *ctx, struct metrics_text *text,
                             const struct metrics_data *data)
{
        write_one(text, METRICS_GAUGE, "simpletuner_uptime_seconds",
                  "Server uptime in seconds (legacy, use process_start_time_seconds)",
                  metrics_units(clock_wall_us(ctx->clock) - meters_born_us(ctx)));
        for (size_t i = 0; data->database_up && i < data->health.count; i++) {
                if (strcmp(data->health.components[i].name, "database") == 0)
                        write_one(text, METRICS_GAUGE, "simpletuner_health_database_latency_ms",
                                  "Database query latency in milliseconds (legacy, use "
                                  "simpletuner_db_query_duration_seconds)",
                                  data->health.components[i].latency_ms);
        }
        return OK;
}

/* ---- providers ---- */

static enum err write_provider(struct ctx *ctx, struct metrics_text *text,
                               const struct metrics_data *data)
{
        (void)ctx;
        metrics_family(text, METRICS_GAUGE, "simpletuner_cost_limit_percent_used",
                       "Cost limit usage percentage (legacy, use simpletuner_cost_limit_ratio)");
        for (size_t i = 0; data->database_up && i < data->provider_count; i++) {
                const struct cost_limit *limit = &data->providers[i].limit;

                if (limit->is_set)
                        metrics_sample(text, LABEL("provider", data->providers[i].provider),
                                       cost_limit_percent(limit, limit->spent_usd_micros));
        }
        return OK;
}

/* The guide's names of breakers are well formed. */
static enum err write_nothing(struct ctx *ctx, struct metrics_text *text,
                              const struct metrics_data *data)
{
        (void)ctx, (void)text, (void)data;
        return OK;
}

metrics_writer *const metrics_legacy_writers[METRICS_CATEGORY_COUNT] = {
        [METRICS_JOBS] = write_jobs,
        [METRICS_HTTP] = write_http,
        [METRICS_RATE_LIMITS] = write_rate_limits,
        [METRICS_APPROVALS] = write_approvals,
        [METRICS_AUDIT] = write_audit,
        [METRICS_HEALTH] = write_health,
        [METRICS_CIRCUIT_BREAKERS] = write_nothing,
        [METRICS_PROVIDER] = write_provider,
};
