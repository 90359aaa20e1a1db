#include "core/cloud/job/job.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/cloud/approval/approval.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/provider/provider_jobs.h"
#include "core/db/db.h"
#include "core/store/store_archives.h"
#include "core/store/store_idempotency.h"
#include "core/store/store_job_poll.h"
#include "core/store/store_objects.h"

#define QUEUE_MAX 1000

bool job_id_is_valid(const char *job_id)
{
        static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

        return strlen(job_id) == ULID_SIZE - 1 && job_id[strspn(job_id, alphabet)] == '\0';
}

/* Some see every job, others their own. */
static bool is_visible(const struct ctx *ctx, const struct job *job)
{
        return auth_may(ctx, PERM_JOB_VIEW_ALL) || strcmp(job->owner, ctx_actor_name(ctx)) == 0;
}

enum err job_get(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        struct job job;
        enum err rc;

        if (!job_id_is_valid(job_id))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Job not found: %.64s", job_id);
        rc = store_job_get(ctx, job_id, &job);
        if (rc != OK)
                return rc;
        if (!is_visible(ctx, &job))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Job not found");
        ctx_set_job(ctx, job.job_id);
        *ret_job = job;
        return OK;
}

enum err job_list(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row, void *arg,
                  int64_t *ret_total)
{
        struct job_filter mine = *filter;
        enum err rc;

        if (!auth_may(ctx, PERM_JOB_VIEW_ALL)) {
                const char *own = ctx_actor_name(ctx);

                if (filter->owner && strcmp(filter->owner, own) != 0) {
                        *ret_total = 0;
                        return OK;
                }
                mine.owner = own;
        }
        rc = store_jobs_count(ctx, &mine, ret_total);
        return rc == OK ? store_jobs_each(ctx, &mine, row, arg) : rc;
}

/* Of the job at index, when all before it have theirs. */
static int64_t next_position(const struct waiting_job *jobs, const int64_t *positions, size_t index)
{
        for (size_t i = index; i-- > 0;) {
                if (strcmp(jobs[i].provider, jobs[index].provider) == 0)
                        return positions[i] + 1;
        }
        return 1;
}

enum err job_queue_load(struct ctx *ctx, struct job_queue *ret)
{
        struct waiting_job *jobs;
        int64_t *positions;
        size_t count;
        enum err rc = store_jobs_waiting(ctx, QUEUE_MAX, &jobs, &count);

        if (rc != OK)
                return rc;
        positions = arena_alloc(ctx->arena, (count + 1) * sizeof(*positions));
        if (!positions)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < count; i++)
                positions[i] = next_position(jobs, positions, i);
        *ret = (struct job_queue){ jobs, positions, count };
        return OK;
}

int64_t job_queue_position(const struct job_queue *queue, const struct job *job)
{
        if (job->status != JOB_PENDING && job->status != JOB_QUEUED)
                return 0;
        for (size_t i = 0; i < queue->count; i++) {
                if (strcmp(queue->jobs[i].job_id, job->job_id) == 0)
                        return queue->positions[i];
        }
        return 0;
}

static enum err refuse_ended(struct ctx *ctx, const struct job *job)
{
        return ctx_fail(ctx, ERR_CONFLICT,
                        "Job %s is in state '%s', operation requires one of: "
                        "[blocked, pending, uploading, queued, running]",
                        job->job_id, job_status_name(job->status));
}

/* Tell the provider. *ret_external_id: whom it cancelled, NULL: it does not have the job. */
static enum err cancel_there(struct ctx *ctx, const struct job *job, const char **ret_external_id)
{
        struct provider_session session;
        struct provider_job there = { .external_id = job->external_id };
        enum err rc;

        rc = provider_open_for(ctx, job->provider, job->owner, &session);
        if (rc != OK)
                return rc;
        if (!job->external_id) { /* its submission may be under way, or its outcome unknown */
                rc = provider_find_job(ctx, &session, job->job_id, job->created_at_us, &there);
                if (rc == ERR_NOT_FOUND) {
                        *ret_external_id = NULL;
                        return OK;
                }
        }
        if (rc == OK)
                rc = session.provider->cancel(ctx, &session, there.external_id);
        if (rc != OK)
                return ctx_prefix(ctx, rc, "Failed to cancel the job");
        *ret_external_id = there.external_id;
        return OK;
}

/* What the audit log says about a job. details: the arena's. */
static enum err describe(struct ctx *ctx, const struct job *job, struct audit_entry *entry)
{
        json_t *details = json_pack("{s:s, s:s, s:s*}", "provider", job->provider, "status",
                                    job_status_name(job->status), "config_name", job->config_name);

        if (!details)
                return ctx_nomem(ctx);
        entry->target_type = "job";
        entry->target_id = job->job_id;
        entry->details = details;
        return json_keep(ctx, details);
}

/* Inside a transaction, the job is locked. */
static enum err record_cancel(struct ctx *ctx, const struct job *job,
                              const struct provider_job *news)
{
        struct audit_entry entry = { .event_type = "job.cancelled", .action = "Job cancelled" };
        bool moved;
        enum err rc = describe(ctx, job, &entry);

        return rc == OK ? job_take_news_audited(ctx, job, news, &entry, &moved) : rc;
}

/* Cancel a job whose data is still here: the provider has surely not heard of it, and now never
 * will. *ret_cancelled false: it may have, nothing was done. */
static enum err cancel_upload(struct ctx *ctx, const char *job_id, bool *ret_cancelled)
{
        static const struct provider_job news = { .status_known = true,
                                                  .status = JOB_CANCELLED,
                                                  .run_seconds = -1,
                                                  .error = "Job cancelled during upload" };
        static const struct job_schedule never = { .forget = true };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool stopped = false;
        struct job job;
        enum err rc;

        *ret_cancelled = false;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_lock(ctx, job_id, &job);
        if (rc == OK && job.status == JOB_UPLOADING)
                rc = store_submission_stop(ctx, job_id, news.error, &stopped);
        if (rc != OK || !stopped)
                return rc;
        rc = record_cancel(ctx, &job, &news);
        if (rc == OK)
                rc = store_job_schedule(ctx, job_id, &never);
        if (rc == OK)
                rc = db_commit(&tx);
        *ret_cancelled = rc == OK;
        return rc;
}

/* The provider's own word that it is cancelled may have been faster than ours; any other end was
 * not our doing. *ret_late: the provider has named the job since it was told, nothing was done. */
static enum err cancel_here(struct ctx *ctx, const struct provider_job *news, const char *job_id,
                            bool *ret_late)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_lock(ctx, job_id, &job);
        if (rc == OK && job_status_is_terminal(job.status) && job.status != JOB_CANCELLED)
                return refuse_ended(ctx, &job);
        *ret_late = rc == OK && job.external_id && !news->external_id;
        if (rc != OK || *ret_late)
                return rc;
        rc = record_cancel(ctx, &job, news);
        return rc == OK ? db_commit(&tx) : rc;
}

/* At the provider first, then here. A submission under way may name the job in between: once. */
static enum err cancel_at_both(struct ctx *ctx, const char *job_id)
{
        bool late = true;
        enum err rc = OK;

        for (unsigned tries = 0; rc == OK && late && tries < 2; tries++) {
                struct provider_job news = { .status_known = true,
                                             .status = JOB_CANCELLED,
                                             .run_seconds = -1 };
                struct job job;

                rc = job_get(ctx, job_id, &job);
                if (rc == OK)
                        rc = cancel_there(ctx, &job, &news.external_id);
                if (rc != OK)
                        return rc;
                FAULT_POINT("cancel.called");
                if (!news.external_id)
                        news.error = "Cancelled before the provider accepted it";
                rc = cancel_here(ctx, &news, job_id, &late);
        }
        return rc;
}

enum err job_cancel(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        bool cancelled = false;
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc == OK)
                rc = auth_require_over(ctx, job.owner, PERM_JOB_CANCEL_ALL);
        if (rc != OK)
                return rc;
        if (job_status_is_terminal(job.status))
                return refuse_ended(ctx, &job);
        if (job.status == JOB_BLOCKED)
                rc = approval_cancel_job(ctx, job_id, &cancelled);
        if (rc == OK && !cancelled && (job.status == JOB_UPLOADING || job.status == JOB_BLOCKED))
                rc = cancel_upload(ctx, job_id, &cancelled);
        if (rc == OK && !cancelled)
                rc = cancel_at_both(ctx, job_id);
        return rc == OK ? store_job_get(ctx, job_id, ret_job) : rc;
}

static enum err check_deletable(struct ctx *ctx, const struct job *job)
{
        if (!job_status_is_terminal(job->status))
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Cannot delete job in state '%s'. Cancel it first.",
                                job_status_name(job->status));
        /* Whoever looks for it at the provider would not know any more that it has to end. */
        if (job->status == JOB_CANCELLED && !job->external_id && job->poll_at_us)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "The submission of job %s may still turn up at the provider. "
                                "Delete it in a quarter of an hour.",
                                job->job_id);
        return OK;
}

enum err job_delete(struct ctx *ctx, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct audit_entry entry = { .event_type = "job.deleted", .action = "Job deleted" };
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc == OK)
                rc = auth_require_over(ctx, job.owner, PERM_JOB_DELETE_ALL);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_lock(ctx, job_id, &job);
        if (rc == OK)
                rc = check_deletable(ctx, &job);
        if (rc == OK)
                rc = store_idempotency_forget(ctx, job.owner, job_id);
        if (rc == OK)
                rc = store_archive_delete(ctx, job_id);
        if (rc == OK)
                rc = submission_forget(ctx, job_id);
        if (rc == OK)
                rc = store_job_delete(ctx, job_id);
        if (rc == OK)
                rc = approval_forget(ctx, job_id);
        if (rc == OK)
                rc = describe(ctx, &job, &entry);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

enum err job_upload_progress(struct ctx *ctx, const char *job_id, struct upload_progress *ret)
{
        struct upload_progress progress = { 0 };
        struct uploads_in_flight flight = { 0 };
        struct bucket bucket;
        enum err rc;

        rc = store_bucket_get(ctx, job_id, &bucket);
        if (rc == OK) {
                progress.files = bucket.files;
                progress.bytes = bucket.bytes;
                progress.last_upload_at_us = bucket.last_upload_at_us;
                rc = store_uploads_in_flight(ctx, job_id, &flight);
                progress.in_flight = flight.count;
                progress.part_bytes = flight.part_bytes;
        }
        if (rc == OK || rc == ERR_NOT_FOUND) {
                *ret = progress;
                return OK;
        }
        return rc;
}
