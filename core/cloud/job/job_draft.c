#include "core/cloud/job/job_draft.h"

#include <string.h>

#include "core/cloud/approval/approval_rule.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/event/event.h"
#include "core/db/db.h"
#include "core/store/store_idempotency.h"
#include "core/store/store_objects.h"

#define IDEMPOTENCY_TTL_US US_PER_DAY

enum err job_draft_find_earlier(struct ctx *ctx, const struct job_request *request,
                                struct submit_result *ret)
{
        struct idempotency_key key;
        enum err rc;

        if (!request->idempotency_key)
                return ERR_NOT_FOUND;
        rc = store_idempotency_get(ctx, ctx_actor_name(ctx), request->idempotency_key, &key);
        if (rc != OK)
                return rc;
        ctx_set_job(ctx, key.job_id);
        if (strcmp(key.request_sha256, request->sha256) != 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "idempotency_key: this key was used for another request; take a "
                                "new one");
        rc = store_job_get(ctx, key.job_id, &ret->job);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_CONFLICT, "idempotency_key: the job of this key is gone");
        if (rc == OK && ret->job.status == JOB_BLOCKED)
                rc = store_approval_of_job(ctx, key.job_id, &ret->approval);
        if (rc == OK)
                ret->idempotent_hit = true;
        return rc;
}

enum err job_draft_find_need(struct ctx *ctx, struct job_draft *draft)
{
        const bool bypasses =
                ctx->actor.kind == ACTOR_USER && auth_may(ctx, PERM_JOB_BYPASS_APPROVAL);
        struct approval_need need = { .required_level = APPROVAL_APPROVER_LEVEL };
        struct approval_rule rule;
        const char *reason, *over = bypasses ? NULL : draft->quota.approval;
        enum err rc = approval_rule_match(ctx, &draft->plan.job, &rule, &reason);

        if (rc != OK)
                return rc;
        if (reason) {
                need.rule_id = rule.rule_id;
                need.rule_name = rule.name;
                need.required_level = rule.required_approver_level;
        }
        need.reason = reason ? reason : over;
        if (reason && over) {
                need.reason = arena_printf(ctx->arena, "%s; %s", over, reason);
                if (!need.reason)
                        return ctx_nomem(ctx);
        }
        draft->need = need;
        return OK;
}

static enum err claim_key(struct ctx *ctx, const struct job_draft *draft)
{
        const struct job *job = &draft->plan.job;
        const struct idempotency_key key = {
                .owner = job->owner,
                .key = draft->request->idempotency_key,
                .request_sha256 = draft->request->sha256,
                .job_id = job->job_id,
                .expires_at_us = job->created_at_us + IDEMPOTENCY_TTL_US,
        };

        return key.key ? store_idempotency_claim(ctx, &key) : OK;
}

static enum err audit_submitted(struct ctx *ctx, const struct job_draft *draft)
{
        const struct job *job = &draft->plan.job;
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:f}", "provider", job->provider,
                                    "config_name", job->config_name, "hardware_profile",
                                    job->hardware_profile, "retry_of", job->retry_of,
                                    "approval_reason", draft->need.reason, "estimated_cost_usd",
                                    (double)job->estimated_cost_usd_micros / 1e6);
        const struct audit_entry entry = {
                .event_type = "job.submitted",
                .target_type = "job",
                .target_id = job->job_id,
                .action = "Job submitted",
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* What the rows of a new job call for: its ledger, who has to approve it, who sends its data, and
 * the audit log. */
static enum err insert_followers(struct ctx *ctx, const struct job_draft *draft)
{
        const struct job *job = &draft->plan.job;
        enum err rc = store_ledger_add(ctx, job);

        if (rc == OK && job->status == JOB_BLOCKED)
                rc = approval_add(ctx, &draft->approval);
        if (rc == OK && job->status == JOB_UPLOADING)
                rc = submission_add(ctx, job);
        if (rc == OK)
                rc = audit_submitted(ctx, draft);
        if (rc == OK)
                rc = quota_note_excess(ctx, job->owner, &draft->quota);
        if (rc == OK && job->status == JOB_BLOCKED)
                rc = event_job_status(ctx, job, JOB_BLOCKED, NULL);
        return rc;
}

/* The rows of a new job: itself, its bucket, and who asked for it. A job whose data goes first, or
 * that somebody has to approve, gets bucket and token when that is done. */
static enum err insert_job(struct ctx *ctx, const struct job_draft *draft,
                           const char *sealed_request)
{
        const struct job_plan *plan = &draft->plan;
        const bool at_once = plan->job.status == JOB_PENDING;
        const struct bucket bucket = {
                .bucket = plan->job.job_id,
                .directory = at_once ? plan->bucket_directory : NULL,
                .created_at_us = plan->job.created_at_us,
        };
        const struct job_secrets secrets = {
                .token_sha256 = bucket.directory ? plan->token.sha256 : NULL,
                .token_key_id = bucket.directory ? plan->token.key_id : NULL,
                .request = sealed_request,
        };
        enum err rc;

        rc = store_job_insert(ctx, &plan->job, &secrets);
        if (rc == OK && bucket.directory)
                rc = store_bucket_insert(ctx, &bucket);
        return rc == OK ? insert_followers(ctx, draft) : rc;
}

/* What quotas and rules say of the job. ERR_OVER_QUOTA. Inside the transaction that writes it. */
static enum err judge(struct ctx *ctx, struct job_draft *draft)
{
        struct job *job = &draft->plan.job;
        enum err rc = quota_check(ctx, job, &draft->quota);

        if (rc == OK && draft->quota.refusal)
                rc = quota_refuse(ctx, &draft->quota);
        if (rc == OK)
                rc = job_draft_find_need(ctx, draft);
        if (rc != OK || !draft->need.reason)
                return rc;
        job->status = JOB_BLOCKED;
        rc = approval_ask(ctx, job, &draft->need, &draft->approval);
        job->approval_id = draft->approval.request_id;
        return rc;
}

enum err job_draft_store(struct ctx *ctx, struct job_draft *draft, struct submit_result *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job_plan *plan = &draft->plan;
        struct job_request kept = *draft->request;
        const char *sealed;
        enum err rc;

        kept.hardware_profile = plan->job.hardware_profile;
        rc = job_request_seal(ctx, plan->job.job_id, &kept, &sealed);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = cost_limit_lock(ctx, &draft->session);
        if (rc == OK)
                rc = quota_hold(ctx, plan->job.owner);
        if (rc != OK)
                return rc;
        rc = claim_key(ctx, draft);
        if (rc == ERR_CONFLICT) { /* by a request that came just before this one */
                rc = job_draft_find_earlier(ctx, draft->request, ret);
                return rc == OK ? db_commit(&tx) : rc;
        }
        if (rc == OK)
                rc = cost_limit_check(ctx, &draft->session, plan->estimate.usd_micros,
                                      &ret->cost_limit_warning);
        if (rc == OK)
                rc = judge(ctx, draft);
        if (rc == OK)
                rc = insert_job(ctx, draft, sealed);
        return rc == OK ? db_commit(&tx) : rc;
}

enum err job_draft_note_refusal(struct ctx *ctx, const struct job_draft *draft)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = quota_note_excess(ctx, draft->plan.job.owner, &draft->quota);
        return rc == OK ? db_commit(&tx) : rc;
}
