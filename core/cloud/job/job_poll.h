/* One poll round: every job that is due is asked about, the longest due first and many at once.
 * Jobs the provider has not named yet are looked for in its list (job_recovery.h). */
#ifndef CORE_CLOUD_JOB_JOB_POLL_H
#define CORE_CLOUD_JOB_JOB_POLL_H

#include "core/cloud/job/poll_finding.h"

/* A walk over the jobs that were due when it began; each is met once. */
struct poll_round {
        int64_t started_at_us;
        bool more; /* there may be jobs it has not met yet */
        struct poll_report report;
        /* private to job_poll.c */
        int64_t after_due_us;
        char after_id[CTX_ID_SIZE];
};

struct poll_round poll_round_begin(const struct ctx *ctx);

/* Deal with the next batch of jobs; whatever it allocates may be released afterwards. A job's
 * trouble is logged and counted and does not stop the round; a provider whose circuit breaker is
 * open is not asked. Faults of the database only. */
NODISCARD enum err job_poll(struct ctx *ctx, struct poll_round *round, unsigned batch);

#endif
