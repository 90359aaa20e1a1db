#include "core/cloud/job_poll.h"

#include <string.h>

#include "core/base/log.h"
#include "core/cloud/job.h"
#include "core/cloud/provider_jobs.h"
#include "core/db/db.h"
#include "core/store/store_job_poll.h"

static const char logger[] = "simpletuner.cloud.poll";

#define FAR_FUTURE_US (365 * US_PER_DAY)

static enum err note_polled(struct ctx *ctx, const char *job_id)
{
        const struct job_schedule schedule = { .poll_at_us = clock_wall_us(ctx->clock) };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc != OK)
                return rc;
        rc = store_job_schedule(ctx, job_id, &schedule);
        if (rc != OK)
                return rc;
        return db_commit(&tx);
}

/* Look for a job that was submitted but never confirmed. ERR_NOT_FOUND: too early to say. */
static enum err ask_about_lost(struct ctx *ctx, const struct provider_session *session,
                               const struct job *job, struct provider_job *ret)
{
        enum err rc = provider_find_job(ctx, session, job->job_id, job->created_at_us, ret);

        if (rc != ERR_NOT_FOUND ||
            clock_wall_us(ctx->clock) - job->created_at_us < SUBMISSION_GRACE_US)
                return rc;
        *ret = (struct provider_job){
                .status_known = true,
                .status = JOB_FAILED,
                .run_seconds = -1,
                .error = "Submission was interrupted; the provider does not have this job",
        };
        return OK;
}

static enum err poll_one(struct ctx *ctx, const char *job_id, struct poll_report *report)
{
        struct provider_session session;
        struct provider_job news;
        bool moved = false;
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc == OK)
                rc = provider_open_for(ctx, job.provider, job.owner, &session);
        if (rc != OK)
                return rc;
        report->asked++;
        if (job.external_id)
                rc = provider_status(ctx, &session, job.external_id, &news);
        else
                rc = ask_about_lost(ctx, &session, &job, &news);
        if (rc == ERR_NOT_FOUND)
                return note_polled(ctx, job_id);
        if (rc != OK)
                return rc;
        rc = job_record_news(ctx, &job, &news, &moved);
        if (rc != OK)
                return rc;
        report->moved += moved && (!news.status_known || news.status != job.status);
        report->found += !job.external_id && news.external_id;
        return note_polled(ctx, job_id);
}

enum err job_poll(struct ctx *ctx, unsigned limit, struct poll_report *ret)
{
        struct poll_report report = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        const struct job_due due = { now_us, now_us + FAR_FUTURE_US, limit };
        struct job *jobs;
        size_t count;
        enum err rc;

        rc = store_jobs_due(ctx, &due, &jobs, &count);
        if (rc != OK)
                return rc;
        for (size_t i = 0; i < count; i++) {
                rc = poll_one(ctx, jobs[i].job_id, &report);
                if (rc == ERR_NOMEM || rc == ERR_INTERNAL)
                        return rc;
                if (rc == OK)
                        continue;
                report.failed++;
                log_event(ctx, LOG_WARNING, logger, "A job could not be polled", "reason",
                          ctx->detail);
                rc = note_polled(ctx, jobs[i].job_id);
                if (rc != OK)
                        return rc;
        }
        ctx_set_job(ctx, NULL);
        *ret = report;
        return OK;
}
