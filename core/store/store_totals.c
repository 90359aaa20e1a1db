#include "core/store/store_totals.h"

#include <string.h>

#include "core/db/db.h"
#include "core/store/job_row.h"

#define JOB_QUEUE "job_queue"
#define JOB_RUN   "job_run"

/* Those of migration 0020. */
const int64_t total_span_bounds_s[TOTAL_SPAN_BOUNDS] = { 60,   300,   900,   1800, 3600,
                                                         7200, 14400, 28800, 86400 };

/* As in the table; what is counted where it stands has a name in the statement below. */
static const char *const kind_names[TOTAL_KIND_COUNT] = {
        [TOTAL_JOBS_FINISHED] = "jobs_finished",
        [TOTAL_JOBS_DELETED] = "jobs_deleted",
        [TOTAL_JOB_COST] = "job_cost_usd_micros",
        [TOTAL_JOBS_ACTIVE] = "jobs_active",
        [TOTAL_APPROVALS_FINISHED] = "approvals_finished",
        [TOTAL_APPROVALS_DELETED] = "approvals_deleted",
        [TOTAL_APPROVALS_PENDING] = "approvals_pending",
        [TOTAL_BACKUP_SUCCESS_US] = "backup_success_us",
        [TOTAL_BACKUP_VERIFIED_US] = "backup_verified_us",
        [TOTAL_BACKUP_BYTES] = "backup_bytes",
        [TOTAL_BACKUP_TOOK_US] = "backup_took_us",
        [TOTAL_BACKUPS_FAILED] = "backups_failed",
};

static enum err add(struct ctx *ctx, const struct total *total)
{
        static const char sql[] =
                "INSERT INTO metric_totals (name, provider, label, value) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (name, provider, label) DO UPDATE SET "
                "value = metric_totals.value + $4";

        return db_run(ctx, NULL, sql, "ttti", kind_names[total->kind], total->provider,
                      total->label, total->value);
}

static enum err add_span(struct ctx *ctx, const struct total_span *span)
{
        static const char sql[] =
                "INSERT INTO metric_spans (name, provider, label, upto_s, spans, total_us) "
                "VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT (name, provider, label, upto_s) "
                "DO UPDATE SET spans = metric_spans.spans + 1, "
                "total_us = metric_spans.total_us + $5";
        int64_t upto_s = 0;

        for (size_t i = 0; i < TOTAL_SPAN_BOUNDS && upto_s == 0; i++) {
                if (span->total_us <= total_span_bounds_s[i] * US_PER_S)
                        upto_s = total_span_bounds_s[i];
        }
        return db_run(ctx, NULL, sql, "tttii", span->name, span->provider, span->label, upto_s,
                      span->total_us);
}

/* What the job has come to cost more; it never comes to less. */
static enum err add_cost(struct ctx *ctx, const struct job *old, const struct job *now)
{
        const int64_t before = old->cost_usd_micros > 0 ? old->cost_usd_micros : 0;
        const struct total cost = { .kind = TOTAL_JOB_COST,
                                    .provider = now->provider,
                                    .label = "",
                                    .value = now->cost_usd_micros - before };

        return now->cost_usd_micros > before ? add(ctx, &cost) : OK;
}

/* How long it waited, when its start becomes known. */
static enum err add_queue(struct ctx *ctx, const struct job *old, const struct job *now)
{
        const int64_t waited_us = now->started_at_us - now->created_at_us;
        const struct total_span span = { .name = JOB_QUEUE,
                                         .provider = now->provider,
                                         .label = "",
                                         .total_us = waited_us > 0 ? waited_us : 0 };

        return !old->started_at_us && now->started_at_us ? add_span(ctx, &span) : OK;
}

/* How long it ran, when both its ends become known. */
static enum err add_run(struct ctx *ctx, const struct job *old, const struct job *now)
{
        const bool was_known = job_status_is_terminal(old->status) && job_run_us(old) > 0;
        const struct total_span span = { .name = JOB_RUN,
                                         .provider = now->provider,
                                         .label = job_status_name(now->status),
                                         .total_us = job_run_us(now) };

        if (was_known || !job_status_is_terminal(now->status) || span.total_us == 0)
                return OK;
        return add_span(ctx, &span);
}

enum err store_totals_job_changed(struct ctx *ctx, const struct job *old, const struct job *now)
{
        const struct total end = { .kind = TOTAL_JOBS_FINISHED,
                                   .provider = now->provider,
                                   .label = job_status_name(now->status),
                                   .value = 1 };
        enum err rc = OK;

        if (!job_status_is_terminal(old->status) && job_status_is_terminal(now->status))
                rc = add(ctx, &end);
        if (rc == OK)
                rc = add_cost(ctx, old, now);
        if (rc == OK)
                rc = add_queue(ctx, old, now);
        return rc == OK ? add_run(ctx, old, now) : rc;
}

enum err store_totals_job_deleted(struct ctx *ctx, const struct job *job)
{
        return add(ctx, &(struct total){ .kind = TOTAL_JOBS_DELETED,
                                         .provider = job->provider,
                                         .label = job_status_name(job->status),
                                         .value = 1 });
}

enum err store_totals_approval_finished(struct ctx *ctx, enum approval_status status)
{
        return add(ctx, &(struct total){ .kind = TOTAL_APPROVALS_FINISHED,
                                         .provider = "",
                                         .label = approval_status_name(status),
                                         .value = 1 });
}

enum err store_totals_approval_deleted(struct ctx *ctx, const char *status)
{
        return add(ctx, &(struct total){ .kind = TOTAL_APPROVALS_DELETED,
                                         .provider = "",
                                         .label = status,
                                         .value = 1 });
}

enum err store_total_set(struct ctx *ctx, enum total_kind kind, int64_t value)
{
        static const char sql[] =
                "INSERT INTO metric_totals (name, provider, label, value) VALUES ($1, '', '', $2) "
                "ON CONFLICT (name, provider, label) DO UPDATE SET value = $2";

        return db_run(ctx, NULL, sql, "ti", kind_names[kind], value);
}

enum err store_totals_backup_failed(struct ctx *ctx)
{
        const struct total failure = {
                .kind = TOTAL_BACKUPS_FAILED, .provider = "", .label = "", .value = 1
        };

        return add(ctx, &failure);
}

static bool kind_parse(const char *name, enum total_kind *ret)
{
        for (unsigned i = 0; i < TOTAL_KIND_COUNT; i++) {
                if (strcmp(kind_names[i], name) == 0) {
                        *ret = (enum total_kind)i;
                        return true;
                }
        }
        return false;
}

enum err store_totals_each(struct ctx *ctx, total_row_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT name, provider, label, value, 0 FROM metric_totals "
                "UNION ALL SELECT 'jobs_active', provider, " JOB_STATUS ", COUNT(*), "
                "MIN(created_at_us) FROM jobs "
                "WHERE status IN ('pending', 'uploading', 'queued', 'running') "
                "GROUP BY provider, status, requires_approval "
                "UNION ALL SELECT 'approvals_pending', '', 'pending', COUNT(*), 0 "
                "FROM approval_requests WHERE status = 'pending'";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                struct total total = {
                        .provider = db_text(stmt, 1),
                        .label = db_text(stmt, 2),
                        .value = db_int(stmt, 3),
                        .oldest_us = db_int(stmt, 4),
                };

                if (!kind_parse(db_text(stmt, 0), &total.kind))
                        continue; /* of a newer program */
                rc = row(ctx, arg, &total);
                if (rc != OK)
                        return rc;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_total_spans_each(struct ctx *ctx, total_span_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT name, provider, label, upto_s, spans, total_us FROM metric_spans "
                "ORDER BY name, provider, label, CASE WHEN upto_s = 0 THEN 1 ELSE 0 END, upto_s";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                const struct total_span span = {
                        .name = db_text(stmt, 0),
                        .provider = db_text(stmt, 1),
                        .label = db_text(stmt, 2),
                        .upto_s = db_int(stmt, 3),
                        .spans = db_int(stmt, 4),
                        .total_us = db_int(stmt, 5),
                };

                rc = row(ctx, arg, &span);
                if (rc != OK)
                        return rc;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* Numbers are given without gaps, in the order of time: two of them tell how many lie between. */
enum err store_audit_totals(struct ctx *ctx, int64_t since_us, struct audit_totals *ret)
{
        static const char sql[] =
                "SELECT audit_id, COALESCE((SELECT l.audit_id FROM audit_log l "
                "WHERE l.created_at_us >= $1 ORDER BY l.created_at_us, l.audit_id LIMIT 1), "
                "audit_id + 1) FROM audit_head WHERE one = 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "i", since_us);

        if (rc == OK)
                *ret = (struct audit_totals){ .ever = db_int(stmt, 0),
                                              .since = db_int(stmt, 0) - db_int(stmt, 1) + 1 };
        return rc;
}

enum err store_audit_totals_each(struct ctx *ctx, audit_total_fn *row, void *arg)
{
        static const char sql[] = "SELECT event_type, entries, written FROM audit_counts "
                                  "ORDER BY event_type";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                rc = row(ctx, arg, db_text(stmt, 0), db_int(stmt, 1), db_int(stmt, 2));
                if (rc != OK)
                        return rc;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_waiting_totals(struct ctx *ctx, struct waiting_totals *ret)
{
        static const char sql[] =
                "SELECT (SELECT COUNT(*) FROM webhook_deliveries WHERE apply_at_us IS NOT NULL), "
                "(SELECT COUNT(*) FROM webhook_deliveries WHERE apply_at_us IS NOT NULL "
                "AND attempts > 0), "
                "(SELECT COUNT(*) FROM multiparts WHERE completed_etag IS NULL)";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "");

        if (rc == OK)
                *ret = (struct waiting_totals){ db_int(stmt, 0) - db_int(stmt, 1), db_int(stmt, 1),
                                                db_int(stmt, 2) };
        return rc;
}
