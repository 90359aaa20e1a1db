#include "core/db/db.h"
#include "core/store/store_job_stats.h"
#include "core/store/store_quotas.h"

static enum err count_active(struct ctx *ctx, const char *owner, int64_t *ret)
{
        static const char sql[] = "SELECT COUNT(*) FROM jobs WHERE owner = $1 "
                                  "AND status IN ('pending', 'uploading', 'queued', 'running')";

        return db_number(ctx, ret, sql, "t", owner);
}

/* What is spent, and what the active jobs are expected to come to. */
static enum err sum_cost(struct ctx *ctx, const char *owner, int64_t days, int64_t *ret)
{
        int64_t spent = 0, running = 0;
        enum err rc;

        rc = store_cost_of_owner_since(ctx, owner, clock_wall_us(ctx->clock) - days * US_PER_DAY,
                                       &spent);
        if (rc == OK)
                rc = store_cost_of_active_of(ctx, owner, &running);
        if (rc == OK)
                *ret = spent + running;
        return rc;
}

enum err store_quota_used(struct ctx *ctx, enum quota_type type, const char *owner, int64_t *ret)
{
        const int64_t now_us = clock_wall_us(ctx->clock);

        switch (type) {
        case QUOTA_COST_MONTHLY:
                return sum_cost(ctx, owner, 30, ret);
        case QUOTA_COST_DAILY:
                return sum_cost(ctx, owner, 1, ret);
        case QUOTA_CONCURRENT_JOBS:
                return count_active(ctx, owner, ret);
        case QUOTA_JOBS_PER_DAY:
                return store_ledger_count(ctx, owner, now_us - US_PER_DAY, ret);
        case QUOTA_JOBS_PER_HOUR:
                return store_ledger_count(ctx, owner, now_us - US_PER_HOUR, ret);
        case QUOTA_LOCAL_GPUS:
        case QUOTA_TYPE_COUNT:
                break;
        }
        *ret = 0;
        return OK;
}

enum err store_ledger_add(struct ctx *ctx, const struct job *job)
{
        static const char sql[] =
                "INSERT INTO job_ledger (job_id, owner, created_at_us) VALUES ($1, $2, $3)";

        return db_run(ctx, NULL, sql, "tti", job->job_id, job->owner, job->created_at_us);
}

enum err store_ledger_prune(struct ctx *ctx, int64_t before_us, unsigned limit, int64_t *ret_pruned)
{
        static const char sql[] = "DELETE FROM job_ledger WHERE job_id IN (SELECT job_id FROM "
                                  "job_ledger WHERE created_at_us < $1 ORDER BY created_at_us "
                                  "LIMIT $2)";

        return db_run(ctx, ret_pruned, sql, "ii", before_us, (int64_t)limit);
}

enum err store_ledger_count(struct ctx *ctx, const char *owner, int64_t since_us,
                            int64_t *ret_count)
{
        static const char sql[] =
                "SELECT COUNT(*) FROM job_ledger WHERE owner = $1 AND created_at_us > $2";

        return db_number(ctx, ret_count, sql, "ti", owner, since_us);
}

enum err store_ledger_any(struct ctx *ctx, const char *owner, bool *ret)
{
        static const char sql[] = "SELECT 1 FROM job_hours WHERE owner = $1 LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "t", owner);

        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = rc == OK;
        return OK;
}
