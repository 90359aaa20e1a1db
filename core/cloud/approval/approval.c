#include "core/cloud/approval/approval.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/base/utf8.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/event/event.h"
#include "core/cloud/job/job_news.h"
#include "core/db/db.h"
#include "core/store/store_approval_rules.h"
#include "core/store/store_job_poll.h"

/* ---- asking ---- */

enum err approval_ask(struct ctx *ctx, const struct job *job, const struct approval_need *need,
                      struct approval_request *ret)
{
        struct approval_request request = {
                .job_id = job->job_id,
                .owner = job->owner,
                .user_id = ctx->actor.user_id,
                .rule_id = need->rule_id,
                .rule_name = need->rule_name,
                .required_approver_level = need->required_level,
                .status = APPROVAL_PENDING,
                .reason = need->reason,
                .provider = job->provider,
                .config_name = job->config_name,
                .hardware_type = job->hardware_type,
                .estimated_cost_usd_micros = job->estimated_cost_usd_micros,
                .created_at_us = job->created_at_us,
                .expires_at_us = job->created_at_us + APPROVAL_LIFETIME_US,
        };
        enum err rc = store_approval_next(ctx, &request.request_id);

        if (rc == OK)
                *ret = request;
        return rc;
}

enum err approval_add(struct ctx *ctx, const struct approval_request *request)
{
        return store_approval_insert(ctx, request);
}

/* ---- who may decide ---- */

static bool is_administrator(const struct ctx *ctx)
{
        return auth_rights(ctx) == PERMISSION_SET_ALL;
}

static enum err check_approver(struct ctx *ctx, const struct approval_request *request)
{
        int64_t required = INT64_MAX; /* a level that is gone is nobody's */
        struct user_levels levels;
        enum err rc;

        if (is_administrator(ctx))
                return OK;
        if (strcmp(request->owner, ctx_actor_name(ctx)) == 0)
                return ctx_fail(ctx, ERR_DENIED,
                                "Insufficient privileges to approve this request: it is your own");
        rc = store_level_priority(ctx, request->required_approver_level, &required);
        if (rc == OK || rc == ERR_NOT_FOUND)
                rc = store_user_levels(ctx, ctx->actor.user_id, &levels);
        if (rc == OK && levels.priority < required)
                return ctx_fail(ctx, ERR_DENIED,
                                "Insufficient privileges to approve this request: it takes the "
                                "level %s",
                                request->required_approver_level);
        return rc;
}

static enum err check_text(struct ctx *ctx, const char *name, const char *text)
{
        if (text && (strlen(text) > APPROVAL_TEXT_MAX_BYTES || !utf8_is_valid(text)))
                return ctx_fail(ctx, ERR_INVALID, "%s must be text of at most %d bytes", name,
                                APPROVAL_TEXT_MAX_BYTES);
        return OK;
}

/* ---- what follows ---- */

/* One decision on its way: all of it happens, or nothing. */
struct decision {
        struct approval_move move;
        const char *event_type, *action; /* of the audit log */
        enum job_status status;          /* JOB_UPLOADING: the job is submitted */
        const char *error;               /* of the job, NULL: none */
};

static enum err describe(struct ctx *ctx, const struct approval_request *request,
                         const struct decision *decision, struct audit_entry *ret)
{
        json_t *details = json_pack(
                "{s:I, s:s, s:s, s:s, s:s*, s:s*}", "request_id", (json_int_t)request->request_id,
                "owner", request->owner, "provider", request->provider, "reason", request->reason,
                "config_name", request->config_name, "notes", decision->move.notes);

        if (!details)
                return ctx_nomem(ctx);
        *ret = (struct audit_entry){
                .event_type = decision->event_type,
                .target_type = "job",
                .target_id = request->job_id,
                .action = decision->action,
                .details = details,
        };
        return json_keep(ctx, details);
}

/* It goes to whoever runs submissions, as those with local data do. */
static enum err release(struct ctx *ctx, const struct job *job, const struct audit_entry *entry)
{
        bool released = false;
        enum err rc = store_job_release(ctx, job, &released);

        if (rc == OK && !released)
                return ctx_fail(ctx, ERR_CONFLICT, "Job %s does not wait for approval",
                                job->job_id);
        if (rc == OK)
                rc = submission_add(ctx, job);
        if (rc == OK)
                rc = audit_add(ctx, entry);
        return rc == OK ? event_job_status(ctx, job, JOB_UPLOADING, NULL) : rc;
}

/* No provider has ever heard of it, so nobody has to look for it there. */
static enum err end_job(struct ctx *ctx, const struct job *job, const struct decision *decision,
                        const struct audit_entry *entry)
{
        static const struct job_schedule never = { .forget = true };
        const struct provider_job news = { .status_known = true,
                                           .status = decision->status,
                                           .run_seconds = -1,
                                           .error = decision->error };
        bool moved;
        enum err rc = job_take_news_audited(ctx, job, &news, entry, &moved);

        return rc == OK ? store_job_schedule(ctx, job->job_id, &never) : rc;
}

/* Inside a transaction, the job is locked. */
static enum err settle(struct ctx *ctx, const struct job *job,
                       const struct approval_request *request, const struct decision *decision)
{
        struct audit_entry entry;
        bool moved = false;
        enum err rc = store_approval_move(ctx, request->request_id, &decision->move, &moved);

        if (rc == OK && !moved)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Request already processed, or its time is up: %lld",
                                (long long)request->request_id);
        if (rc == OK)
                rc = describe(ctx, request, decision, &entry);
        if (rc != OK)
                return rc;
        return decision->status == JOB_UPLOADING ? release(ctx, job, &entry)
                                                 : end_job(ctx, job, decision, &entry);
}

static enum err decide(struct ctx *ctx, const struct approval_request *request,
                       const struct decision *decision, struct approval_request *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job;
        enum err rc;

        ctx_set_job(ctx, request->job_id);
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_lock(ctx, request->job_id, &job);
        if (rc == OK)
                rc = settle(ctx, &job, request, decision);
        if (rc == OK)
                rc = store_approval_get(ctx, request->request_id, ret);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        FAULT_POINT("approval.decided");
        if (decision->status == JOB_UPLOADING)
                bell_ring(ctx->cloud->bells, BELL_SUBMISSIONS);
        return OK;
}

enum err approval_approve(struct ctx *ctx, int64_t request_id, const char *notes,
                          struct approval_request *ret)
{
        const struct decision decision = {
                .move = { APPROVAL_APPROVED, ctx_actor_name(ctx), notes },
                .event_type = "job.approved",
                .action = "Job approved",
                .status = JOB_UPLOADING,
        };
        struct approval_request request;
        enum err rc = check_text(ctx, "notes", notes);

        if (rc == OK)
                rc = store_approval_get(ctx, request_id, &request);
        if (rc == OK)
                rc = check_approver(ctx, &request);
        return rc == OK ? decide(ctx, &request, &decision, ret) : rc;
}

enum err approval_check_reason(struct ctx *ctx, const char *reason)
{
        if (!reason || !reason[strspn(reason, " \t\r\n")])
                return ctx_fail(ctx, ERR_INVALID, "Rejection reason is required");
        return check_text(ctx, "reason", reason);
}

enum err approval_reject(struct ctx *ctx, int64_t request_id, const char *reason,
                         struct approval_request *ret)
{
        struct decision decision = {
                .move = { APPROVAL_REJECTED, ctx_actor_name(ctx), reason },
                .event_type = "job.rejected",
                .action = "Job rejected",
                .status = JOB_FAILED,
        };
        struct approval_request request;
        enum err rc;

        rc = approval_check_reason(ctx, reason);
        if (rc == OK)
                rc = store_approval_get(ctx, request_id, &request);
        if (rc == OK)
                rc = check_approver(ctx, &request);
        if (rc != OK)
                return rc;
        decision.error = arena_printf(ctx->arena, "Rejected: %s", reason);
        return decision.error ? decide(ctx, &request, &decision, ret) : ctx_nomem(ctx);
}

/* ---- taking it back ---- */

static bool is_known_to(const struct ctx *ctx, const struct approval_request *request)
{
        return auth_may(ctx, PERM_ADMIN_APPROVE) ||
               strcmp(request->owner, ctx_actor_name(ctx)) == 0;
}

static struct decision cancellation(const struct ctx *ctx)
{
        return (struct decision){
                .move = { APPROVAL_CANCELLED, ctx_actor_name(ctx), NULL },
                .event_type = "job.cancelled",
                .action = "Job cancelled",
                .status = JOB_CANCELLED,
                .error = "Cancelled before it was approved",
        };
}

enum err approval_cancel(struct ctx *ctx, int64_t request_id, struct approval_request *ret)
{
        const struct decision decision = cancellation(ctx);
        struct approval_request request;
        enum err rc = store_approval_get(ctx, request_id, &request);

        if (rc == OK && !is_known_to(ctx, &request))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Request not found: %lld",
                                (long long)request_id);
        return rc == OK ? decide(ctx, &request, &decision, ret) : rc;
}

enum err approval_cancel_job(struct ctx *ctx, const char *job_id, bool *ret_cancelled)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct decision decision = cancellation(ctx);
        struct approval_request request;
        struct job job;
        enum err rc;

        *ret_cancelled = false;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_lock(ctx, job_id, &job);
        if (rc != OK || job.status != JOB_BLOCKED)
                return rc;
        rc = store_approval_of_job(ctx, job_id, &request);
        if (rc == OK)
                rc = settle(ctx, &job, &request, &decision);
        if (rc == OK)
                rc = db_commit(&tx);
        *ret_cancelled = rc == OK;
        return rc;
}

enum err approval_expire(struct ctx *ctx, unsigned limit, unsigned *ret_count)
{
        static const struct decision decision = {
                .move = { APPROVAL_EXPIRED, NULL, NULL },
                .event_type = "job.approval_expired",
                .action = "Nobody approved the job in time",
                .status = JOB_FAILED,
                .error = "Approval expired",
        };
        unsigned expired = 0;
        int64_t *ids;
        size_t count = 0;
        enum err rc = store_approvals_due(ctx, limit, &ids, &count);

        for (size_t i = 0; rc == OK && i < count; i++) {
                struct approval_request request;

                rc = store_approval_get(ctx, ids[i], &request);
                if (rc == OK)
                        rc = decide(ctx, &request, &decision, &request);
                expired += rc == OK;
                if (rc == ERR_CONFLICT || rc == ERR_NOT_FOUND)
                        rc = OK; /* somebody was faster */
        }
        ctx_set_job(ctx, NULL);
        if (rc == OK)
                *ret_count = expired;
        return rc;
}

/* ---- looking ---- */

enum err approval_get(struct ctx *ctx, int64_t request_id, struct approval_request *ret)
{
        return store_approval_get(ctx, request_id, ret);
}

enum err approval_of_job(struct ctx *ctx, const char *job_id, struct approval_request *ret)
{
        struct approval_request request;
        enum err rc = store_approval_of_job(ctx, job_id, &request);

        if (rc == OK && !is_known_to(ctx, &request))
                return ctx_fail(ctx, ERR_NOT_FOUND, "No approval request for job: %.64s", job_id);
        if (rc == OK)
                *ret = request;
        return rc;
}

enum err approval_by_job(struct ctx *ctx, const char *job_id, struct approval_request *ret)
{
        return store_approval_of_job(ctx, job_id, ret);
}

enum err approval_list(struct ctx *ctx, const struct approval_filter *filter, approval_row_fn *row,
                       void *arg)
{
        return store_approvals_each(ctx, filter, row, arg);
}

enum err approval_pending(struct ctx *ctx, int64_t *ret_count)
{
        return store_approvals_pending(ctx, ret_count);
}

enum err approval_forget(struct ctx *ctx, const char *job_id)
{
        return store_approval_delete(ctx, job_id);
}
