#include "core/cloud/webhook/inbox.h"

#include <string.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/webhook/webhook_apply.h"
#include "core/db/db.h"

#define LOCK             "inbox" /* so that two processes do not do the same work */
#define BATCH_MAX        100
#define BATCH_BYTES      (4 * MiB) /* of sealed bodies in memory at once */
#define ATTEMPTS_MAX     10
#define BACK_OFF_MAX_US  (300 * US_PER_S)
#define RETENTION_MIN_US (2 * US_PER_DAY) /* a webhook-id is remembered at least as long */

static const char logger[] = "simpletuner.cloud.inbox";

/* A delivery on its way: read, then applied or failed. */
struct item {
        struct webhook_delivery delivery;
        struct webhook_event event;
        enum err rc;
        const char *reason; /* why it failed, for the row */
};

struct batch {
        struct item items[BATCH_MAX];
        size_t count;
        bool moved; /* a job changed */
};

/* The log gets the reason whole; the row, which is shown, only what may be shown. */
static enum err fail_item(struct ctx *ctx, struct item *item, enum err rc)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };

        ctx_topic_keep(ctx, &topic);
        ctx_adopt_correlation_id(ctx, item->delivery.correlation_id);
        log_event(ctx, LOG_WARNING, logger, "A webhook could not be applied", "delivery_id",
                  item->delivery.delivery_id, "error", err_code(rc), "reason", ctx->detail);
        item->rc = rc;
        return ctx_strdup(ctx, ctx_shown_detail(ctx, rc), &item->reason);
}

/* Read deliveries until the batch is full. */
static enum err read_batch(struct ctx *ctx, unsigned limit, struct batch *batch)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        const struct due due = { now_us, now_us + 2 * BACK_OFF_MAX_US };
        const char **ids;
        size_t count, bytes = 0;
        enum err rc;

        rc = store_webhooks_due(ctx, &due, limit < BATCH_MAX ? limit : BATCH_MAX, &ids, &count);
        for (size_t i = 0; rc == OK && i < count && bytes < BATCH_BYTES; i++) {
                struct item *item = &batch->items[batch->count];

                rc = store_webhook_get(ctx, ids[i], &item->delivery);
                if (rc == ERR_NOT_FOUND) {
                        rc = OK;
                        continue;
                }
                if (rc != OK)
                        return rc;
                batch->count++;
                bytes += strlen(item->delivery.body);
                rc = webhook_news_read(ctx, &item->delivery, &item->event);
                if (rc != OK)
                        rc = fail_item(ctx, item, rc);
        }
        return rc;
}

/* Inside a transaction. Who else looked at the same time may have been faster. */
static enum err apply_item(struct ctx *ctx, struct item *item, bool *ret_moved)
{
        struct webhook_delivery settled = item->delivery;
        struct webhook_effect effect;
        bool waits;
        enum err rc;

        rc = store_webhook_waits(ctx, settled.delivery_id, &waits);
        if (rc != OK || !waits)
                return rc;
        rc = webhook_news_apply(ctx, &item->delivery, &item->event, &effect);
        if (rc != OK)
                return rc;
        settled.outcome = effect.outcome;
        settled.reason = effect.reason;
        settled.job_id = effect.job_id;
        settled.apply_at_us = 0;
        *ret_moved |= effect.moved;
        return store_webhook_settle(ctx, &settled);
}

/* The readable ones from first on, at most count, in one transaction: all of them or none. */
static enum err apply_together(struct ctx *ctx, struct batch *batch, size_t first, size_t count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool moved = false;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, LOCK);
        for (size_t i = first; rc == OK && i < first + count; i++) {
                if (batch->items[i].rc == OK)
                        rc = apply_item(ctx, &batch->items[i], &moved);
                FAULT_POINT("webhook.applying");
        }
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                batch->moved |= moved;
        return rc;
}

static int64_t back_off_us(int64_t attempts)
{
        int64_t wait_us = US_PER_S << (attempts < ATTEMPTS_MAX ? attempts : ATTEMPTS_MAX);

        return wait_us < BACK_OFF_MAX_US ? wait_us : BACK_OFF_MAX_US;
}

/* Record that a delivery could not be applied, and when to try again. */
static enum err set_aside(struct ctx *ctx, const struct item *item)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct webhook_delivery failed = item->delivery;
        bool last = failed.attempts + 1 >= ATTEMPTS_MAX, waits;
        enum err rc;

        failed.outcome = last ? "failed" : failed.outcome;
        failed.reason = item->reason;
        failed.apply_at_us = last ? 0 : clock_wall_us(ctx->clock) + back_off_us(failed.attempts);
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, LOCK);
        if (rc == OK)
                rc = store_webhook_waits(ctx, failed.delivery_id, &waits);
        if (rc != OK || !waits)
                return rc;
        rc = store_webhook_settle(ctx, &failed);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Where all share one writer, a batch is one transaction. Elsewhere, or when that fails, every
 * delivery has its own: two transactions that change several jobs each could wait for one another.
 * What fails by itself is set aside; a fault of the database is met again by that. */
static enum err apply_batch(struct ctx *ctx, struct batch *batch)
{
        bool one_writer = database_path(ctx->cloud->database) != NULL;
        bool together = one_writer && apply_together(ctx, batch, 0, batch->count) == OK;

        for (size_t i = 0; i < batch->count; i++) {
                struct item *item = &batch->items[i];
                enum err rc = OK;

                if (!together && item->rc == OK)
                        rc = apply_together(ctx, batch, i, 1);
                if (rc != OK)
                        rc = fail_item(ctx, item, rc);
                if (rc == OK && item->rc != OK)
                        rc = set_aside(ctx, item);
                if (rc != OK)
                        return rc;
        }
        FAULT_POINT("webhook.applied");
        return OK;
}

enum err webhook_apply_due(struct ctx *ctx, unsigned limit, unsigned *ret_applied)
{
        struct batch *batch = arena_alloc(ctx->arena, sizeof(*batch));
        enum err rc;

        if (!batch)
                return ctx_nomem(ctx);
        rc = read_batch(ctx, limit, batch);
        if (rc == OK && batch->count > 0)
                rc = apply_batch(ctx, batch);
        if (batch->moved) {
                bell_ring(ctx->cloud->bells, BELL_EVENTS);
                bell_ring(ctx->cloud->bells, BELL_ARCHIVE);
        }
        if (rc == OK)
                *ret_applied = (unsigned)batch->count;
        return rc;
}

enum err webhook_prune(struct ctx *ctx, unsigned limit, unsigned *ret_pruned)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t keep_us = (int64_t)ctx->config->webhook_retention_days * US_PER_DAY, pruned = 0;
        int64_t before_us = clock_wall_us(ctx->clock) -
                            (keep_us > RETENTION_MIN_US ? keep_us : RETENTION_MIN_US);
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_webhooks_prune(ctx, before_us, limit, &pruned);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_pruned = (unsigned)pruned;
        return rc;
}
