#include "core/cloud/remote/remote_leftover.h"

#include <string.h>

#include "core/base/log.h"
#include "core/cloud/remote/remote_multipart.h"
#include "core/db/db.h"

#define UPLOAD_MAX_US (24 * US_PER_HOUR) /* no upload lasts longer */
#define AGAIN_US      US_PER_HOUR
#define BROKEN_US     (15 * 60 * US_PER_S)

static const char logger[] = "simpletuner.cloud.storage";

static enum err put(struct ctx *ctx, const struct leftover *leftover)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_leftover_put(ctx, leftover);
        return rc == OK ? db_commit(&tx) : rc;
}

static void complain(struct ctx *ctx, const char *url)
{
        log_event(ctx, LOG_WARNING, logger, "Something in the S3 store is left to the sweep", "url",
                  url, "reason", ctx->detail);
}

enum err remote_leftover_expect(struct ctx *ctx, const char *url)
{
        const struct leftover leftover = {
                .url = url,
                .due_at_us = clock_wall_us(ctx->clock) + UPLOAD_MAX_US,
        };

        return put(ctx, &leftover);
}

enum err remote_leftover_note(struct ctx *ctx, const char *url, const char *remote_id)
{
        const struct leftover leftover = {
                .url = url,
                .remote_id = remote_id,
                .due_at_us = clock_wall_us(ctx->clock),
        };

        return store_leftover_put(ctx, &leftover);
}

static enum err forget(struct ctx *ctx, const char *url)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_leftover_forget(ctx, url);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err remove_now(struct ctx *ctx, const char *url, const char *remote_id)
{
        enum err rc = OK;

        if (remote_id && *remote_id)
                rc = remote_multipart_abort(ctx, url, remote_id);
        if (rc == OK)
                rc = remote_delete(ctx, url);
        return rc == OK ? forget(ctx, url) : rc;
}

/* Why something ends is the caller's to tell. */
static void quietly(struct ctx *ctx, enum err (*run)(struct ctx *, const char *, const char *),
                    const char *url, const char *remote_id)
{
        char detail[CTX_DETAIL_SIZE];
        const char *code = ctx->code;

        memcpy(detail, ctx->detail, sizeof(detail));
        if (run(ctx, url, remote_id) != OK)
                complain(ctx, url);
        memcpy(ctx->detail, detail, sizeof(detail));
        ctx->code = code;
}

void remote_leftover_remove(struct ctx *ctx, const char *url, const char *remote_id)
{
        quietly(ctx, remove_now, url, remote_id);
}

static enum err delay(struct ctx *ctx, const char *url, const char *remote_id)
{
        const struct leftover leftover = {
                .url = url,
                .remote_id = remote_id,
                .due_at_us = clock_wall_us(ctx->clock) + BROKEN_US,
        };

        return put(ctx, &leftover);
}

void remote_leftover_delay(struct ctx *ctx, const char *url)
{
        quietly(ctx, delay, url, NULL);
}

static enum err forget_only(struct ctx *ctx, const char *url, const char *remote_id)
{
        (void)remote_id;
        return forget(ctx, url);
}

void remote_leftover_forget(struct ctx *ctx, const char *url)
{
        quietly(ctx, forget_only, url, NULL);
}

enum err remote_leftover_sweep(struct ctx *ctx, unsigned limit, unsigned *ret_swept)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct leftover leftover;
        unsigned swept = 0;
        enum err rc = OK;

        for (unsigned tries = 0; rc == OK && tries < limit; tries++) {
                rc = store_leftover_due(ctx, now_us, &leftover);
                if (rc != OK)
                        break;
                if (remove_now(ctx, leftover.url, leftover.remote_id) == OK) {
                        swept++;
                        continue;
                }
                complain(ctx, leftover.url);
                leftover.due_at_us = now_us + AGAIN_US;
                rc = put(ctx, &leftover);
        }
        *ret_swept = swept;
        return rc == ERR_NOT_FOUND ? OK : rc;
}
