#include "core/cloud/job_submit.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/base/json_secrets.h"
#include "core/base/log.h"
#include "core/cloud/approval_rule.h"
#include "core/cloud/audit.h"
#include "core/cloud/auth.h"
#include "core/cloud/bell.h"
#include "core/cloud/breaker.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event.h"
#include "core/cloud/job.h"
#include "core/cloud/quota_check.h"
#include "core/cloud/resource_rule.h"
#include "core/cloud/submission.h"
#include "core/db/db.h"
#include "core/store/store_idempotency.h"
#include "core/store/store_objects.h"

static const char logger[] = "simpletuner.cloud.jobs";

#define IDEMPOTENCY_TTL_US US_PER_DAY

/* One submission on its way. */
struct draft {
        const struct job_request *request; /* resolved */
        struct provider_session session;
        struct job_plan plan;
        struct quota_verdict quota;
        struct approval_need need;
        struct approval_request approval; /* with a need */
};

/* The job that the key of a request stands for. ERR_NOT_FOUND: none, or there is no key.
 * ERR_CONFLICT: one that was asked for in other words. */
static enum err find_earlier(struct ctx *ctx, const struct job_request *request,
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

static enum err claim_key(struct ctx *ctx, const struct draft *draft)
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

static enum err audit_submitted(struct ctx *ctx, const struct draft *draft)
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
static enum err insert_followers(struct ctx *ctx, const struct draft *draft)
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
static enum err insert_job(struct ctx *ctx, const struct draft *draft, const char *sealed_request)
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
                .request = sealed_request,
        };
        enum err rc;

        rc = store_job_insert(ctx, &plan->job, &secrets);
        if (rc == OK && bucket.directory)
                rc = store_bucket_insert(ctx, &bucket);
        return rc == OK ? insert_followers(ctx, draft) : rc;
}

/* Whether somebody has to approve the job: because of a quota, or of a rule. */
static enum err find_need(struct ctx *ctx, struct draft *draft)
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

/* What quotas and rules say of the job. ERR_OVER_QUOTA. Inside the transaction that writes it. */
static enum err judge(struct ctx *ctx, struct draft *draft)
{
        struct job *job = &draft->plan.job;
        enum err rc = quota_check(ctx, job, &draft->quota);

        if (rc == OK && draft->quota.refusal)
                rc = quota_refuse(ctx, &draft->quota);
        if (rc == OK)
                rc = find_need(ctx, draft);
        if (rc != OK || !draft->need.reason)
                return rc;
        job->status = JOB_BLOCKED;
        rc = approval_ask(ctx, job, &draft->need, &draft->approval);
        job->approval_id = draft->approval.request_id;
        return rc;
}

/* That a quota refused it, which the transaction that would have written the job does not say. */
static enum err note_refusal(struct ctx *ctx, const struct draft *draft)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = quota_note_excess(ctx, draft->plan.job.owner, &draft->quota);
        return rc == OK ? db_commit(&tx) : rc;
}

/* The row before the call: a crash after this loses nothing, and finds the job again. What decides
 * whether there may be a job is decided here too, where requests made at once see each other. */
static enum err store_draft(struct ctx *ctx, struct draft *draft, struct submit_result *ret)
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
                rc = find_earlier(ctx, draft->request, ret);
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

/* Explain a job that stays as it is. */
static enum err store_note(struct ctx *ctx, const char *job_id, const char *text)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_note(ctx, job_id, text);
        return rc == OK ? db_commit(&tx) : rc;
}

/* The provider did not take the job, or we cannot know: write down which, then pass rc on. */
static enum err record_refusal(struct ctx *ctx, const struct job *job, enum err rc)
{
        struct provider_job news = { .status_known = true,
                                     .status = JOB_FAILED,
                                     .run_seconds = -1 };
        const bool surely_not = rc == ERR_PROVIDER || rc == ERR_NOT_READY;
        bool moved;
        enum err stored;

        if (!surely_not) {
                /* Faults of our own after the call was made count as unknown too. */
                if (err_is_fault(rc)) {
                        log_event(ctx, LOG_ERROR, logger, "A submission met a fault", "error",
                                  err_code(rc), "reason", ctx->detail);
                        (void)!ctx_fail(ctx, rc, "%s", ctx_shown_detail(ctx, rc));
                }
                rc = ctx_prefix(ctx, ERR_OUTCOME_UNKNOWN,
                                "The provider may or may not have accepted this job; it stays as "
                                "it is until the next poll finds out, so do not submit it again");
        }
        stored = ctx_strdup(ctx, ctx->detail, &news.error);
        if (stored == OK && surely_not)
                stored = job_record_news(ctx, job, &news, &moved);
        else if (stored == OK)
                stored = store_note(ctx, job->job_id, news.error);
        if (stored != OK)
                log_event(ctx, LOG_ERROR, logger, "The outcome of a submission was not stored",
                          "reason", ctx->detail);
        return ctx_fail(ctx, rc, "%s", news.error ? news.error : "the provider refused the job");
}

/* The job ended here while it was being submitted there: end it there too. */
static void cancel_orphan(struct ctx *ctx, const struct provider_session *session,
                          const char *external_id)
{
        if (session->provider->cancel(ctx, session, external_id) != OK)
                log_event(ctx, LOG_ERROR, logger,
                          "A job cancelled during its submission goes on at the provider",
                          "external_id", external_id, "reason", ctx->detail);
}

enum err job_start(struct ctx *ctx, const struct provider_session *session,
                   const struct job_plan *plan, struct job *ret_job)
{
        struct provider_job accepted;
        bool moved;
        enum err rc;

        rc = session->provider->submit(ctx, session, &plan->submission, &accepted);
        FAULT_POINT("submit.called");
        if (rc == OK)
                rc = job_record_news(ctx, &plan->job, &accepted, &moved);
        if (rc != OK)
                return record_refusal(ctx, &plan->job, rc);
        FAULT_POINT("submit.recorded");
        rc = store_job_get(ctx, plan->job.job_id, ret_job);
        if (rc == OK && ret_job->status == JOB_CANCELLED)
                cancel_orphan(ctx, session, accepted.external_id);
        if (rc == OK)
                log_event(ctx, LOG_INFO, logger, "Job submitted", "provider", plan->job.provider,
                          "external_id", accepted.external_id);
        return rc;
}

/* Local data sets are sent first, in the background. */
static enum err plan_upload(struct ctx *ctx, struct draft *draft)
{
        bool needed;
        enum err rc = submission_check(ctx, &draft->session, draft->request, &needed);

        if (rc == OK && needed)
                draft->plan.job.status = JOB_UPLOADING;
        return rc;
}

/* May the one who acts name these? The trainer takes its options with two dashes and without. */
static enum err check_rules(struct ctx *ctx, const struct draft *draft)
{
        const struct job *job = &draft->plan.job;
        const struct resource_use use = {
                .config = job->config_name ? job->config_name : "",
                .hardware = job->hardware_profile,
                .provider = job->provider,
                .output_path = json_string_at(draft->request->config, "output_dir"),
        };
        const struct resource_use dashed = {
                .output_path = json_string_at(draft->request->config, "--output_dir"),
        };
        enum err rc = resource_rules_check(ctx, &use);

        return rc == OK && dashed.output_path ? resource_rules_check(ctx, &dashed) : rc;
}

/* Everything that can be said before anything is done. request is resolved by this. */
static enum err prepare(struct ctx *ctx, struct job_request *request, struct draft *ret)
{
        enum err rc;

        ret->request = request;
        rc = provider_open(ctx, request->provider_id, &ret->session);
        if (rc == OK)
                rc = job_request_resolve(ctx, request);
        if (rc == OK)
                rc = job_plan_make(ctx, &ret->session, request, &ret->plan);
        if (rc == OK)
                rc = check_rules(ctx, ret);
        if (rc == OK)
                rc = plan_upload(ctx, ret);
        return rc;
}

/* What follows once the rows are there. */
static enum err go_on(struct ctx *ctx, const struct draft *draft, struct job *ret_job)
{
        const struct job *job = &draft->plan.job;

        ctx_set_job(ctx, job->job_id);
        if (job->status == JOB_PENDING)
                return job_start(ctx, &draft->session, &draft->plan, ret_job);
        if (job->status == JOB_UPLOADING)
                bell_ring(ctx->cloud->bells, BELL_SUBMISSIONS);
        return store_job_get(ctx, job->job_id, ret_job);
}

enum err job_submit(struct ctx *ctx, const struct job_request *request, struct submit_result *ret)
{
        struct job_request resolved = *request;
        struct submit_result result = { 0 };
        struct draft draft = { 0 };
        enum err rc;

        rc = find_earlier(ctx, request, &result);
        if (rc == ERR_NOT_FOUND)
                rc = prepare(ctx, &resolved, &draft);
        if (rc == OK && !result.idempotent_hit) {
                rc = provider_check_configured(ctx, &draft.session);
                if (rc == OK)
                        rc = breaker_look(ctx, draft.session.provider->id);
                if (rc == OK)
                        rc = store_draft(ctx, &draft, &result);
                if (rc == ERR_OVER_QUOTA && note_refusal(ctx, &draft) != OK)
                        return ERR_UNAVAILABLE; /* what is not written down is not answered */
        }
        if (rc != OK)
                return rc;
        if (!result.idempotent_hit) {
                FAULT_POINT("submit.stored");
                result.warnings = draft.plan.warnings;
                result.quota_warnings = draft.quota.warnings;
                result.approval = draft.approval;
                rc = go_on(ctx, &draft, &result.job);
        }
        if (rc == OK)
                *ret = result;
        return rc;
}

static enum err set_retry_key(struct ctx *ctx, struct job_request *request, const char *key)
{
        CLEANUP(json_decrefp) json_t *asked = json_pack("{s:s}", "retry_of", request->retry_of);

        return asked ? job_request_set_key(ctx, request, key, asked) : ctx_nomem(ctx);
}

enum err job_retry(struct ctx *ctx, const char *job_id, const char *idempotency_key,
                   struct submit_result *ret)
{
        struct job_request request;
        const char *sealed;
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc == OK) /* a request may hold secrets of the one who made it */
                rc = auth_require_over(ctx, job.owner, PERM_JOB_CANCEL_ALL);
        if (rc != OK)
                return rc;
        if (!job_status_is_terminal(job.status))
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Cannot retry job in state '%s'. Cancel it first, or wait.",
                                job_status_name(job.status));
        rc = store_job_request(ctx, job_id, &sealed);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Job %s cannot be submitted again: what it was asked to do is not "
                                "known here",
                                job_id);
        if (rc == OK)
                rc = job_request_open(ctx, job_id, sealed, &request);
        if (rc != OK)
                return rc;
        request.retry_of = job.job_id;
        request.attempt = job.attempt + 1;
        if (idempotency_key)
                rc = set_retry_key(ctx, &request, idempotency_key);
        ctx_set_job(ctx, NULL);
        return rc == OK ? job_submit(ctx, &request, ret) : rc;
}

/* The cost limit as a submission would meet it; a refusal is a warning here. */
static enum err foresee_cost(struct ctx *ctx, const struct draft *draft, const char **ret)
{
        enum err rc = cost_limit_check(ctx, &draft->session, draft->plan.estimate.usd_micros, ret);

        return rc == ERR_OVER_LIMIT ? ctx_strdup(ctx, ctx->detail, ret) : rc;
}

enum err job_dry_run(struct ctx *ctx, const struct job_request *request, struct dry_run *ret)
{
        struct job_request resolved = *request;
        struct draft draft = { 0 };
        struct dry_run run = { 0 };
        enum err rc;

        rc = prepare(ctx, &resolved, &draft);
        if (rc == OK)
                rc = foresee_cost(ctx, &draft, &run.cost_limit_warning);
        if (rc == OK)
                rc = quota_check(ctx, &draft.plan.job, &draft.quota);
        if (rc == OK)
                rc = find_need(ctx, &draft);
        if (rc != OK)
                return rc;
        run.plan = draft.plan;
        run.quota_warnings = draft.quota.warnings;
        run.quota_refusal = draft.quota.refusal;
        run.approval_reason = draft.need.reason;
        rc = json_without_secrets(ctx, run.plan.submission.env, &run.env);
        if (rc == OK)
                rc = json_without_secrets(ctx, run.plan.config, &run.config);
        if (rc == OK && resolved.dataloader_config)
                rc = json_without_secrets(ctx, resolved.dataloader_config, &run.dataloader);
        if (rc == OK && json_is_object(json_object_get(resolved.config, "lycoris_config")))
                rc = json_without_secrets(ctx, json_object_get(resolved.config, "lycoris_config"),
                                          &run.lycoris);
        if (rc == OK)
                *ret = run;
        return rc;
}
