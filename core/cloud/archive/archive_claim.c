#include "core/cloud/archive/archive_claim.h"

#include "core/base/fault.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define CLAIM_US    (300 * US_PER_S)
#define RENEW_US    (60 * US_PER_S)
#define WAIT_MAX_US (600 * US_PER_S)
#define HORIZON_US  (2 * WAIT_MAX_US)

/* Providers delete results an hour after the end. The last of these attempts comes about two hours
 * after the first. */
#define ATTEMPTS_MAX 18

static int64_t wait_after_us(int64_t attempt)
{
        static const int64_t first_s[] = { 10, 30, 60, 120, 240, 480 };

        return attempt <= (int64_t)ARRAY_SIZE(first_s) ? first_s[attempt - 1] * US_PER_S
                                                       : WAIT_MAX_US;
}

static bool is_stopping(const struct ctx *ctx, const struct archive_hold *hold)
{
        return atomic_load(&ctx->cloud->draining) ||
               (hold->deadline_us && clock_mono_us(ctx->clock) >= hold->deadline_us);
}

/* ERR_CONFLICT: another was faster. */
static enum err take(struct ctx *ctx, const struct due *due, struct archive_claim *claim)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_archive_claim(ctx, due, claim);
        if (rc == ERR_NOT_FOUND)
                return ERR_CONFLICT;
        return rc == OK ? db_commit(&tx) : rc;
}

enum err archive_claim_next(struct ctx *ctx, struct archive_hold *hold)
{
        enum err rc;

        do {
                int64_t now_us = clock_wall_us(ctx->clock);
                struct due due = { now_us, now_us + HORIZON_US };

                if (is_stopping(ctx, hold))
                        return ERR_NOT_FOUND;
                hold->renewed_us = clock_mono_us(ctx->clock);
                hold->claim.until_us = now_us + CLAIM_US;
                rc = store_archive_next(ctx, &due, &hold->claim.job_id);
                if (rc == OK)
                        rc = take(ctx, &due, &hold->claim);
        } while (rc == ERR_CONFLICT);
        if (rc == OK)
                FAULT_POINT("archive.claimed");
        return rc;
}

enum err archive_claim_keep(struct ctx *ctx, struct archive_hold *hold)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t now_us = clock_mono_us(ctx->clock);
        int64_t until_us = clock_wall_us(ctx->clock) + CLAIM_US;
        enum err rc;

        if (is_stopping(ctx, hold))
                return ctx_fail(ctx, ERR_NOT_READY, "interrupted");
        if (now_us - hold->renewed_us < RENEW_US)
                return OK;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_archive_renew(ctx, &hold->claim, until_us);
        if (rc == ERR_NOT_FOUND)
                return ERR_NOT_READY;
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        hold->claim.until_us = until_us;
        hold->renewed_us = now_us;
        return OK;
}

bool archive_claim_is_last(const struct archive_hold *hold)
{
        return hold->claim.attempt >= ATTEMPTS_MAX;
}

/* What the row is to say. */
static struct archive judge(const struct archive_hold *hold, const struct archive_outcome *outcome,
                            int64_t now_us)
{
        struct archive archive = {
                .state = ARCHIVE_WAITING,
                .attempts = hold->claim.attempt,
                .files = outcome->files,
                .bytes = outcome->bytes,
                .error = outcome->error,
        };

        if (outcome->interrupted) {
                archive.attempts--;
                archive.run_at_us = now_us + outcome->again_s * US_PER_S;
        } else if (outcome->complete) {
                archive.state = outcome->failed ? ARCHIVE_FAILED : ARCHIVE_DONE;
        } else if (archive_claim_is_last(hold)) {
                archive.state = ARCHIVE_FAILED;
        } else {
                archive.run_at_us = now_us + wait_after_us(hold->claim.attempt);
        }
        if (archive.state != ARCHIVE_WAITING)
                archive.finished_at_us = now_us;
        return archive;
}

enum err archive_claim_settle(struct ctx *ctx, const struct archive_hold *hold,
                              const struct archive_outcome *outcome, enum archive_state *ret_state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct archive archive = judge(hold, outcome, clock_wall_us(ctx->clock));
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_archive_settle(ctx, &hold->claim, &archive);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_state = archive.state;
        return rc;
}
