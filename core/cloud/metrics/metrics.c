#include "core/cloud/metrics/metrics.h"

#include "core/cloud/metrics/metrics_render.h"

/* clang-format off */
static const char *const jobs_legacy[] = {
        "simpletuner_jobs_total", "simpletuner_jobs_by_status", "simpletuner_jobs_active",
        "simpletuner_cost_usd_total", "simpletuner_job_duration_seconds_avg", NULL };
static const char *const jobs_families[] = {
        "simpletuner_jobs", "simpletuner_jobs_submitted_total", "simpletuner_jobs_finished_total",
        "simpletuner_job_cost_usd_total", "simpletuner_job_duration_seconds",
        "simpletuner_job_queue_seconds", "simpletuner_queue_oldest_seconds", NULL };
static const char *const http_legacy[] = {
        "simpletuner_http_requests_total", "simpletuner_http_errors_total",
        "simpletuner_http_request_latency_ms_avg", NULL };
static const char *const http_families[] = {
        "simpletuner_http_request_duration_seconds", "simpletuner_http_request_size_bytes",
        "simpletuner_http_response_size_bytes", "simpletuner_http_requests_in_flight",
        "simpletuner_storage_bytes_total", NULL };
static const char *const limits_legacy[] = { "simpletuner_rate_limit_violations_total", NULL };
static const char *const limits_families[] = {
        "simpletuner_rate_limit_tracked_clients", "simpletuner_rate_limit_rejected_total", NULL };
static const char *const approvals_legacy[] = { "simpletuner_approval_requests_by_status", NULL };
static const char *const approvals_families[] = {
        "simpletuner_approval_requests_pending", "simpletuner_approvals_finished_total", NULL };
static const char *const audit_legacy[] = {
        "simpletuner_audit_log_entries_total", "simpletuner_audit_log_entries_by_type",
        "simpletuner_audit_log_entries_24h", NULL };
static const char *const audit_families[] = { "simpletuner_audit_entries_total", NULL };
static const char *const health_legacy[] = {
        "simpletuner_uptime_seconds", "simpletuner_health_database_latency_ms", NULL };
static const char *const health_families[] = {
        "simpletuner_build_info", "process_start_time_seconds", METRICS_COMPONENT_STATUS,
        "simpletuner_secret_source_up", "simpletuner_storage_multipart_open",
        "simpletuner_storage_free_bytes", "simpletuner_task_last_run_timestamp_seconds",
        "simpletuner_task_failures", "simpletuner_backup_last_success_timestamp_seconds",
        "simpletuner_backup_last_verified_timestamp_seconds", "simpletuner_backup_size_bytes",
        "simpletuner_backup_last_rehearsal_timestamp_seconds",
        "simpletuner_backup_duration_seconds",
        "simpletuner_backup_failures_total",
        "simpletuner_backup_wal_last_capture_timestamp_seconds",
        "simpletuner_db_query_duration_seconds", "simpletuner_db_busy_total", NULL };
static const char *const none[] = { NULL };
static const char *const breaker_families[] = {
        "simpletuner_circuit_breaker_state", "simpletuner_circuit_breaker_failures_total", NULL };
static const char *const provider_legacy[] = { "simpletuner_cost_limit_percent_used", NULL };
static const char *const provider_families[] = {
        "simpletuner_cost_limit_ratio", "simpletuner_webhook_inbox",
        "simpletuner_provider_request_duration_seconds", "simpletuner_webhooks_received_total",
        "simpletuner_webhook_last_received_timestamp_seconds", NULL };

static const struct metrics_names names[METRICS_CATEGORY_COUNT] = {
        [METRICS_JOBS] = { "jobs", "Jobs & Costs",
                "Job counts, status, queue depth and costs", jobs_legacy, jobs_families },
        [METRICS_HTTP] = { "http", "HTTP Requests",
                "Request counts, errors, latency and object transfer", http_legacy, http_families },
        [METRICS_RATE_LIMITS] = { "rate_limits", "Rate Limiting",
                "Requests that rate limits refused", limits_legacy, limits_families },
        [METRICS_APPROVALS] = { "approvals", "Approvals",
                "Approval workflow", approvals_legacy, approvals_families },
        [METRICS_AUDIT] = { "audit", "Audit Log",
                "Audit log activity", audit_legacy, audit_families },
        [METRICS_HEALTH] = { "health", "Health & Uptime",
                "Uptime, components, database, tasks, backups and disk",
                health_legacy, health_families },
        [METRICS_CIRCUIT_BREAKERS] = { "circuit_breakers", "Circuit Breakers",
                "Provider circuit breaker states", none, breaker_families },
        [METRICS_PROVIDER] = { "provider", "Provider Status",
                "Cost limits, calls to providers and their webhooks",
                provider_legacy, provider_families },
};
/* clang-format on */

const struct metrics_names *metrics_names(enum metrics_category category)
{
        return &names[category];
}

/* In the order that dashboards of the guide's time know. */
static const enum metrics_category in_order[METRICS_CATEGORY_COUNT] = {
        METRICS_HEALTH,           METRICS_JOBS,      METRICS_HTTP,
        METRICS_RATE_LIMITS,      METRICS_APPROVALS, METRICS_AUDIT,
        METRICS_CIRCUIT_BREAKERS, METRICS_PROVIDER,
};

static enum err write_categories(struct ctx *ctx, struct metrics_text *text,
                                 const struct metrics_wish *wish, const struct metrics_data *data)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < METRICS_CATEGORY_COUNT; i++) {
                const enum metrics_category category = in_order[i];

                if (!(wish->categories & METRICS_BIT(category)))
                        continue;
                if (wish->legacy)
                        rc = metrics_legacy_writers[category](ctx, text, data);
                if (rc == OK)
                        rc = metrics_family_writers[category](ctx, text, data);
        }
        return rc;
}

/* Whatever is asked for: is this all there is, and what did it take? */
static void write_scrape(struct ctx *ctx, struct metrics_text *text,
                         const struct metrics_data *data, int64_t start_us)
{
        metrics_family(text, METRICS_GAUGE, "simpletuner_database_up",
                       "Did the database answer (1), or is what it knows left out (0)");
        metrics_sample(text, NULL, data->database_up);
        metrics_family(text, METRICS_GAUGE, "simpletuner_scrape_duration_seconds",
                       "Time this scrape took");
        metrics_sample(text, NULL, metrics_units(clock_mono_us(ctx->clock) - start_us));
}

enum err metrics_write(struct ctx *ctx, const struct metrics_wish *wish, struct buf *out,
                       size_t *ret_samples)
{
        struct metrics_text text = { .out = out, .open_metrics = wish->open_metrics };
        const int64_t start_us = clock_mono_us(ctx->clock);
        struct metrics_data data;
        enum err rc;

        rc = metrics_data_read(ctx, wish->categories, &data);
        if (rc == OK)
                rc = write_categories(ctx, &text, wish, &data);
        if (rc != OK)
                return rc;
        if (!data.database_up && !(wish->categories & METRICS_BIT(METRICS_HEALTH))) {
                metrics_family(&text, METRICS_GAUGE, METRICS_COMPONENT_STATUS,
                               METRICS_COMPONENT_HELP);
                metrics_sample(&text, METRICS_LABELS({ "component", "database" }), 0);
        }
        write_scrape(ctx, &text, &data, start_us);
        metrics_end(&text);
        *ret_samples = text.samples;
        return buf_ok(out) ? OK : ctx_fail(ctx, ERR_INTERNAL, "the metrics are too large");
}
