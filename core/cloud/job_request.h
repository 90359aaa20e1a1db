/* What was submitted, kept with its job: sealed, because configurations hold tokens. It serves to
 * submit a job whose data is sent first, and to submit a job once more. */
#ifndef CORE_CLOUD_JOB_REQUEST_H
#define CORE_CLOUD_JOB_REQUEST_H

#include "core/cloud/job.h"

/* The text for jobs.request of this job, in the arena: the canonical JSON of the request and its
 * provider, sealed for "jobs.request/{job_id}". Faults. */
NODISCARD enum err job_request_seal(struct ctx *ctx, const struct job *job,
                                    const struct job_request *request, const char **ret_sealed);

/* The request of a job, everything in the arena. ERR_NOT_FOUND: none was kept. Faults. */
NODISCARD enum err job_request_open(struct ctx *ctx, const char *job_id, struct job_request *ret);

#endif
