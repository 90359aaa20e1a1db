#include "core/cloud/data/submission_run.h"

#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/data/data_consent.h"
#include "core/cloud/data/data_pack.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/job/job_news.h"
#include "core/cloud/job/job_recovery.h"
#include "core/cloud/job/job_submit.h"
#include "core/cloud/provider/breaker.h"
#include "core/cloud/provider/provider_jobs.h"
#include "core/db/db.h"
#include "core/store/store_job_poll.h"
#include "core/store/store_objects.h"

static const char logger[] = "simpletuner.cloud.submissions";

#define NEWS_EVERY_US US_PER_S
#define CLAIM_US      (15 * NEWS_EVERY_US) /* each news renews it */
#define CALL_US       (120 * US_PER_S)     /* the claim while the provider is asked: no news then */
#define RETRY_US      (10 * US_PER_S)      /* after a fault of our own, or an unknown outcome */
#define RETRY_MAX_US  (300 * US_PER_S)
#define HORIZON_US    (2 * RETRY_MAX_US)   /* later times are those of a clock that was set back */
#define GIVE_UP_US    (60 * 60 * US_PER_S) /* a fault that lasts longer is the job's end */

/* One submission while this thread has its claim. */
struct run {
        struct ctx *ctx;
        struct job job;
        struct job_request request;
        struct provider_session session;
        struct data_sets sets;
        bool no_data;          /* it only waited for approval */
        struct submission row; /* as it is in the database */
        int64_t told_us;       /* when the row was last written, monotonic */
        enum err stop;         /* why to stop half way; OK: go on */
};

/* ---- the row and its claim ---- */

/* Write the row as next says, if the claim is still ours. ERR_CONFLICT: it is not. Inside a
 * transaction. */
static enum err write_row(struct run *run, const struct submission *next)
{
        struct ctx *ctx = run->ctx;
        bool held;
        enum err rc = store_submission_update(ctx, next, run->row.claimed_until_us, &held);

        if (rc != OK || held)
                return rc;
        run->stop = ERR_CONFLICT;
        return ctx_fail(ctx, ERR_CONFLICT, "the claim was lost");
}

/* The job's row, which all take before that of its submission. ERR_CONFLICT: it is gone. Inside a
 * transaction. */
static enum err lock_job(struct run *run)
{
        enum err rc = store_job_lock(run->ctx, run->row.job_id, &run->job);

        if (rc == ERR_NOT_FOUND)
                rc = run->stop = ERR_CONFLICT;
        return rc;
}

/* The same in a transaction of its own. */
static enum err put_row(struct run *run, const struct submission *next)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(run->ctx, &tx);

        if (rc == OK)
                rc = write_row(run, next);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                run->row = *next;
        run->told_us = clock_mono_us(run->ctx->clock);
        return rc;
}

/* The row with the claim renewed. */
static struct submission renewed(const struct run *run)
{
        const int64_t now_us = clock_wall_us(run->ctx->clock);
        struct submission next = run->row;

        next.claimed_until_us = now_us + CLAIM_US;
        next.updated_at_us = now_us;
        return next;
}

static enum err enter_stage(struct run *run, enum submission_stage stage, int64_t bytes_total,
                            const char *message)
{
        struct submission next = renewed(run);

        next.stage = stage;
        next.bytes_done = 0;
        next.bytes_total = bytes_total;
        next.message = message;
        return message ? put_row(run, &next) : ctx_nomem(run->ctx);
}

/* Give the claim back; it is due again after wait_us. updated_at_us stays: it says since when. The
 * claim ends now, at a time it never ended before: who saw the row free earlier cannot take it. */
static enum err hand_back(struct run *run, int64_t wait_us)
{
        struct submission next = run->row;

        next.claimed_until_us = clock_wall_us(run->ctx->clock);
        next.run_at_us = next.claimed_until_us + wait_us;
        return put_row(run, &next);
}

static struct submission ended(const struct run *run, enum submission_stage stage,
                               const char *message)
{
        struct submission next = run->row;

        next.stage = stage;
        next.message = message;
        next.run_at_us = 0;
        next.claimed_until_us = 0;
        next.updated_at_us = clock_wall_us(run->ctx->clock);
        return next;
}

/* The job is gone: so is this. */
static enum err forget(struct run *run)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(run->ctx, &tx);

        if (rc == OK)
                rc = store_submission_delete(run->ctx, run->row.job_id);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Nothing is left to do. */
static enum err finish(struct run *run, enum submission_stage stage, const char *message)
{
        struct submission next = ended(run, stage, message);

        return put_row(run, &next);
}

/* Nothing is left to do, and the job has failed. */
static enum err fail_job(struct run *run, const char *reason)
{
        const struct provider_job news = {
                .status_known = true, .status = JOB_FAILED, .run_seconds = -1, .error = reason
        };
        static const struct job_schedule never = { .forget = true };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct submission next = ended(run, STAGE_ERROR, reason);
        struct ctx *ctx = run->ctx;
        bool moved;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = lock_job(run);
        if (rc == OK)
                rc = write_row(run, &next);
        if (rc == OK)
                rc = job_take_news(ctx, &run->job, &news, &moved);
        if (rc == OK)
                rc = store_job_schedule(ctx, run->job.job_id, &never);
        return rc == OK ? db_commit(&tx) : rc;
}

/* That the claim is ours still, and how far it is; and for those in line behind it that somebody is
 * at work. */
static enum err tell_row(struct run *run, int64_t done_bytes)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct submission next = renewed(run);
        struct ctx *ctx = run->ctx;
        enum err rc;

        next.bytes_done = done_bytes < next.bytes_total ? done_bytes : next.bytes_total;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, "submissions"); /* two that touch the same rows would deadlock */
        if (rc == OK)
                rc = write_row(run, &next);
        if (rc == OK)
                rc = store_submissions_touch(ctx, next.updated_at_us);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                run->row = next;
        run->told_us = clock_mono_us(ctx->clock);
        return rc;
}

/* Hears of bytes packed or sent; writes them down once a second, which shows whether the claim is
 * still ours: who cancels a job takes it away. */
static bool tell(void *arg, int64_t done_bytes)
{
        struct run *run = arg;

        if (atomic_load(&run->ctx->cloud->draining))
                run->stop = ERR_NOT_READY;
        else if (clock_mono_us(run->ctx->clock) - run->told_us >= NEWS_EVERY_US)
                run->stop = tell_row(run, done_bytes);
        return run->stop == OK;
}

/* ---- the stages ---- */

static enum err pack(struct run *run, int *ret_fd, int64_t *ret_size)
{
        const struct provider *provider = run->session.provider;
        const struct data_packing packing = {
                .sets = &run->sets,
                .limit = { provider->name, provider->file_max_bytes },
                .step = tell,
                .arg = run,
        };
        struct ctx *ctx = run->ctx;
        struct data_total total;
        enum err rc;

        rc = data_consent_require(ctx, true); /* it was given, but may have been taken back */
        if (rc == OK)
                rc = enter_stage(run, STAGE_SCANNING, 0, "Looking for files");
        if (rc == OK)
                rc = data_measure_all(ctx, &packing, &total);
        if (rc == OK)
                rc = enter_stage(
                        run, STAGE_PACKAGING, total.bytes,
                        arena_printf(ctx->arena, "Packing %lld files", (long long)total.files));
        return rc == OK ? data_pack(ctx, &packing, ret_fd, ret_size) : rc;
}

/* *ret_url: where the provider has the data now. */
static enum err send_data(struct run *run, const char **ret_url)
{
        struct ctx *ctx = run->ctx;
        CLEANUP(close_fdp) int fd = -1;
        struct http_file file = { .content_type = "application/zip", .progress = tell, .arg = run };
        int64_t size;
        enum err rc;

        rc = pack(run, &fd, &size);
        if (rc != OK)
                return rc;
        FAULT_POINT("data.packed");
        file.path = data_pack_path(ctx, fd);
        file.name = arena_printf(ctx->arena, "%s.zip", run->job.job_id);
        if (!file.path || !file.name)
                return ctx_nomem(ctx);
        rc = enter_stage(run, STAGE_UPLOADING, size,
                         arena_printf(ctx->arena, "Sending %.1f MiB to %s",
                                      (double)size / (double)MiB, run->session.provider->name));
        if (rc == OK)
                rc = run->session.provider->upload_file(ctx, &run->session, &file, ret_url);
        FAULT_POINT("data.uploaded");
        return rc;
}

/* From here on the provider may know of the job. ERR_CONFLICT: somebody ended it. */
static enum err enter_submitting(struct run *run, const struct job_plan *plan)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct bucket bucket = {
                .bucket = plan->job.job_id,
                .directory = plan->bucket_directory,
                .created_at_us = plan->job.created_at_us,
        };
        struct submission next = renewed(run);
        const struct job_secrets secrets = {
                .token_sha256 = plan->token.sha256,
                .token_key_id = plan->token.key_id,
        };
        struct ctx *ctx = run->ctx;
        bool given = false;
        enum err rc;

        next.stage = STAGE_SUBMITTING;
        next.claimed_until_us = next.updated_at_us + CALL_US;
        next.bytes_done = next.bytes_total;
        next.message = "Starting the job";
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = lock_job(run);
        if (rc == OK)
                rc = write_row(run, &next);
        if (rc == OK)
                rc = store_submission_give_token(ctx, bucket.bucket, &secrets, &given);
        if (rc == OK && !given)
                rc = run->stop = ctx_fail(ctx, ERR_CONFLICT, "the job has ended");
        if (rc == OK && bucket.directory)
                rc = store_bucket_insert(ctx, &bucket);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                run->row = next;
        return rc;
}

/* Submit the job with its data at url: the one call that costs. */
static enum err submit(struct run *run, const char *url)
{
        struct job_request request = run->request;
        struct ctx *ctx = run->ctx;
        struct job_plan plan;
        struct job job;
        enum err rc = OK;

        if (!run->no_data)
                rc = data_sets_rename(ctx, &run->sets, run->request.dataloader_config,
                                      &request.dataloader_config);
        if (rc == OK)
                rc = job_plan_renew(ctx, &run->session, &request, &run->job, &plan);
        if (rc != OK)
                return rc;
        plan.submission.images_url = url;
        rc = provider_check_configured(ctx, &run->session);
        if (rc == OK)
                rc = breaker_look(ctx, run->session.provider->id);
        if (rc == OK)
                rc = enter_submitting(run, &plan);
        if (rc != OK)
                return rc;
        rc = job_start(ctx, &run->session, &plan, &job);
        FAULT_POINT("data.submitted");
        if (rc == OK)
                return finish(run, STAGE_COMPLETE, NULL);
        rc = store_job_get(ctx, run->job.job_id, &job);
        if (rc == OK && job_status_is_terminal(job.status))
                return finish(run, STAGE_ERROR, job.error_message);
        return hand_back(run, RETRY_US);
}

/* ---- what became of it ---- */

/* Why a submission did not come to its end, and what follows from that. */
static enum err settle(struct run *run, enum err rc)
{
        struct ctx *ctx = run->ctx;
        const int64_t since_us =
                run->row.added_at_us ? run->row.added_at_us : run->job.created_at_us;
        const int64_t age_us = clock_wall_us(ctx->clock) - since_us;
        const char *reason;

        if (run->stop == ERR_NOT_READY)
                return hand_back(run, 0);
        if (run->stop == ERR_CONFLICT || run->row.stage == STAGE_SUBMITTING)
                return OK; /* it is another's now, or looked for when the claim runs out */
        if (run->stop != OK)
                rc = run->stop;
        reason = arena_printf(ctx->arena, "Failed to %s: %s",
                              run->no_data ? "submit" : "upload data", ctx_shown_detail(ctx, rc));
        if (!reason)
                return ctx_nomem(ctx);
        log_event(ctx, LOG_WARNING, logger, "A job was not submitted", "error", err_code(rc),
                  "reason", ctx->detail);
        if ((err_is_fault(rc) || rc == ERR_NOT_READY) && age_us < GIVE_UP_US)
                return hand_back(run, RETRY_US);
        return fail_job(run, reason);
}

static enum err send_all(struct run *run)
{
        struct ctx *ctx = run->ctx;
        const char *sealed, *url = NULL;
        enum err rc;

        rc = store_job_request(ctx, run->job.job_id, &sealed);
        if (rc == OK)
                rc = job_request_open(ctx, run->job.job_id, sealed, &run->request);
        if (rc == OK)
                rc = data_sets_find(ctx, run->request.dataloader_config, &run->sets);
        run->no_data = rc == OK && run->sets.count == 0;
        if (rc == OK && !run->no_data)
                rc = send_data(run, &url);
        if (rc == OK)
                rc = submit(run, url);
        return rc == OK ? OK : settle(run, rc);
}

/* The provider was asked to start it, and nobody wrote down what it said. */
static enum err look_for(struct run *run)
{
        struct ctx *ctx = run->ctx;
        const int64_t since_us = run->row.updated_at_us;
        const int64_t age_us = clock_wall_us(ctx->clock) - since_us;
        int64_t wait_us = age_us / 2 > RETRY_US ? age_us / 2 : RETRY_US;
        struct provider_job there;
        bool moved;
        enum err rc;

        rc = provider_find_job(ctx, &run->session, run->job.job_id, since_us, &there);
        if (rc == OK && job_status_is_terminal(run->job.status))
                rc = run->session.provider->cancel(ctx, &run->session, there.external_id);
        if (rc == OK)
                rc = job_record_news(ctx, &run->job, &there, &moved);
        if (rc == OK)
                return finish(run, STAGE_COMPLETE, NULL);
        if (rc == ERR_NOT_FOUND && age_us >= SUBMISSION_GRACE_US)
                return fail_job(run, "Submission was interrupted; the provider does not have this "
                                     "job");
        if (rc != ERR_NOT_FOUND)
                log_event(ctx, LOG_WARNING, logger, "An interrupted submission is still unclear",
                          "reason", ctx->detail);
        return hand_back(run, wait_us < RETRY_MAX_US ? wait_us : RETRY_MAX_US);
}

/* ---- finding work ---- */

/* ERR_NOT_FOUND: none is due. ERR_CONFLICT: another was faster. */
static enum err claim(struct run *run)
{
        struct ctx *ctx = run->ctx;
        const int64_t now_us = clock_wall_us(ctx->clock);
        const struct due due = { now_us, now_us + HORIZON_US };
        struct submission next;
        enum err rc;

        rc = store_submission_due(ctx, &due, &run->row);
        if (rc != OK)
                return rc;
        next = renewed(run);
        next.updated_at_us = run->row.updated_at_us;
        return put_row(run, &next);
}

static enum err run_claimed(struct run *run)
{
        struct ctx *ctx = run->ctx;
        bool sent = run->row.stage == STAGE_SUBMITTING;
        enum err rc;

        ctx_set_job(ctx, run->row.job_id);
        rc = store_job_get(ctx, run->row.job_id, &run->job);
        if (rc == ERR_NOT_FOUND)
                return forget(run);
        if (rc != OK)
                return rc;
        job_follow(ctx, &run->job);
        if (run->job.external_id)
                return finish(run, STAGE_COMPLETE, NULL);
        if (job_status_is_terminal(run->job.status) && !sent)
                return finish(run, STAGE_ERROR, run->job.error_message);
        rc = provider_open_for(ctx, run->job.provider, run->job.owner, &run->session);
        if (rc != OK)
                return settle(run, rc);
        return sent ? look_for(run) : send_all(run);
}

enum err submission_run_due(struct ctx *ctx, bool *ret_more)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        struct run run = { .ctx = ctx };
        enum err rc;

        ctx_topic_keep(ctx, &topic);
        rc = claim(&run);
        *ret_more = rc == OK || rc == ERR_CONFLICT;
        if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT)
                return OK;
        if (rc != OK)
                return rc;
        FAULT_POINT("data.claimed");
        rc = run_claimed(&run);
        return run.stop == ERR_CONFLICT ? OK : rc;
}
