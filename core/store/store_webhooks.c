#include "core/store/store_webhooks.h"

#include "core/base/crypto.h"
#include "core/db/db.h"

/* Without the body, which lists do not read. */
#define COLUMNS                                                                                    \
        "delivery_id, provider, webhook_id, received_at_us, client, verdict, headers, job_hint, "  \
        "outcome, reason, job_id, apply_at_us, attempts, applied_at_us, correlation_id"
#define COLUMN_COUNT 15

/* Sorts after every delivery id: ids are lower-case letters and digits. */
#define AFTER_ALL_IDS "zzzzzzzzzzzzzzzzzzzzzzzzzzz"

enum err store_webhook_insert(struct ctx *ctx, const struct webhook_delivery *delivery)
{
        static const char sql[] =
                "INSERT INTO webhook_deliveries (delivery_id, provider, webhook_id, "
                "received_at_us, client, verdict, headers, job_hint, body, outcome, reason, "
                "apply_at_us, correlation_id) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
                "ON CONFLICT (provider, webhook_id) DO NOTHING";
        int64_t inserted = 0;
        enum err rc;

        rc = db_run(ctx, &inserted, sql, "tttitttttttzt", delivery->delivery_id, delivery->provider,
                    delivery->webhook_id, delivery->received_at_us, delivery->client,
                    delivery->verdict, delivery->headers, delivery->job_hint, delivery->body,
                    delivery->outcome, delivery->reason, delivery->apply_at_us,
                    delivery->correlation_id);
        if (rc != OK)
                return rc;
        if (inserted == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "this webhook-id was delivered before");
        return OK;
}

/* The current row of a statement over COLUMNS; texts are the statement's. */
static struct webhook_delivery borrow(struct db_stmt *stmt)
{
        return (struct webhook_delivery){
                .delivery_id = db_text(stmt, 0),
                .provider = db_text(stmt, 1),
                .webhook_id = db_text(stmt, 2),
                .received_at_us = db_int(stmt, 3),
                .client = db_text(stmt, 4),
                .verdict = db_text(stmt, 5),
                .headers = db_text(stmt, 6),
                .job_hint = db_text(stmt, 7),
                .outcome = db_text(stmt, 8),
                .reason = db_text(stmt, 9),
                .job_id = db_text(stmt, 10),
                .apply_at_us = db_int(stmt, 11),
                .attempts = db_int(stmt, 12),
                .applied_at_us = db_int(stmt, 13),
                .correlation_id = db_text(stmt, 14),
        };
}

/* A copy in the arena, which outlives the statement. */
static enum err own(struct ctx *ctx, struct webhook_delivery row, struct webhook_delivery *ret)
{
        const char **const texts[] = {
                &row.delivery_id, &row.provider, &row.webhook_id, &row.client,
                &row.verdict,     &row.headers,  &row.job_hint,   &row.body,
                &row.outcome,     &row.reason,   &row.job_id,     &row.correlation_id,
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                enum err rc = ctx_strdup(ctx, *texts[i], texts[i]);

                if (rc != OK)
                        return rc;
        }
        *ret = row;
        return OK;
}

enum err store_webhook_get(struct ctx *ctx, const char *delivery_id, struct webhook_delivery *ret)
{
        static const char sql[] =
                "SELECT " COLUMNS ", body FROM webhook_deliveries WHERE delivery_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct webhook_delivery row;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", delivery_id);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Delivery not found");
        if (rc != OK)
                return rc;
        row = borrow(stmt);
        row.body = db_text(stmt, COLUMN_COUNT);
        return own(ctx, row, ret);
}

enum err store_webhooks_due(struct ctx *ctx, const struct due *due, unsigned limit,
                            const char ***ret_ids, size_t *ret_count)
{
        static const char sql[] =
                "SELECT delivery_id FROM webhook_deliveries WHERE apply_at_us IS NOT NULL "
                "AND " DUE_SQL("apply_at_us") " ORDER BY delivery_id LIMIT $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char **ids = arena_alloc(ctx->arena, (limit + 1) * sizeof(*ids));
        size_t count = 0;
        enum err rc;

        if (!ids)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "iii", due->now_us, due->horizon_us, (int64_t)limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK && count < limit) {
                rc = db_text_dup(ctx, stmt, 0, &ids[count++]);
                if (rc != OK)
                        return rc;
        }
        if (rc != ERR_NOT_FOUND)
                return rc;
        *ret_ids = ids;
        *ret_count = count;
        return OK;
}

enum err store_webhook_waits(struct ctx *ctx, const char *delivery_id, bool *ret)
{
        static const char sql[] = "SELECT 1 FROM webhook_deliveries WHERE delivery_id = $1 "
                                  "AND apply_at_us IS NOT NULL";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", delivery_id);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = rc == OK;
        return OK;
}

enum err store_webhook_settle(struct ctx *ctx, const struct webhook_delivery *delivery)
{
        static const char sql[] =
                "UPDATE webhook_deliveries SET outcome = $2, reason = $3, "
                "job_id = COALESCE($4, job_id), apply_at_us = $5, attempts = attempts + 1, "
                "applied_at_us = $6 WHERE delivery_id = $1";

        return db_run(ctx, NULL, sql, "ttttzi", delivery->delivery_id, delivery->outcome,
                      delivery->reason, delivery->job_id, delivery->apply_at_us,
                      clock_wall_us(ctx->clock));
}

/* A job's deliveries are found by its index, all others in order of arrival. */
#define LIST(conditions)                                                                           \
        "SELECT " COLUMNS " FROM webhook_deliveries WHERE delivery_id < $1 "                       \
        "AND COALESCE($2, provider) = provider AND COALESCE($3, outcome) = outcome" conditions     \
        " ORDER BY delivery_id DESC LIMIT $4"

enum err store_webhooks_each(struct ctx *ctx, const struct webhook_filter *filter,
                             webhook_row_fn *row, void *arg)
{
        static const char any_job[] = LIST(""), one_job[] = LIST(" AND job_id = $5");
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *before = filter->before_id ? filter->before_id : AFTER_ALL_IDS;
        enum err rc;

        rc = db_query(ctx, &stmt, filter->job_id ? one_job : any_job,
                      filter->job_id ? "tttit" : "ttti", before, filter->provider, filter->outcome,
                      (int64_t)filter->limit, filter->job_id);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct webhook_delivery delivery = borrow(stmt);

                row(arg, &delivery);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_webhooks_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                              int64_t *ret_pruned)
{
        static const char sql[] =
                "DELETE FROM webhook_deliveries WHERE delivery_id IN (SELECT delivery_id "
                "FROM webhook_deliveries WHERE delivery_id < $1 AND apply_at_us IS NULL "
                "ORDER BY delivery_id LIMIT $2)";
        char first[ULID_SIZE];

        crypto_ulid_first(before_us, first);
        return db_run(ctx, ret_pruned, sql, "ti", first, (int64_t)limit);
}
