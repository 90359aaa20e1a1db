/* Submitting jobs. The row is written before the provider is called, so nothing is lost; a
 * submission whose outcome is unknown is never repeated but looked for, so nothing is paid twice.
 */
#ifndef CORE_CLOUD_JOB_JOB_SUBMIT_H
#define CORE_CLOUD_JOB_JOB_SUBMIT_H

#include "core/cloud/approval/approval.h"
#include "core/cloud/job/job_submission.h"

struct submit_result {
        struct job job;                 /* as it is stored now */
        bool idempotent_hit;            /* an earlier request under the same key made it */
        const char *cost_limit_warning; /* NULL: none */
        const json_t *warnings;         /* an array of texts; NULL on a hit, they were said then */
        const json_t *quota_warnings;   /* the same */
        struct approval_request approval; /* of a job that is JOB_BLOCKED */
};

/* Submit to the provider that the request names. A job that is JOB_UPLOADING afterwards has local
 * data sets: they are sent first, and the provider is called later (submission_run.h). One that is
 * JOB_BLOCKED waits for approval: nobody has been called.
 * ERR_INVALID: the request. ERR_DENIED: its data must not be sent. ERR_CONFLICT: the provider has
 * no token, the idempotency key stands for another request, or consent to send data is missing.
 * ERR_OVER_LIMIT: the cost limit. ERR_OVER_QUOTA: a quota of who submits it, see quota_refuse.
 * ERR_PROVIDER: refused, the job is failed. ERR_OUTCOME_UNKNOWN: the job stays pending until the
 * companion finds out. ctx->job_id names the job once its row is written, also when this fails. */
NODISCARD enum err job_submit(struct ctx *ctx, const struct job_request *request,
                              struct submit_result *ret);

/* The second half of it: from the stored row to the job at the provider, with what came of it
 * written down. When it was cancelled meanwhile it is cancelled there too. ERR_PROVIDER,
 * ERR_OUTCOME_UNKNOWN as above. */
NODISCARD enum err job_start(struct ctx *ctx, const struct provider_session *session,
                             const struct job_plan *plan, struct job *ret_job);

/* Submit once more what an ended job was, as a new job: with its configuration, data and hardware,
 * whatever the settings are now. idempotency_key: NULL for none. ERR_NOT_FOUND. ERR_CONFLICT: it is
 * active, or what it was asked to do is not known. Otherwise as job_submit. */
NODISCARD enum err job_retry(struct ctx *ctx, const char *job_id, const char *idempotency_key,
                             struct submit_result *ret);

/* What job_submit would send; nothing is stored, nobody is called. */
struct dry_run {
        struct job_plan plan; /* with its secrets */
        /* To be shown, without secrets; the last two may be NULL. */
        const json_t *env, *config, *dataloader, *lycoris;
        const char *cost_limit_warning; /* NULL: none */
        const json_t *quota_warnings;   /* an array of texts */
        const char *quota_refusal;      /* why a quota would refuse it; NULL: none would */
        const char *approval_reason;    /* why it would wait for approval; NULL: it would not */
};
/* ERR_INVALID: the request. Faults. */
NODISCARD enum err job_dry_run(struct ctx *ctx, const struct job_request *request,
                               struct dry_run *ret);

#endif
