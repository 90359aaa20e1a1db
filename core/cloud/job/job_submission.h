/* What a remote job is given: its configuration, its environment and where to call back. Built from
 * the request and the provider's settings before anything is stored. */
#ifndef CORE_CLOUD_JOB_JOB_SUBMISSION_H
#define CORE_CLOUD_JOB_JOB_SUBMISSION_H

#include "core/cloud/job/cost.h"
#include "core/cloud/job/job_request.h"
#include "core/cloud/storage/upload_token.h"

struct job_plan {
        struct job job;                        /* the row to write */
        const char *bucket_directory;          /* NULL: this job may not upload */
        struct upload_token token;             /* set when it may */
        struct provider_submission submission; /* what the provider gets */
        const json_t *config;                  /* of the submission, as a tree */
        struct cost_estimate estimate;
        json_t *warnings; /* an array of texts: what the submitter should know */
};

/* For a resolved request. Everything in the arena, nothing stored. ERR_INVALID: the request.
 * Faults. */
NODISCARD enum err job_plan_make(struct ctx *ctx, const struct provider_session *session,
                                 const struct job_request *request, struct job_plan *ret);

/* The plan of a job whose row is there, for its own request: with an upload token anew, since that
 * of the first plan was not kept. */
NODISCARD enum err job_plan_renew(struct ctx *ctx, const struct provider_session *session,
                                  const struct job_request *request, const struct job *job,
                                  struct job_plan *ret);

#endif
