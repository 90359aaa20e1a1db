#include "core/store/store_job_poll.h"

#include "core/db/db.h"
#include "core/store/due.h"
#include "core/store/job_row.h"

/* The rows of a statement over JOB_COLUMNS, at most limit, into the arena. */
static enum err read_jobs(struct ctx *ctx, struct db_stmt *stmt, unsigned limit,
                          struct job **ret_jobs, size_t *ret_count)
{
        struct job *jobs = arena_alloc(ctx->arena, (limit + 1) * sizeof(*jobs));
        size_t count = 0;
        enum err rc = OK;

        if (!jobs)
                return ctx_nomem(ctx);
        while (count < limit && (rc = db_step(ctx, stmt)) == OK) {
                rc = job_row_own(ctx, job_row_borrow(stmt), &jobs[count++]);
                if (rc != OK)
                        return rc;
        }
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_jobs = jobs;
        *ret_count = count;
        return OK;
}

#define IS_DUE "poll_at_us IS NOT NULL AND " DUE_SQL("poll_at_us")

enum err store_jobs_due(struct ctx *ctx, const struct job_due *due, struct job **ret_jobs,
                        size_t *ret_count)
{
        static const char sql[] = "SELECT " JOB_COLUMNS " FROM jobs WHERE " IS_DUE
                                  " AND (poll_at_us > $3 OR (poll_at_us = $3 AND job_id > $4)) "
                                  "AND NOT (status = 'uploading' AND external_id IS NULL) "
                                  "ORDER BY poll_at_us, job_id LIMIT $5";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "iiiti", due->now_us, due->until_us, due->after_due_us,
                      due->after_id ? due->after_id : "", (int64_t)due->limit);
        return rc == OK ? read_jobs(ctx, stmt, due->limit, ret_jobs, ret_count) : rc;
}

enum err store_job_schedule(struct ctx *ctx, const char *job_id,
                            const struct job_schedule *schedule)
{
        static const char sql[] =
                "UPDATE jobs SET poll_at_us = CASE WHEN $5 = 1 THEN NULL ELSE CAST($2 AS BIGINT) "
                "END, poll_failures = $3, missing_count = $4 "
                "WHERE job_id = $1 AND poll_at_us IS NOT NULL";

        return db_run(ctx, NULL, sql, "tiiii", job_id, schedule->poll_at_us, schedule->failures,
                      schedule->missing_count, (int64_t)schedule->forget);
}

enum err store_job_hold(struct ctx *ctx, const struct job *seen)
{
        static const char sql[] = "UPDATE jobs SET job_id = job_id WHERE job_id = $1 "
                                  "AND " JOB_STATUS " = $2 AND COALESCE(external_id, '') = $3";
        int64_t held = 0;
        enum err rc;

        rc = db_run(ctx, &held, sql, "ttt", seen->job_id, job_status_name(seen->status),
                    seen->external_id ? seen->external_id : "");
        if (rc == OK && held == 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "the job has changed meanwhile");
        return rc;
}

/* A job without a row of its own there was last heard of when its row was written. Once the
 * provider may have been asked to start it, its silence proves nothing. One that somebody has
 * approved waits for whoever runs submissions, however long that takes. */
#define STALLED                                                                                    \
        "status = 'uploading' AND COALESCE((SELECT submissions.updated_at_us FROM submissions "    \
        "WHERE submissions.job_id = jobs.job_id), updated_at_us) < $1 AND NOT EXISTS (SELECT 1 "   \
        "FROM submissions WHERE submissions.job_id = jobs.job_id AND run_at_us IS NOT NULL "       \
        "AND (stage = 'submitting' OR jobs.approval_id IS NOT NULL))"

enum err store_jobs_stalled(struct ctx *ctx, int64_t before_us, unsigned limit,
                            struct job **ret_jobs, size_t *ret_count)
{
        static const char sql[] =
                "SELECT " JOB_COLUMNS " FROM jobs WHERE " STALLED " ORDER BY job_id LIMIT $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ii", before_us, (int64_t)limit);
        return rc == OK ? read_jobs(ctx, stmt, limit, ret_jobs, ret_count) : rc;
}

enum err store_job_is_stalled(struct ctx *ctx, const char *job_id, int64_t before_us)
{
        static const char sql[] = "SELECT job_id FROM jobs WHERE " STALLED " AND job_id = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "it", before_us, job_id);
        return rc == ERR_NOT_FOUND ? ctx_fail(ctx, rc, "the upload goes on") : rc;
}
