/* A submission before its job is there: what is asked for, what quotas and rules say of it, and the
 * one transaction that writes all its rows. */
#ifndef CORE_CLOUD_JOB_JOB_DRAFT_H
#define CORE_CLOUD_JOB_JOB_DRAFT_H

#include "core/cloud/job/job_submit.h"
#include "core/cloud/limits/quota_check.h"

struct job_draft {
        const struct job_request *request; /* resolved */
        struct provider_session session;
        struct job_plan plan;
        struct quota_verdict quota;
        struct approval_need need;
        struct approval_request approval; /* with a need */
};

/* The job that the idempotency key of a request stands for. ERR_NOT_FOUND: none, or there is no
 * key. ERR_CONFLICT: one that was asked for in other words. */
NODISCARD enum err job_draft_find_earlier(struct ctx *ctx, const struct job_request *request,
                                          struct submit_result *ret);

/* Whether somebody has to approve the job, because of a quota or of a rule: draft->need, from
 * draft->quota. Faults. */
NODISCARD enum err job_draft_find_need(struct ctx *ctx, struct job_draft *draft);

/* The rows before the call: a crash after this loses nothing, and finds the job again. What decides
 * whether there may be a job is decided here too, where requests made at once see each other.
 * ret->idempotent_hit: a request just before this one made it, and nothing is written.
 * ERR_CONFLICT as above. ERR_OVER_LIMIT: the cost limit. ERR_OVER_QUOTA. Faults. */
NODISCARD enum err job_draft_store(struct ctx *ctx, struct job_draft *draft,
                                   struct submit_result *ret);

/* Write down that a quota refused it, which the transaction that would have written the job does
 * not say. Faults. */
NODISCARD enum err job_draft_note_refusal(struct ctx *ctx, const struct job_draft *draft);

#endif
