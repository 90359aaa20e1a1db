/* Well-formed families: base units, histograms, one meaning per label. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/metrics/metrics_render.h"
#include "core/cloud/metrics/metrics_series.h"
#include "core/db/db.h"

#define LABEL(name, value) METRICS_LABELS({ name, value })

/* ---- meters, as they are ---- */

static size_t count_bounds(const struct meter_row *row)
{
        size_t count = 0;

        while (count < METER_BUCKETS_MAX && row->buckets[count] > 0)
                count++;
        return count;
}

static void write_reading(struct metrics_text *text, const struct meter_row *row,
                          const struct meter_reading *reading)
{
        struct metrics_label labels[METER_LABELS_MAX + 1] = { 0 };
        const struct metrics_histogram histogram = { .bounds = row->buckets,
                                                     .below = reading->buckets,
                                                     .count = count_bounds(row),
                                                     .all = reading->count,
                                                     .sum = reading->value };

        for (unsigned i = 0; i < METER_LABELS_MAX && row->labels[i]; i++)
                labels[i] = (struct metrics_label){ row->labels[i], reading->labels[i] };
        if (row->kind == METER_IS_HISTOGRAM)
                metrics_buckets(text, labels, &histogram);
        else
                metrics_sample(text, labels, reading->value);
}

static enum err write_meter(struct ctx *ctx, struct metrics_text *text, enum meter meter)
{
        static const enum metrics_type types[] = {
                [METER_IS_COUNTER] = METRICS_COUNTER,
                [METER_IS_GAUGE] = METRICS_GAUGE,
                [METER_IS_LEVEL] = METRICS_GAUGE,
                [METER_IS_HISTOGRAM] = METRICS_HISTOGRAM,
        };
        const struct meter_row *row = meter_row(meter);
        struct metrics_series series;
        enum err rc = metrics_series_read(ctx, meter, &series);

        if (rc != OK)
                return rc;
        metrics_family(text, types[row->kind], row->name, row->help);
        for (size_t i = 0; i < series.count; i++)
                write_reading(text, row, &series.all[i]);
        return OK;
}

static enum err write_meters(struct ctx *ctx, struct metrics_text *text, const enum meter *meters,
                             size_t count)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < count; i++)
                rc = write_meter(ctx, text, meters[i]);
        return rc;
}

/* ---- jobs ---- */

/* The spans of one name, provider and label from at on; returns how many there are. */
static size_t write_spans(struct metrics_text *text, const struct metrics_data *data, size_t at)
{
        const struct total_span *first = &data->spans[at];
        double bounds[TOTAL_SPAN_BOUNDS];
        uint64_t below[TOTAL_SPAN_BOUNDS];
        struct metrics_histogram histogram = { bounds, below, TOTAL_SPAN_BOUNDS, 0, 0 };
        size_t taken = 0;
        int64_t total_us = 0;

        for (size_t i = 0; i <= TOTAL_SPAN_BOUNDS; i++) {
                const struct total_span *span = &data->spans[at + taken];
                const int64_t bound_s = i < TOTAL_SPAN_BOUNDS ? total_span_bounds_s[i] : 0;

                if (at + taken < data->span_count && strcmp(span->name, first->name) == 0 &&
                    strcmp(span->provider, first->provider) == 0 &&
                    strcmp(span->label, first->label) == 0 && span->upto_s == bound_s) {
                        histogram.all += (uint64_t)span->spans;
                        total_us += span->total_us;
                        taken++;
                }
                if (i < TOTAL_SPAN_BOUNDS) {
                        bounds[i] = (double)bound_s;
                        below[i] = histogram.all;
                }
        }
        histogram.sum = metrics_units(total_us);
        metrics_buckets(text,
                        METRICS_LABELS({ "provider", first->provider },
                                       { "status", *first->label ? first->label : NULL }),
                        &histogram);
        return taken ? taken : 1;
}

static void write_span_family(struct metrics_text *text, const struct metrics_data *data,
                              const char *name)
{
        size_t at = 0;

        while (at < data->span_count) {
                if (strcmp(data->spans[at].name, name) == 0)
                        at += write_spans(text, data, at);
                else
                        at++;
        }
}

static void write_job_counts(struct metrics_text *text, const struct metrics_data *data)
{
        metrics_family(text, METRICS_GAUGE, "simpletuner_jobs", "Jobs that are there, by status");
        for (size_t i = 0; i < data->job_count; i++) {
                for (unsigned status = 0; status < JOB_STATUS_COUNT; status++)
                        metrics_sample(text,
                                       METRICS_LABELS({ "provider", data->jobs[i].provider },
                                                      { "status", job_status_name(status) }),
                                       (double)metrics_jobs_there(&data->jobs[i], status));
        }
        metrics_family(text, METRICS_COUNTER, "simpletuner_jobs_submitted_total",
                       "Jobs ever submitted");
        for (size_t i = 0; i < data->job_count; i++) {
                int64_t submitted = 0;

                for (unsigned status = 0; status < JOB_STATUS_COUNT; status++)
                        submitted += data->jobs[i].active[status] + data->jobs[i].finished[status];
                metrics_sample(text, LABEL("provider", data->jobs[i].provider), (double)submitted);
        }
        metrics_family(text, METRICS_COUNTER, "simpletuner_jobs_finished_total",
                       "Jobs that ever came to an end, by how they ended");
        for (size_t i = 0; i < data->job_count; i++) {
                for (unsigned status = JOB_COMPLETED; status < JOB_STATUS_COUNT; status++)
                        metrics_sample(text,
                                       METRICS_LABELS({ "provider", data->jobs[i].provider },
                                                      { "status", job_status_name(status) }),
                                       (double)data->jobs[i].finished[status]);
        }
}

static enum err write_jobs(struct ctx *ctx, struct metrics_text *text,
                           const struct metrics_data *data)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        int64_t oldest_us = now_us;

        if (!data->database_up)
                return OK;
        write_job_counts(text, data);
        metrics_family(text, METRICS_COUNTER, "simpletuner_job_cost_usd_total",
                       "What jobs ever cost, in USD");
        for (size_t i = 0; i < data->job_count; i++)
                metrics_sample(text, LABEL("provider", data->jobs[i].provider),
                               metrics_units(data->jobs[i].cost_usd_micros));
        metrics_family(text, METRICS_HISTOGRAM, "simpletuner_job_duration_seconds",
                       "Time jobs ran, by how they ended");
        write_span_family(text, data, "job_run");
        metrics_family(text, METRICS_HISTOGRAM, "simpletuner_job_queue_seconds",
                       "Time from submission to the start of the job");
        write_span_family(text, data, "job_queue");
        for (size_t i = 0; i < data->job_count; i++) {
                if (data->jobs[i].oldest_us && data->jobs[i].oldest_us < oldest_us)
                        oldest_us = data->jobs[i].oldest_us;
        }
        metrics_family(text, METRICS_GAUGE, "simpletuner_queue_oldest_seconds",
                       "How long the oldest job that has not begun has been waiting");
        metrics_sample(text, NULL, metrics_units(now_us - oldest_us));
        return OK;
}

/* ---- HTTP, rate limits, approvals, audit ---- */

static enum err write_http(struct ctx *ctx, struct metrics_text *text,
                           const struct metrics_data *data)
{
        static const enum meter meters[] = { METER_HTTP_SECONDS, METER_HTTP_REQUEST_BYTES,
                                             METER_HTTP_REPLY_BYTES, METER_HTTP_UNDER_WAY,
                                             METER_STORAGE_BYTES };

        (void)data;
        return write_meters(ctx, text, meters, ARRAY_SIZE(meters));
}

static enum err write_rate_limits(struct ctx *ctx, struct metrics_text *text,
                                  const struct metrics_data *data)
{
        metrics_family(text, METRICS_GAUGE, "simpletuner_rate_limit_tracked_clients",
                       "Number of clients that rate limits watch");
        if (data->tracked_clients >= 0)
                metrics_sample(text, NULL, (double)data->tracked_clients);
        return write_meter(ctx, text, METER_RATE_REJECTED);
}

static enum err write_approvals(struct ctx *ctx, struct metrics_text *text,
                                const struct metrics_data *data)
{
        (void)ctx;
        if (!data->database_up)
                return OK;
        metrics_family(text, METRICS_GAUGE, "simpletuner_approval_requests_pending",
                       "Number of pending approval requests");
        metrics_sample(text, NULL, (double)data->approvals_pending);
        metrics_family(text, METRICS_COUNTER, "simpletuner_approvals_finished_total",
                       "Approval requests that were ever settled, by how");
        for (unsigned status = APPROVAL_APPROVED; status < APPROVAL_STATUS_COUNT; status++)
                metrics_sample(text, LABEL("status", approval_status_name(status)),
                               (double)data->approvals_finished[status]);
        return OK;
}

static enum err write_audit(struct ctx *ctx, struct metrics_text *text,
                            const struct metrics_data *data)
{
        (void)ctx;
        if (!data->database_up || !data->has_audit)
                return OK;
        metrics_family(text, METRICS_COUNTER, "simpletuner_audit_entries_total",
                       "Audit log entries ever written, by type");
        for (size_t i = 0; i < data->type_count; i++)
                metrics_sample(text, LABEL("event_type", data->types[i].type),
                               (double)data->types[i].written);
        return OK;
}

/* ---- health ---- */

static void write_process(struct ctx *ctx, struct metrics_text *text)
{
        metrics_family(text, METRICS_INFO, "simpletuner_build_info", "What this is");
        metrics_sample(text,
                       METRICS_LABELS({ "database", database_kind(ctx->cloud->database) },
                                      { "version", PACKAGE_VERSION }),
                       1);
        metrics_family(text, METRICS_GAUGE, "process_start_time_seconds",
                       "When the service, with all its counters of memory, started, in seconds "
                       "since 1970");
        metrics_sample(text, NULL, metrics_units(meters_born_us(ctx)));
}

static void write_components(struct metrics_text *text, const struct metrics_data *data)
{
        static const double values[] = {
                [HEALTH_HEALTHY] = 2, [HEALTH_DEGRADED] = 1, [HEALTH_UNHEALTHY] = 0
        };

        metrics_family(text, METRICS_GAUGE, METRICS_COMPONENT_STATUS, METRICS_COMPONENT_HELP);
        for (size_t i = 0; i < data->health.count; i++) {
                const struct health_component *component = &data->health.components[i];
                const bool is_away = !data->database_up && strcmp(component->name, "database") == 0;

                metrics_sample(text, LABEL("component", component->name),
                               is_away ? 0 : values[component->status]);
        }
}

static void write_backup(struct metrics_text *text, const struct metrics_data *data)
{
        const struct {
                const char *name, *help;
                double value;
        } backup[] = {
                { "simpletuner_backup_last_success_timestamp_seconds",
                  "When a backup was made last", metrics_units(data->backup_success_us) },
                { "simpletuner_backup_last_verified_timestamp_seconds",
                  "When a backup was found good last", metrics_units(data->backup_verified_us) },
                { "simpletuner_backup_last_rehearsal_timestamp_seconds",
                  "When a backup was restored on trial last",
                  metrics_units(data->backup_verified_us) },
                { "simpletuner_backup_duration_seconds", "How long the last backup took",
                  metrics_units(data->backup_took_us) },
                { "simpletuner_backup_size_bytes", "Size of the last backup",
                  (double)data->backup_bytes },
                { "simpletuner_backup_wal_last_capture_timestamp_seconds",
                  "Until when transactions are kept for restore --to",
                  metrics_units(data->wal_looked_us) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(backup); i++) {
                metrics_family(text, METRICS_GAUGE, backup[i].name, backup[i].help);
                if (backup[i].value > 0)
                        metrics_sample(text, NULL, backup[i].value);
        }
        metrics_family(text, METRICS_COUNTER, "simpletuner_backup_failures_total",
                       "Backups and rehearsals that failed");
        metrics_sample(text, NULL, (double)data->backups_failed);
}

static void write_tasks(struct metrics_text *text, const struct metrics_data *data)
{
        metrics_family(text, METRICS_GAUGE, "simpletuner_task_last_run_timestamp_seconds",
                       "When the companion ran a task last");
        for (size_t i = 0; i < data->task_count; i++)
                metrics_sample(text, LABEL("task", data->tasks[i].name),
                               metrics_units(data->tasks[i].finished_at_us));
        metrics_family(text, METRICS_GAUGE, "simpletuner_task_failures",
                       "How often in a row a task of the companion has failed");
        for (size_t i = 0; i < data->task_count; i++)
                metrics_sample(text, LABEL("task", data->tasks[i].name),
                               (double)data->tasks[i].failures);
}

static void write_storage(struct metrics_text *text, const struct metrics_data *data)
{
        metrics_family(text, METRICS_GAUGE, "simpletuner_storage_multipart_open",
                       "Uploads in parts that are under way");
        if (data->database_up)
                metrics_sample(text, NULL, (double)data->waiting.multiparts);
        metrics_family(text, METRICS_GAUGE, "simpletuner_storage_free_bytes",
                       "Free bytes of the file system that holds the data");
        if (data->free_bytes >= 0)
                metrics_sample(text, NULL, (double)data->free_bytes);
}

static enum err write_health(struct ctx *ctx, struct metrics_text *text,
                             const struct metrics_data *data)
{
        static const enum meter meters[] = { METER_DATABASE_SECONDS, METER_DATABASE_BUSY };

        write_process(ctx, text);
        write_components(text, data);
        metrics_family(text, METRICS_GAUGE, "simpletuner_secret_source_up",
                       "Can secrets be read from there (1) or not (0)");
        for (size_t i = 0; i < data->secret_count; i++) {
                if (data->secrets[i].is_configured)
                        metrics_sample(text, LABEL("source", data->secrets[i].source),
                                       data->secrets[i].is_up);
        }
        write_storage(text, data);
        if (data->database_up) {
                write_tasks(text, data);
                write_backup(text, data);
        }
        return write_meters(ctx, text, meters, ARRAY_SIZE(meters));
}

/* ---- providers ---- */

static enum err write_provider(struct ctx *ctx, struct metrics_text *text,
                               const struct metrics_data *data)
{
        static const enum meter meters[] = { METER_PROVIDER_SECONDS, METER_WEBHOOKS,
                                             METER_WEBHOOK_LAST };

        metrics_family(text, METRICS_GAUGE, "simpletuner_cost_limit_ratio",
                       "What jobs of the limit's period cost, divided by the limit");
        for (size_t i = 0; data->database_up && i < data->provider_count; i++) {
                const struct cost_limit *limit = &data->providers[i].limit;

                if (limit->is_set)
                        metrics_sample(text, LABEL("provider", data->providers[i].provider),
                                       cost_limit_percent(limit, limit->spent_usd_micros) / 100);
        }
        metrics_family(text, METRICS_GAUGE, "simpletuner_webhook_inbox",
                       "Webhooks that wait to be applied: new ones, and those to try again");
        if (data->database_up) {
                metrics_sample(text, LABEL("state", "new"), (double)data->waiting.new_deliveries);
                metrics_sample(text, LABEL("state", "failed"),
                               (double)data->waiting.failed_deliveries);
        }
        return write_meters(ctx, text, meters, ARRAY_SIZE(meters));
}

/* ---- circuit breakers ---- */

static enum err write_breakers(struct ctx *ctx, struct metrics_text *text,
                               const struct metrics_data *data)
{
        static const double values[BREAKER_STATE_COUNT] = {
                [BREAKER_CLOSED] = 0, [BREAKER_HALF_OPEN] = 1, [BREAKER_OPEN] = 2
        };

        (void)ctx;
        if (!data->database_up)
                return OK;
        metrics_family(text, METRICS_GAUGE, "simpletuner_circuit_breaker_state",
                       "Circuit breaker state (0=closed, 1=half_open, 2=open)");
        for (size_t i = 0; i < data->provider_count; i++)
                metrics_sample(text, LABEL("provider", data->providers[i].provider),
                               values[data->providers[i].breaker.state]);
        metrics_family(text, METRICS_COUNTER, "simpletuner_circuit_breaker_failures_total",
                       "Total circuit breaker failures");
        for (size_t i = 0; i < data->provider_count; i++)
                metrics_sample(text, LABEL("provider", data->providers[i].provider),
                               (double)data->providers[i].breaker.total_failures);
        return OK;
}

metrics_writer *const metrics_family_writers[METRICS_CATEGORY_COUNT] = {
        [METRICS_JOBS] = write_jobs,
        [METRICS_HTTP] = write_http,
        [METRICS_RATE_LIMITS] = write_rate_limits,
        [METRICS_APPROVALS] = write_approvals,
        [METRICS_AUDIT] = write_audit,
        [METRICS_HEALTH] = write_health,
        [METRICS_CIRCUIT_BREAKERS] = write_breakers,
        [METRICS_PROVIDER] = write_provider,
};
