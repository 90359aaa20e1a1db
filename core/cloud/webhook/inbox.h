/* The inbox: webhook deliveries that were stored and acknowledged, applied after that in order of
 * arrival by whoever looks first, a background thread of a responder or the companion. */
#ifndef CORE_CLOUD_WEBHOOK_INBOX_H
#define CORE_CLOUD_WEBHOOK_INBOX_H

#include "core/base/ctx.h"

/* Apply the deliveries that are due, at most limit of them. One that fails is set aside for a
 * while (1 s, doubling, at most 5 min; given up after 10 attempts) and holds up no other.
 * *ret_applied: how many were dealt with, set aside ones too; 0: nothing is due. Faults: those not
 * dealt with stay due. */
NODISCARD enum err webhook_apply_due(struct ctx *ctx, unsigned limit, unsigned *ret_applied);

/* Forget settled deliveries that are older than SIMPLETUNER_WEBHOOK_RETENTION_DAYS, at most limit
 * of them. Faults. */
NODISCARD enum err webhook_prune(struct ctx *ctx, unsigned limit, unsigned *ret_pruned);

#endif
