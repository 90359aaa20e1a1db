/* Jobs that wait for somebody's word: asking for it, giving it, and what follows for the job, which
 * is JOB_BLOCKED until then. Request, job and audit row change in one transaction. */
#ifndef CORE_CLOUD_APPROVAL_APPROVAL_H
#define CORE_CLOUD_APPROVAL_APPROVAL_H

#include "core/cloud/audit/audit.h"
#include "core/store/store_approvals.h"
#include "core/store/store_jobs.h"

#define APPROVAL_LIFETIME_US    US_PER_DAY
#define APPROVAL_TEXT_MAX_BYTES 2000 /* of notes and reasons */

/* Why a job has to be approved, and by whom. */
struct approval_need {
        const char *reason;    /* NULL: it has not to be */
        int64_t rule_id;       /* 0: a quota wants it */
        const char *rule_name; /* NULL: as above */
        const char *required_level;
};

/* Ask for a job of the one who acts. In the transaction that writes the job: first *ret, whose
 * request_id the job's row names, then its row. Faults. */
NODISCARD enum err approval_ask(struct ctx *ctx, const struct job *job,
                                const struct approval_need *need, struct approval_request *ret);
NODISCARD enum err approval_add(struct ctx *ctx, const struct approval_request *request);

/* Approve: the job is submitted soon. Reject: it has failed, "Rejected: reason". notes may be NULL,
 * reason not. ERR_NOT_FOUND. ERR_DENIED: the level of the one who acts is not enough, or it is his
 * own job; administrators may everything. ERR_CONFLICT: it is decided, or its time is up.
 * ERR_INVALID: the text. *ret: as it is then. */
NODISCARD enum err approval_approve(struct ctx *ctx, int64_t request_id, const char *notes,
                                    struct approval_request *ret);
NODISCARD enum err approval_reject(struct ctx *ctx, int64_t request_id, const char *reason,
                                   struct approval_request *ret);
/* By its owner, or who may approve: the job is cancelled. ERR_NOT_FOUND: also to strangers.
 * ERR_CONFLICT. */
NODISCARD enum err approval_cancel(struct ctx *ctx, int64_t request_id,
                                   struct approval_request *ret);

/* What a rejection needs. ERR_INVALID. */
NODISCARD enum err approval_check_reason(struct ctx *ctx, const char *reason);

/* End the requests whose time is up, and their jobs, "Approval expired": at most limit; *ret_count
 * of them. Each in a transaction of its own. */
NODISCARD enum err approval_expire(struct ctx *ctx, unsigned limit, unsigned *ret_count);

/* A blocked job is being cancelled: end it and its request.
 * *ret_cancelled false: it is not blocked any more, nothing was done. ERR_NOT_FOUND: the job. */
NODISCARD enum err approval_cancel_job(struct ctx *ctx, const char *job_id, bool *ret_cancelled);

/* ERR_NOT_FOUND; of a job, also to those who are neither its owner nor may approve. */
NODISCARD enum err approval_get(struct ctx *ctx, int64_t request_id, struct approval_request *ret);
NODISCARD enum err approval_of_job(struct ctx *ctx, const char *job_id,
                                   struct approval_request *ret);
/* For who may decide in the queue: whoever's it is. ERR_NOT_FOUND. */
NODISCARD enum err approval_by_job(struct ctx *ctx, const char *job_id,
                                   struct approval_request *ret);
NODISCARD enum err approval_list(struct ctx *ctx, const struct approval_filter *filter,
                                 approval_row_fn *row, void *arg);
NODISCARD enum err approval_pending(struct ctx *ctx, int64_t *ret_count);

/* Inside the transaction that deletes a job. */
NODISCARD enum err approval_forget(struct ctx *ctx, const char *job_id);

#endif
