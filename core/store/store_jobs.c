#include "core/store/store_jobs.h"

#include <string.h>

#include "core/db/db.h"
#include "core/store/job_row.h"
#include "core/store/store_job_stats.h"
#include "core/store/store_totals.h"

static enum err add_to_count(struct ctx *ctx, const struct job *job, const char *status,
                             int64_t delta)
{
        static const char sql[] =
                "INSERT INTO job_counts (provider, status, owner, jobs) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (provider, status, owner) DO UPDATE SET jobs = job_counts.jobs + $4";

        return db_run(ctx, NULL, sql, "ttti", job->provider, status, job->owner, delta);
}

/* What a change of a job adds to the statistics of the hour it was made in. */
struct hour_delta {
        int64_t jobs, completed, failed, cancelled, run_us, cost_usd_micros;
};

static enum err add_to_hour(struct ctx *ctx, const struct job *job, const struct hour_delta *delta)
{
        static const char sql[] =
                "INSERT INTO job_hours (provider, hour, owner, hardware_profile, jobs, completed, "
                "failed, cancelled, run_us, cost_usd_micros) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                "ON CONFLICT (provider, hour, owner, hardware_profile) DO UPDATE SET "
                "jobs = job_hours.jobs + $5, completed = job_hours.completed + $6, "
                "failed = job_hours.failed + $7, cancelled = job_hours.cancelled + $8, "
                "run_us = job_hours.run_us + $9, "
                "cost_usd_micros = job_hours.cost_usd_micros + $10";
        const char *profile = job->hardware_profile ? job->hardware_profile : "";
        enum err rc;

        rc = db_run(ctx, NULL, sql, "tittiiiiii", job->provider, job->created_at_us / US_PER_HOUR,
                    job->owner, profile, delta->jobs, delta->completed, delta->failed,
                    delta->cancelled, delta->run_us, delta->cost_usd_micros);
        if (rc == OK && delta->cost_usd_micros != 0)
                rc = store_cost_add(ctx, job, delta->cost_usd_micros);
        return rc;
}

enum err store_job_insert(struct ctx *ctx, const struct job *job, const struct job_secrets *secrets)
{
        static const char sql[] =
                "INSERT INTO jobs (job_id, provider, status, config_name, hardware_profile, "
                "hardware_type, metadata, price_usd_nanos_per_s, upload_token_sha256, "
                "created_at_us, updated_at_us, owner, retry_of, attempt, request, "
                "estimated_cost_usd_micros, max_runtime_s, requires_approval, approval_id, "
                "poll_at_us, correlation_id, upload_key_id) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, "
                "$16, $17, $18, CASE WHEN CAST($17 AS BIGINT) = 1 THEN NULL ELSE CAST($19 AS "
                "BIGINT) END, $20, $21)";
        const bool blocked = job->status == JOB_BLOCKED;
        const struct hour_delta made = { .jobs = 1 };
        enum err rc;

        rc = db_run(ctx, NULL, sql, "tttttttitittitizizitt", job->job_id, job->provider,
                    job_status_name(blocked ? JOB_QUEUED : job->status), job->config_name,
                    job->hardware_profile, job->hardware_type, job->metadata,
                    job->price_usd_nanos_per_s, secrets->token_sha256, job->created_at_us,
                    job->owner, job->retry_of, job->attempt, secrets->request,
                    job->estimated_cost_usd_micros, job->max_runtime_s, (int64_t)blocked,
                    job->approval_id, job->poll_at_us,
                    *ctx->correlation_id ? ctx->correlation_id : NULL, secrets->token_key_id);
        if (rc == OK)
                rc = add_to_count(ctx, job, job_status_name(job->status), 1);
        return rc == OK ? add_to_hour(ctx, job, &made) : rc;
}

static enum err read_one(struct ctx *ctx, struct db_stmt *stmt, struct job *ret)
{
        enum err rc = db_step(ctx, stmt);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Job not found");
        if (rc != OK)
                return rc;
        return job_row_own(ctx, job_row_borrow(stmt), ret);
}

enum err store_job_get(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        static const char sql[] = "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", job_id);
        if (rc != OK)
                return rc;
        return read_one(ctx, stmt, ret_job);
}

enum err store_job_by_external_id(struct ctx *ctx, const char *provider, const char *external_id,
                                  struct job *ret_job)
{
        static const char sql[] =
                "SELECT " JOB_COLUMNS " FROM jobs WHERE provider = $1 AND external_id = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tt", provider, external_id);
        if (rc != OK)
                return rc;
        return read_one(ctx, stmt, ret_job);
}

enum err store_job_by_token(struct ctx *ctx, const char *token_sha256, struct token_owner *ret)
{
        static const char sql[] =
                "SELECT job_id, upload_key_id FROM jobs WHERE upload_token_sha256 = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct token_owner owner;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", token_sha256);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, &owner.job_id);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 1, &owner.key_id);
        if (rc == OK)
                *ret = owner;
        return rc;
}

enum err store_job_lock(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        static const char sql[] = "UPDATE jobs SET job_id = job_id WHERE job_id = $1 "
                                  "RETURNING " JOB_COLUMNS;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", job_id);
        return rc == OK ? read_one(ctx, stmt, ret_job) : rc;
}

/* The statistics after a job went from one row to another. */
static enum err count_change(struct ctx *ctx, const struct job *old, const struct job *now)
{
        const int64_t old_cost = old->cost_usd_micros, new_cost = now->cost_usd_micros;
        struct hour_delta delta = {
                .completed = now->status == JOB_COMPLETED,
                .failed = now->status == JOB_FAILED,
                .cancelled = now->status == JOB_CANCELLED,
                .cost_usd_micros = new_cost > 0 ? new_cost - (old_cost > 0 ? old_cost : 0) : 0,
        };
        enum err rc;

        if (old->status == now->status) {
                delta.completed = delta.failed = delta.cancelled = 0;
        } else {
                rc = add_to_count(ctx, old, job_status_name(old->status), -1);
                if (rc == OK)
                        rc = add_to_count(ctx, old, job_status_name(now->status), 1);
                if (rc != OK)
                        return rc;
        }
        if (now->status == JOB_COMPLETED)
                delta.run_us =
                        job_run_us(now) - (old->status == JOB_COMPLETED ? job_run_us(old) : 0);
        if (memcmp(&delta, &(struct hour_delta){ 0 }, sizeof(delta)) == 0)
                return OK;
        return add_to_hour(ctx, old, &delta);
}

/* clang-format off */
/* SQL: the news are of a later status; of an end. */
#define MOVES_ON "$9 > " JOB_RANK
#define ENDS     "$2 IN ('completed', 'failed', 'cancelled')"

/* SQL: what news of the same status add. Of two texts the longer stays, of equally long ones the
 * first in order; of times the earliest, of costs the largest: choices that do not depend on which
 * came first. */
#define WINS(text, column)                                                                         \
        "CASE WHEN " column " IS NULL THEN CAST(" text " AS TEXT) IS NOT NULL "                    \
        "WHEN LENGTH(" text ") <> LENGTH(" column ") THEN LENGTH(" text ") > LENGTH(" column ") "  \
        "ELSE " text " < " column " END"
#define EARLIER(time, column)                                                                      \
        "CAST(" time " AS BIGINT) < COALESCE(" column ", " time " + 1)"
#define DEARER "CAST($7 AS BIGINT) > COALESCE(cost_usd_micros, -1)"

static const char apply_sql[] =
        "UPDATE jobs SET updated_at_us = $8, "
        "status = CASE WHEN " MOVES_ON " THEN $2 ELSE status END, "
        "requires_approval = CASE WHEN " MOVES_ON " THEN 0 ELSE requires_approval END, "
        "error_message = CASE WHEN " MOVES_ON " THEN $3 "
                "WHEN status = $2 AND " WINS("$3", "error_message") " THEN $3 ELSE error_message END, "
        "output_url = CASE WHEN " WINS("$4", "output_url") " THEN $4 ELSE output_url END, "
        "started_at_us = CASE WHEN " EARLIER("$5", "started_at_us") " THEN CAST($5 AS BIGINT) "
                "ELSE started_at_us END, "
        "completed_at_us = CASE WHEN " EARLIER("$6", "completed_at_us") " THEN CAST($6 AS BIGINT) "
                "ELSE completed_at_us END, "
        "cost_usd_micros = CASE WHEN " DEARER " THEN CAST($7 AS BIGINT) ELSE cost_usd_micros END, "
        "upload_token_sha256 = CASE WHEN " ENDS " THEN NULL ELSE upload_token_sha256 END, "
        "poll_at_us = CASE WHEN NOT (" MOVES_ON " AND " ENDS ") THEN poll_at_us "
                "WHEN external_id IS NULL THEN CAST($10 AS BIGINT) END "
        "WHERE job_id = $1 AND (" MOVES_ON " "
                "OR (status = $2 AND (" WINS("$3", "error_message") " OR " WINS("$4", "output_url")
                        " OR " EARLIER("$5", "started_at_us")
                        " OR " EARLIER("$6", "completed_at_us") " OR " DEARER ")) "
                "OR ($2 = 'running' AND " JOB_RANK " = 9 AND " EARLIER("$5", "started_at_us") ")) "
        "RETURNING " JOB_COLUMNS;
/* clang-format on */

enum err store_job_apply(struct ctx *ctx, const struct job *job, const struct job_news *news,
                         bool *ret_moved, enum job_status *ret_from)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct job old, now;
        enum err rc;

        rc = store_job_lock(ctx, job->job_id, &old);
        if (rc == OK)
                rc = db_first(ctx, &stmt, apply_sql, "ttttzziiiz", job->job_id,
                              job_status_name(news->status), news->error_message, news->output_url,
                              news->started_at_us, news->completed_at_us, news->cost_usd_micros,
                              clock_wall_us(ctx->clock), (int64_t)news->status, news->poll_at_us);
        if (rc == ERR_NOT_FOUND) {
                *ret_moved = false;
                return OK;
        }
        if (rc != OK)
                return rc;
        rc = job_row_own(ctx, job_row_borrow(stmt), &now);
        if (rc == OK)
                rc = count_change(ctx, &old, &now);
        if (rc == OK)
                rc = store_totals_job_changed(ctx, &old, &now);
        if (rc != OK)
                return rc;
        *ret_moved = true;
        if (ret_from)
                *ret_from = old.status;
        return OK;
}

enum err store_job_release(struct ctx *ctx, const struct job *job, bool *ret_released)
{
        static const char sql[] =
                "UPDATE jobs SET status = 'uploading', requires_approval = 0, poll_at_us = 0, "
                "updated_at_us = $2 WHERE job_id = $1 AND requires_approval = 1";
        struct job now = *job;
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ti", job->job_id, clock_wall_us(ctx->clock));

        now.status = JOB_UPLOADING;
        if (rc == OK && changed > 0)
                rc = count_change(ctx, job, &now);
        if (rc == OK)
                *ret_released = changed > 0;
        return rc;
}

enum err store_job_delete(struct ctx *ctx, const char *job_id)
{
        static const char sql[] = "DELETE FROM jobs WHERE job_id = $1 AND " JOB_RANK " = 9 "
                                  "RETURNING " JOB_COLUMNS;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct job job;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", job_id);
        if (rc == OK)
                rc = read_one(ctx, stmt, &job);
        if (rc == OK)
                rc = add_to_count(ctx, &job, job_status_name(job.status), -1);
        return rc == OK ? store_totals_job_deleted(ctx, &job) : rc;
}

enum err store_job_request(struct ctx *ctx, const char *job_id, const char **ret_request)
{
        static const char sql[] = "SELECT request FROM jobs WHERE job_id = $1 "
                                  "AND request IS NOT NULL";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", job_id);
        return rc == OK ? db_text_dup(ctx, stmt, 0, ret_request) : rc;
}

enum err store_job_set_external_id(struct ctx *ctx, const char *job_id, const char *external_id)
{
        static const char sql[] = "UPDATE jobs SET external_id = $2, updated_at_us = $3 "
                                  "WHERE job_id = $1 AND external_id IS NULL";

        return db_run(ctx, NULL, sql, "tti", job_id, external_id, clock_wall_us(ctx->clock));
}

enum err store_job_note(struct ctx *ctx, const char *job_id, const char *error_message)
{
        static const char sql[] = "UPDATE jobs SET error_message = $2 WHERE job_id = $1 "
                                  "AND external_id IS NULL AND " JOB_RANK " < 9";

        return db_run(ctx, NULL, sql, "tt", job_id, error_message);
}

enum err store_job_progress(struct ctx *ctx, const char *job_id,
                            const struct job_progress *progress)
{
        static const char sql[] =
                "UPDATE jobs SET progress_stage = COALESCE($2, progress_stage), "
                "progress_line = COALESCE($3, progress_line), "
                "progress_permille = CASE WHEN CAST($4 AS BIGINT) >= 0 THEN CAST($4 AS BIGINT) "
                "ELSE progress_permille END WHERE job_id = $1 AND " JOB_RANK " < 9";

        return db_run(ctx, NULL, sql, "ttti", job_id, progress->stage, progress->line,
                      progress->permille);
}
