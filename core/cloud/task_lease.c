#include "core/cloud/task_lease.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/crypto.h"
#include "core/db/db.h"

#define HOST_SIZE      128
#define CLOCK_SLACK_US (60 * US_PER_S) /* clocks of several hosts differ by less */

static enum err name_holder(struct ctx *ctx, char ret_holder[TASK_HOLDER_SIZE])
{
        char host[HOST_SIZE] = "", hex[9];
        unsigned random;

        if (gethostname(host, sizeof(host) - 1) != 0 || !*host)
                snprintf(host, sizeof(host), "localhost");
        if (!crypto_random(&random, sizeof(random)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness");
        crypto_hex(&random, sizeof(random), hex);
        snprintf(ret_holder, TASK_HOLDER_SIZE, "%s:%ld:%s", host, (long)getpid(), hex);
        return OK;
}

/* Why the lease was not to be had. */
static enum err explain(struct ctx *ctx, const struct task_claim *claim)
{
        struct task_row row;
        enum err rc = task_state(ctx, claim->name, &row);

        if (rc != OK)
                return rc;
        if (claim->at_once ||
            (row.lease_until_us > claim->now_us && row.lease_until_us <= claim->lease_limit_us))
                return ctx_fail(ctx, ERR_CONFLICT, "%s is being done by %s", claim->name,
                                row.holder);
        return ctx_fail(ctx, ERR_NOT_READY, "%s is not due", claim->name);
}

enum err task_lease_take(struct ctx *ctx, const struct task_terms *terms, struct task_lease *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct task_lease lease = { .terms = *terms };
        struct task_claim claim = {
                .name = terms->name,
                .holder = lease.holder,
                .now_us = clock_wall_us(ctx->clock),
                .at_once = terms->at_once,
        };
        enum err rc;

        claim.until_us = claim.now_us + terms->lease_us;
        claim.lease_limit_us = claim.until_us + CLOCK_SLACK_US;
        claim.due_limit_us = claim.now_us + terms->every_us + CLOCK_SLACK_US;
        rc = name_holder(ctx, lease.holder);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_task_claim(ctx, &claim);
        if (rc == ERR_CONFLICT)
                return explain(ctx, &claim);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = lease;
        return rc;
}

enum err task_lease_extend(struct ctx *ctx, const struct task_lease *lease)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_task_extend(ctx, lease->terms.name, lease->holder,
                                       clock_wall_us(ctx->clock) + lease->terms.lease_us);
        return rc == OK ? db_commit(&tx) : rc;
}

/* The next multiple of every, so that a task of every minute is due whenever cron's minute begins,
 * however late in the last one it ran. */
static int64_t next_due_us(const struct task_terms *terms, int64_t now_us)
{
        return now_us - now_us % terms->every_us + terms->every_us;
}

enum err task_lease_end(struct ctx *ctx, const struct task_lease *lease,
                        const struct task_result *result)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        const struct task_end end = {
                .name = lease->terms.name,
                .holder = lease->holder,
                .finished_at_us = result->idle ? 0 : now_us,
                .due_at_us = next_due_us(&lease->terms, now_us),
                .failed = result->failed,
                .result = result->text,
        };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_task_end(ctx, &end);
        return rc == OK ? db_commit(&tx) : rc;
}

enum err task_state(struct ctx *ctx, const char *name, struct task_row *ret)
{
        enum err rc = store_task_get(ctx, name, ret);

        if (rc != ERR_NOT_FOUND)
                return rc;
        *ret = (struct task_row){ .name = name };
        return OK;
}
