/* Jobs whose data sets are on this machine: the row that says that their data is to be sent first.
 * submission_run.h sends it. */
#ifndef CORE_CLOUD_SUBMISSION_H
#define CORE_CLOUD_SUBMISSION_H

#include "core/cloud/job.h"
#include "core/store/store_submissions.h"

/* *ret_needed: the request has local data sets, and they may be sent. Nothing is stored.
 * ERR_INVALID: a data set that cannot be sent. ERR_DENIED: one that must not be. ERR_CONFLICT:
 * consent is missing. */
NODISCARD enum err submission_check(struct ctx *ctx, const struct provider_session *session,
                                    const struct job_request *request, bool *ret_needed);

/* Inside the transaction that writes the job, which is JOB_UPLOADING. Ring BELL_SUBMISSIONS when it
 * is committed. */
NODISCARD enum err submission_add(struct ctx *ctx, const struct job *job);

/* How far a job's data is. ERR_NOT_FOUND: it has none of ours. */
NODISCARD enum err submission_get(struct ctx *ctx, const char *job_id, struct submission *ret);

/* Cancel a job whose data is still here: the provider has surely not heard of it, and now never
 * will. *ret_cancelled false: it may have, nothing was done. Faults. */
NODISCARD enum err submission_cancel(struct ctx *ctx, const struct job *job, bool *ret_cancelled);

#endif
