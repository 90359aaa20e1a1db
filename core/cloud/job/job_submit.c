#include "core/cloud/job/job_submit.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/base/json_secrets.h"
#include "core/base/log.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/resource_rule.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/job/job.h"
#include "core/cloud/job/job_draft.h"
#include "core/cloud/provider/breaker.h"
#include "core/db/db.h"

static const char logger[] = "simpletuner.cloud.jobs";

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
static enum err plan_upload(struct ctx *ctx, struct job_draft *draft)
{
        bool needed;
        enum err rc = submission_check(ctx, &draft->session, draft->request, &needed);

        if (rc == OK && needed)
                draft->plan.job.status = JOB_UPLOADING;
        return rc;
}

/* May the one who acts name these? The trainer takes its options with two dashes and without. */
static enum err check_rules(struct ctx *ctx, const struct job_draft *draft)
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
static enum err prepare(struct ctx *ctx, struct job_request *request, struct job_draft *ret)
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
static enum err go_on(struct ctx *ctx, const struct job_draft *draft, struct job *ret_job)
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
        struct job_draft draft = { 0 };
        enum err rc;

        rc = job_draft_find_earlier(ctx, request, &result);
        if (rc == ERR_NOT_FOUND)
                rc = prepare(ctx, &resolved, &draft);
        if (rc == OK && !result.idempotent_hit) {
                rc = provider_check_configured(ctx, &draft.session);
                if (rc == OK)
                        rc = breaker_look(ctx, draft.session.provider->id);
                if (rc == OK)
                        rc = job_draft_store(ctx, &draft, &result);
                if (rc == ERR_OVER_QUOTA && job_draft_note_refusal(ctx, &draft) != OK)
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
static enum err foresee_cost(struct ctx *ctx, const struct job_draft *draft, const char **ret)
{
        enum err rc = cost_limit_check(ctx, &draft->session, draft->plan.estimate.usd_micros, ret);

        return rc == ERR_OVER_LIMIT ? ctx_strdup(ctx, ctx->detail, ret) : rc;
}

enum err job_dry_run(struct ctx *ctx, const struct job_request *request, struct dry_run *ret)
{
        struct job_request resolved = *request;
        struct job_draft draft = { 0 };
        struct dry_run run = { 0 };
        enum err rc;

        rc = prepare(ctx, &resolved, &draft);
        if (rc == OK)
                rc = foresee_cost(ctx, &draft, &run.cost_limit_warning);
        if (rc == OK)
                rc = quota_check(ctx, &draft.plan.job, &draft.quota);
        if (rc == OK)
                rc = job_draft_find_need(ctx, &draft);
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
