/* Accepted webhook deliveries as rows, each webhook-id once per provider. */
#ifndef CORE_STORE_STORE_WEBHOOKS_H
#define CORE_STORE_STORE_WEBHOOKS_H

#include "core/base/ctx.h"

struct webhook_delivery {
        const char *delivery_id; /* ours, a ULID */
        const char *provider;
        const char *webhook_id; /* the sender's, the same for every retry */
        const char *job_id;     /* NULL: no job of ours */
        const char *outcome;    /* "applied", "unchanged", "ignored" */
        const char *body;       /* JSON without secrets */
};

/* Claim a webhook-id: the row that makes its retries duplicates. ERR_CONFLICT: it was delivered
 * before. Inside the transaction that applies the delivery. */
NODISCARD enum err store_webhook_insert(struct ctx *ctx, const struct webhook_delivery *delivery);

/* Record what became of it. Inside the same transaction. */
NODISCARD enum err store_webhook_settle(struct ctx *ctx, const struct webhook_delivery *delivery);

#endif
