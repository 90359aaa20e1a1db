/* Jobs whose data sets are on this machine: the row that says that their data is to be sent first.
 * submission_run.h sends it. */
#ifndef CORE_CLOUD_DATA_SUBMISSION_H
#define CORE_CLOUD_DATA_SUBMISSION_H

#include "core/cloud/job/job_request.h"
#include "core/cloud/provider/provider.h"
#include "core/store/store_submissions.h"

/* *ret_needed: the request has local data sets, and they may be sent. Nothing is stored; a dry run
 * needs no consent. ERR_INVALID: a data set that cannot be sent. ERR_DENIED: one that must not be.
 * ERR_CONFLICT: consent is missing. */
NODISCARD enum err submission_check(struct ctx *ctx, const struct provider_session *session,
                                    const struct job_request *request, bool *ret_needed);

/* Inside the transaction that writes the job, which is JOB_UPLOADING. Ring BELL_SUBMISSIONS when it
 * is committed. */
NODISCARD enum err submission_add(struct ctx *ctx, const struct job *job);

/* How far a job's data is. ERR_NOT_FOUND: it has none of ours. */
NODISCARD enum err submission_get(struct ctx *ctx, const char *job_id, struct submission *ret);

/* Inside the transaction that deletes a locked job. ERR_CONFLICT: the provider may have been asked
 * to start it, which only this row tells. */
NODISCARD enum err submission_forget(struct ctx *ctx, const char *job_id);

#endif
