#include "core/store/store_job_poll.h"

#include "core/db/db.h"
#include "core/store/job_row.h"

enum err store_jobs_due(struct ctx *ctx, const struct job_due *due, struct job **ret_jobs,
                        size_t *ret_count)
{
        static const char sql[] = "SELECT " JOB_COLUMNS " FROM jobs "
                                  "WHERE poll_at_us IS NOT NULL AND "
                                  "(poll_at_us <= $1 OR poll_at_us > $2) "
                                  "AND NOT (status = 'uploading' AND external_id IS NULL) "
                                  "ORDER BY poll_at_us LIMIT $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct job *jobs = arena_alloc(ctx->arena, due->limit * sizeof(*jobs));
        size_t count = 0;
        enum err rc;

        if (!jobs)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "iii", due->now_us, due->until_us, (int64_t)due->limit);
        if (rc != OK)
                return rc;
        while (count < due->limit && (rc = db_step(ctx, stmt)) == OK) {
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
