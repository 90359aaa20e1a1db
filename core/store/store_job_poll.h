/* When jobs are looked at next: which are due, and when they are due again. */
#ifndef CORE_STORE_STORE_JOB_POLL_H
#define CORE_STORE_STORE_JOB_POLL_H

#include "core/store/store_jobs.h"

/* Jobs that are due to be asked about at now_us, the longest due first, at most limit, into the
 * arena. A due time after until_us is one of a clock that was set back: due as well.
 * Jobs whose data is still on its way to the provider are not at the provider: never due. */
struct job_due {
        int64_t now_us, until_us;
        unsigned limit;
};
NODISCARD enum err store_jobs_due(struct ctx *ctx, const struct job_due *due, struct job **ret_jobs,
                                  size_t *ret_count);

/* When the provider is asked about the job next, and how often it could not be reached or did not
 * have it, in a row. forget: never again. Does nothing to a job that is not asked about any more.
 * Inside a transaction. */
struct job_schedule {
        int64_t poll_at_us, failures, missing_count;
        bool forget;
};
NODISCARD enum err store_job_schedule(struct ctx *ctx, const char *job_id,
                                      const struct job_schedule *schedule);

#endif
