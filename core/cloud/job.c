#include "core/cloud/job.h"

#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/job_request.h"
#include "core/cloud/job_submission.h"
#include "core/cloud/submission.h"
#include "core/db/db.h"
#include "core/store/store_objects.h"

static const char logger[] = "simpletuner.cloud.jobs";

bool job_id_is_valid(const char *job_id)
{
        static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

        return strlen(job_id) == ULID_SIZE - 1 && job_id[strspn(job_id, alphabet)] == '\0';
}

enum err job_get(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        if (!job_id_is_valid(job_id))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Job not found: %.64s", job_id);
        ctx_set_job(ctx, job_id);
        return store_job_get(ctx, job_id, ret_job);
}

enum err job_list(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row, void *arg,
                  int64_t *ret_total)
{
        enum err rc = store_jobs_count(ctx, filter, ret_total);

        return rc == OK ? store_jobs_each(ctx, filter, row, arg) : rc;
}

/* The row before the call: a crash after this loses nothing, and finds the job again. A job whose
 * data goes first gets bucket and token when that is done. */
static enum err store_plan(struct ctx *ctx, const struct job_plan *plan)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct bucket bucket = {
                .bucket = plan->job.job_id,
                .directory = plan->bucket_directory,
                .created_at_us = plan->job.created_at_us,
        };
        const bool uploading = plan->job.status == JOB_UPLOADING;
        const bool has_bucket = bucket.directory && !uploading;
        struct job_secrets secrets = {
                .token_sha256 = has_bucket ? plan->token.sha256 : NULL,
                .request = plan->request,
        };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc != OK)
                return rc;
        rc = store_job_insert(ctx, &plan->job, &secrets);
        if (rc == OK && has_bucket)
                rc = store_bucket_insert(ctx, &bucket);
        if (rc == OK && uploading)
                rc = submission_add(ctx, &plan->job);
        if (rc != OK)
                return rc;
        return db_commit(&tx);
}

/* The provider did not take the job, or we cannot know: write down which, then pass rc on. */
static enum err record_refusal(struct ctx *ctx, const struct job *job, enum err rc)
{
        struct provider_job news = { .status_known = true,
                                     .status = JOB_FAILED,
                                     .run_seconds = -1 };
        bool moved;
        enum err stored;

        if (rc != ERR_PROVIDER) {
                /* Faults of our own after the call was made count as unknown too. */
                rc = ctx_prefix(ctx, ERR_OUTCOME_UNKNOWN,
                                "The provider may or may not have accepted this job; it stays "
                                "pending until the next poll finds out, so do not submit it again");
        }
        stored = ctx_strdup(ctx, ctx->detail, &news.error);
        if (stored == OK && rc == ERR_PROVIDER) {
                stored = job_record_news(ctx, job, &news, &moved);
        } else if (stored == OK) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                stored = db_begin(ctx, &tx);
                if (stored == OK)
                        stored = store_job_note(ctx, job->job_id, news.error);
                if (stored == OK)
                        stored = db_commit(&tx);
        }
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

enum err job_send(struct ctx *ctx, const struct provider_session *session,
                  const struct job_plan *plan, struct job *ret_job)
{
        struct provider_job accepted;
        bool moved;
        enum err rc;

        rc = session->provider->submit(ctx, session, &plan->submission, &accepted);
        if (rc != OK)
                return record_refusal(ctx, &plan->job, rc);
        rc = job_record_news(ctx, &plan->job, &accepted, &moved);
        if (rc != OK)
                return record_refusal(ctx, &plan->job, rc);
        rc = store_job_get(ctx, plan->job.job_id, ret_job);
        if (rc == OK && ret_job->status == JOB_CANCELLED)
                cancel_orphan(ctx, session, accepted.external_id);
        if (rc == OK)
                log_event(ctx, LOG_INFO, logger, "Job submitted", "provider", session->provider->id,
                          "external_id", accepted.external_id);
        return rc;
}

/* Local data sets are sent first, in the background. */
static enum err plan_upload(struct ctx *ctx, const struct provider_session *session,
                            const struct job_request *request, struct job_plan *plan)
{
        bool needed;
        enum err rc = submission_check(ctx, session, request, &needed);

        if (rc != OK || !needed)
                return rc;
        plan->job.status = JOB_UPLOADING;
        return job_request_seal(ctx, &plan->job, request, &plan->request);
}

enum err job_submit(struct ctx *ctx, const char *provider_id, const struct job_request *request,
                    struct job *ret_job)
{
        struct provider_session session;
        struct job_plan plan;
        enum err rc;

        rc = provider_open(ctx, provider_id, &session);
        if (rc != OK)
                return rc;
        rc = job_plan_make(ctx, &session, request, &plan);
        if (rc != OK)
                return rc;
        if (session.token.len == 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%s not set: save a token for this provider first",
                                session.provider->token_name);
        rc = plan_upload(ctx, &session, request, &plan);
        if (rc == OK)
                rc = store_plan(ctx, &plan);
        if (rc != OK)
                return rc;
        ctx_set_job(ctx, plan.job.job_id);
        if (plan.job.status != JOB_UPLOADING)
                return job_send(ctx, &session, &plan, ret_job);
        bell_ring(ctx->cloud->bells, BELL_SUBMISSIONS);
        return store_job_get(ctx, plan.job.job_id, ret_job);
}

static enum err refuse_ended(struct ctx *ctx, const struct job *job)
{
        return ctx_fail(ctx, ERR_CONFLICT,
                        "Job %s is in state '%s', operation requires one of: "
                        "[pending, uploading, queued, running]",
                        job->job_id, job_status_name(job->status));
}

/* Cancel it at the provider, should it be there. *ret_external_id: its id there, if any. */
static enum err cancel_there(struct ctx *ctx, const struct job *job, const char **ret_external_id)
{
        const char *external_id = job->external_id;
        struct provider_session session;
        struct provider_job there;
        enum err rc;

        rc = provider_open(ctx, job->provider, &session);
        if (rc != OK)
                return rc;
        if (!external_id) {
                rc = provider_find_job(ctx, &session, job->job_id, job->created_at_us, &there);
                if (rc == OK)
                        external_id = there.external_id;
                else if (rc != ERR_NOT_FOUND)
                        return ctx_prefix(ctx, rc, "Failed to cancel the job");
        }
        if (external_id) {
                rc = session.provider->cancel(ctx, &session, external_id);
                if (rc != OK)
                        return ctx_prefix(ctx, rc, "Failed to cancel the job");
        }
        *ret_external_id = external_id;
        return OK;
}

enum err job_cancel(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        struct provider_job news = { .status_known = true,
                                     .status = JOB_CANCELLED,
                                     .run_seconds = -1 };
        bool moved, cancelled;
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc != OK)
                return rc;
        if (job_status_is_terminal(job.status))
                return refuse_ended(ctx, &job);
        rc = submission_cancel(ctx, &job, &cancelled);
        if (rc == OK && cancelled)
                return store_job_get(ctx, job_id, ret_job);
        if (rc == OK)
                rc = cancel_there(ctx, &job, &news.external_id);
        if (rc != OK)
                return rc;
        if (!news.external_id)
                news.error = "Cancelled before the provider accepted it";
        rc = job_record_news(ctx, &job, &news, &moved);
        if (rc != OK)
                return rc;
        rc = store_job_get(ctx, job_id, ret_job);
        /* The provider's own word that it is cancelled may have been faster than ours. */
        if (rc == OK && !moved && ret_job->status != JOB_CANCELLED)
                return refuse_ended(ctx, ret_job);
        return rc;
}

enum err job_upload_progress(struct ctx *ctx, const char *job_id, struct upload_progress *ret)
{
        struct upload_progress progress = { 0 };
        struct bucket bucket;
        enum err rc;

        rc = store_bucket_get(ctx, job_id, &bucket);
        if (rc == OK) {
                progress.files = bucket.files;
                progress.bytes = bucket.bytes;
                progress.last_upload_at_us = bucket.last_upload_at_us;
                rc = store_uploads_count(ctx, job_id, &progress.in_flight);
        }
        if (rc == OK || rc == ERR_NOT_FOUND) {
                *ret = progress;
                return OK;
        }
        return rc;
}
