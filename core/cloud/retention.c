#include "core/cloud/retention.h"

#include "core/base/config.h"
#include "core/db/db.h"
#include "core/store/store_events.h"
#include "core/store/store_jobs.h"
#include "core/store/store_quotas.h"
#include "core/store/store_retention.h"

#define LEDGER_DAYS 2 /* no quota looks back further than one */

static enum err forget_job(struct ctx *ctx, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_delete(ctx, job_id);
        if (rc == OK)
                rc = store_job_traces_delete(ctx, job_id);
        return rc == OK ? db_commit(&tx) : rc;
}

enum err retention_jobs(struct ctx *ctx, unsigned limit, unsigned *ret_count)
{
        const int64_t days = (int64_t)ctx->config->job_retention_days;
        unsigned forgotten = 0;
        const char **ids;
        size_t count = 0;
        enum err rc = OK;

        if (days > 0)
                rc = store_jobs_ended(ctx, clock_wall_us(ctx->clock) - days * US_PER_DAY, limit,
                                      &ids, &count);
        for (size_t i = 0; rc == OK && i < count; i++) {
                rc = forget_job(ctx, ids[i]);
                forgotten += rc == OK;
                if (rc == ERR_NOT_FOUND)
                        rc = OK; /* somebody else has deleted it */
        }
        if (rc == OK)
                *ret_count = forgotten;
        return rc;
}

/* Forget rows of before a time, in one transaction. */
typedef enum err prune_fn(struct ctx *ctx, int64_t before_us, unsigned limit, int64_t *ret_pruned);

static enum err prune(struct ctx *ctx, prune_fn *fn, int64_t age_us, unsigned limit,
                      unsigned *ret_count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t pruned = 0;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = fn(ctx, clock_wall_us(ctx->clock) - age_us, limit, &pruned);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_count = (unsigned)pruned;
        return rc;
}

enum err retention_idempotency(struct ctx *ctx, unsigned limit, unsigned *ret_count)
{
        return prune(ctx, store_idempotency_prune, 0, limit, ret_count);
}

enum err retention_ledger(struct ctx *ctx, unsigned limit, unsigned *ret_count)
{
        return prune(ctx, store_ledger_prune, LEDGER_DAYS * US_PER_DAY, limit, ret_count);
}

enum err retention_events(struct ctx *ctx, unsigned limit, unsigned *ret_count)
{
        const int64_t hours = (int64_t)ctx->config->event_retention_hours;

        return prune(ctx, store_events_prune, hours * US_PER_HOUR, limit, ret_count);
}
