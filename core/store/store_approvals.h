/* Requests to approve a job, a row each; it outlives the rule that made it, not the job. */
#ifndef CORE_STORE_STORE_APPROVALS_H
#define CORE_STORE_STORE_APPROVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

enum approval_status {
        APPROVAL_PENDING,
        APPROVAL_APPROVED, /* this one and those after it are final */
        APPROVAL_REJECTED,
        APPROVAL_EXPIRED,
        APPROVAL_CANCELLED,
        APPROVAL_STATUS_COUNT
};
const char *approval_status_name(enum approval_status status);
bool approval_status_parse(const char *name, enum approval_status *ret);

struct approval_request {
        int64_t request_id;
        const char *job_id, *owner;
        int64_t user_id;       /* 0: it was made before there were accounts */
        int64_t rule_id;       /* 0: a quota made it */
        const char *rule_name; /* NULL: as above */
        const char *required_approver_level;
        enum approval_status status;
        const char *reason, *provider;
        const char *config_name, *hardware_type; /* NULL: not set */
        int64_t estimated_cost_usd_micros;
        const char *reviewed_by, *review_notes; /* NULL: none */
        int64_t reviewed_at_us;                 /* 0: not yet */
        int64_t created_at_us, expires_at_us;
};

/* The number of the next one; write it, pending. Inside a transaction. */
NODISCARD enum err store_approval_next(struct ctx *ctx, int64_t *ret_id);
NODISCARD enum err store_approval_insert(struct ctx *ctx, const struct approval_request *request);

/* ERR_NOT_FOUND. Everything in the arena. */
NODISCARD enum err store_approval_get(struct ctx *ctx, int64_t request_id,
                                      struct approval_request *ret);
NODISCARD enum err store_approval_of_job(struct ctx *ctx, const char *job_id,
                                         struct approval_request *ret);

/* Move one that is pending to a final status. *ret_moved false: it is not pending; or, to approve
 * or reject it, its time is up; or, to expire it, is not. Inside a transaction, its job is locked.
 */
struct approval_move {
        enum approval_status status;
        const char *by, *notes; /* NULL: nobody, none */
};
NODISCARD enum err store_approval_move(struct ctx *ctx, int64_t request_id,
                                       const struct approval_move *move, bool *ret_moved);

/* Newest first; texts live until row returns. NULL: any. */
struct approval_filter {
        const char *status, *owner;
        unsigned limit, offset;
};
typedef void approval_row_fn(void *arg, const struct approval_request *request);
NODISCARD enum err store_approvals_each(struct ctx *ctx, const struct approval_filter *filter,
                                        approval_row_fn *row, void *arg);
NODISCARD enum err store_approvals_pending(struct ctx *ctx, int64_t *ret_count);

/* Pending ones whose time is up, the longest ago first, at most limit, in the arena. */
NODISCARD enum err store_approvals_due(struct ctx *ctx, unsigned limit, int64_t **ret_ids,
                                       size_t *ret_count);

/* Forget the request of a job, if there is one. Inside a transaction, after its job is deleted. */
NODISCARD enum err store_approval_delete(struct ctx *ctx, const char *job_id);

#endif
