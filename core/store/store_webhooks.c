#include "core/store/store_webhooks.h"

#include "core/db/db.h"

enum err store_webhook_insert(struct ctx *ctx, const struct webhook_delivery *delivery)
{
        static const char sql[] =
                "INSERT INTO webhook_deliveries (delivery_id, provider, webhook_id, "
                "received_at_us, client, verdict, headers, outcome, body) "
                "VALUES ($1, $2, $3, $4, '', 'signed', '{}', $5, $6) "
                "ON CONFLICT (provider, webhook_id) DO NOTHING";
        int64_t inserted = 0;
        enum err rc;

        rc = db_run(ctx, &inserted, sql, "tttitt", delivery->delivery_id, delivery->provider,
                    delivery->webhook_id, clock_wall_us(ctx->clock), delivery->outcome,
                    delivery->body);
        if (rc != OK)
                return rc;
        if (inserted == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "this webhook-id was delivered before");
        return OK;
}

enum err store_webhook_settle(struct ctx *ctx, const struct webhook_delivery *delivery)
{
        static const char sql[] =
                "UPDATE webhook_deliveries SET job_id = $2, outcome = $3 WHERE delivery_id = $1";

        return db_run(ctx, NULL, sql, "ttt", delivery->delivery_id, delivery->job_id,
                      delivery->outcome);
}
