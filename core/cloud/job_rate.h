/* How many requests a job's token may make: SIMPLETUNER_JOB_REQUESTS_PER_MINUTE, counted in a
 * window that slides, by each process for itself. A trainer that has lost its way must not keep the
 * others from the storage. */
#ifndef CORE_CLOUD_JOB_RATE_H
#define CORE_CLOUD_JOB_RATE_H

#include "core/base/ctx.h"

struct job_rates;

NODISCARD struct job_rates *job_rates_new(void); /* NULL: out of memory */
void job_rates_free(struct job_rates *rates);

/* Count a request of the job that ctx acts for; other actors pass. Thread safe. ERR_LIMITED:
 * SlowDown, with ctx->retry_after_s; such a request is not counted. */
NODISCARD enum err job_rate_check(struct ctx *ctx);

#endif
