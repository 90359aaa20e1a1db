/* Accepted webhook deliveries as rows: stored first and applied after, each webhook-id once per
 * provider. A row that waits to be applied says when; one that is settled says what came of it. */
#ifndef CORE_STORE_STORE_WEBHOOKS_H
#define CORE_STORE_STORE_WEBHOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"
#include "core/store/due.h"

struct webhook_delivery {
        const char *delivery_id; /* ours, a ULID: sorts by arrival */
        const char *provider;
        const char *webhook_id; /* the sender's, the same for every retry */
        int64_t received_at_us;
        const char *client;         /* the address it came from */
        const char *verdict;        /* "signed", "unsigned" */
        const char *headers;        /* a JSON object as text */
        const char *job_hint;       /* job_id of our own webhook URL; NULL: not there */
        const char *body;           /* sealed; NULL in lists */
        const char *outcome;        /* "received", "applied", "unchanged", "ignored", "failed" */
        const char *reason;         /* why it was ignored or failed, or failed last; NULL: none */
        const char *job_id;         /* ours; NULL: not known (yet) */
        int64_t apply_at_us;        /* when to try (again); 0: it is settled */
        int64_t attempts;           /* to apply it */
        int64_t applied_at_us;      /* of the last attempt; 0: none */
        const char *correlation_id; /* of the request that brought it; NULL: not known */
};

/* Store a delivery and so claim its webhook-id: the row makes its retries duplicates.
 * ERR_CONFLICT: it was delivered before. Inside a transaction. */
NODISCARD enum err store_webhook_insert(struct ctx *ctx, const struct webhook_delivery *delivery);

/* One delivery, its body too, in the arena. ERR_NOT_FOUND. */
NODISCARD enum err store_webhook_get(struct ctx *ctx, const char *delivery_id,
                                     struct webhook_delivery *ret);

/* The ids of those that are due, in order of arrival, at most limit; in the arena. */
NODISCARD enum err store_webhooks_due(struct ctx *ctx, const struct due *due, unsigned limit,
                                      const char ***ret_ids, size_t *ret_count);
/* Does it still wait? Inside the transaction that applies it. */
NODISCARD enum err store_webhook_waits(struct ctx *ctx, const char *delivery_id, bool *ret);

/* Record an attempt to apply it: outcome, reason, job_id, apply_at_us. Inside the transaction of
 * its effect. */
NODISCARD enum err store_webhook_settle(struct ctx *ctx, const struct webhook_delivery *delivery);

/* Call row for each match, newest first, without bodies; texts live until it returns. */
struct webhook_filter {
        const char *provider, *job_id, *outcome; /* NULL: any */
        const char *before_id;                   /* NULL: from the newest */
        unsigned limit;
};
typedef void webhook_row_fn(void *arg, const struct webhook_delivery *delivery);
NODISCARD enum err store_webhooks_each(struct ctx *ctx, const struct webhook_filter *filter,
                                       webhook_row_fn *row, void *arg);

/* Forget settled deliveries of before at_us, oldest first, at most limit. Inside a transaction. */
NODISCARD enum err store_webhooks_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                        int64_t *ret_pruned);

#endif
