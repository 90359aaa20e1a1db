/* What is kept how long, and forgotten afterwards. Each call forgets at most limit things, in short
 * transactions; *ret_count of them. Faults only. */
#ifndef CORE_CLOUD_RETENTION_H
#define CORE_CLOUD_RETENTION_H

#include "core/base/ctx.h"

/* Jobs that ended SIMPLETUNER_JOB_RETENTION_DAYS ago, with their idempotency keys. What they came
 * to and cost stays in the statistics, and their files stay. */
NODISCARD enum err retention_jobs(struct ctx *ctx, unsigned limit, unsigned *ret_count);

/* Idempotency keys that have expired. */
NODISCARD enum err retention_idempotency(struct ctx *ctx, unsigned limit, unsigned *ret_count);

/* Events older than SIMPLETUNER_EVENT_RETENTION_HOURS. */
NODISCARD enum err retention_events(struct ctx *ctx, unsigned limit, unsigned *ret_count);

/* Who submitted when, once no quota looks back so far. */
NODISCARD enum err retention_ledger(struct ctx *ctx, unsigned limit, unsigned *ret_count);

#endif
