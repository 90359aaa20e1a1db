/* Storing deliveries that arrive at once in one transaction: whoever comes first leads, takes what
 * the others bring meanwhile along, and all of them return when that is durable. One thread at the
 * database instead of many that take turns. Thread safe. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_INTAKE_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_INTAKE_H

#include "core/store/store_webhooks.h"

struct webhook_intake;

NODISCARD struct webhook_intake *webhook_intake_new(void); /* NULL: out of memory */
void webhook_intake_free(struct webhook_intake *intake);

/* OK: it is stored, durably. ERR_CONFLICT: its webhook-id was stored before. Faults: it is not. */
NODISCARD enum err webhook_intake_store(struct ctx *ctx, const struct webhook_delivery *delivery);

/* Return when no delivery arrives, at the latest after timeout_ms: work that may wait goes after
 * senders that must not. */
void webhook_intake_yield(struct webhook_intake *intake, unsigned timeout_ms);

#endif
