/* One stored delivery: what it says, and its effect on the job it is about. Applying the same one
 * again changes nothing more. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_APPLY_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_APPLY_H

#include "core/cloud/webhook/webhook_event.h"
#include "core/store/store_webhooks.h"

struct webhook_effect {
        const char *outcome;    /* as in the row: "applied", "unchanged", "ignored" */
        const char *reason;     /* why ignored; NULL otherwise */
        const char *job_id;     /* ours; NULL: it is about no job of ours */
        bool moved;             /* the job changed */
        enum job_status status; /* what it says the job is, when moved */
};

/* Where a delivery's body belongs, for its seal: "webhook_deliveries.body/{delivery_id}". In the
 * arena; NULL: out of memory. */
const char *webhook_body_place(struct ctx *ctx, const char *delivery_id);

/* The body as it was sent, in the arena. ERR_UNAVAILABLE: it does not open. */
NODISCARD enum err webhook_body_open(struct ctx *ctx, const struct webhook_delivery *delivery,
                                     struct secret *ret_body);

/* Open the body and read it; texts live in the arena. What the sender signed was said when it was
 * signed, anything else when it came. ERR_INVALID, ERR_NOT_FOUND: it is no event of a provider we
 * know. ERR_UNAVAILABLE: it does not open. */
NODISCARD enum err webhook_news_read(struct ctx *ctx, const struct webhook_delivery *delivery,
                                     struct webhook_event *ret);

/* Find the job and take the news. Inside a transaction. Faults. */
NODISCARD enum err webhook_news_apply(struct ctx *ctx, const struct webhook_delivery *delivery,
                                      const struct webhook_event *event,
                                      struct webhook_effect *ret);

#endif
