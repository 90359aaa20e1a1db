/* When jobs are looked at next: which are due, and when they are due again. */
#ifndef CORE_STORE_STORE_JOB_POLL_H
#define CORE_STORE_STORE_JOB_POLL_H

#include "core/store/store_jobs.h"

/* Jobs that are due to be asked about at now_us, the longest due first, at most limit, into the
 * arena. A due time after until_us is one of a clock that was set back: due as well.
 * after_due_us and after_id name the last job of the piece before, so that a walk meets every job
 * once; 0 and "" begin it. Jobs whose data is on its way to the provider are not there: never due.
 */
struct job_due {
        int64_t now_us, until_us;
        unsigned limit;
        int64_t after_due_us;
        const char *after_id;
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

/* Hold the row until the transaction ends, if status and external id are still as they were seen:
 * for conclusions from what was not there, which a word of the provider may have overtaken. Inside
 * a transaction. ERR_NOT_FOUND: it has changed. */
NODISCARD enum err store_job_hold(struct ctx *ctx, const struct job *seen);

/* Jobs whose data is on the way and has made no progress since before_us, at most limit, into the
 * arena, but those that the provider may have been asked to start; and whether that is still so of
 * one of them (ERR_NOT_FOUND: it is not). */
NODISCARD enum err store_jobs_stalled(struct ctx *ctx, int64_t before_us, unsigned limit,
                                      struct job **ret_jobs, size_t *ret_count);
NODISCARD enum err store_job_is_stalled(struct ctx *ctx, const char *job_id, int64_t before_us);

#endif
