#include "core/cloud/job_news.h"

#include "core/cloud/event.h"
#include "core/cloud/job_recovery.h"
#include "core/db/db.h"

#define COST_MICROS_MAX                                                                            \
        1e15 /* a thousand million USD: beyond it the provider's time is nonsense                  \
              */

/* Run time times the price of the hardware the job asked for. */
static int64_t cost_micros(const struct job *job, double run_seconds)
{
        double micros = run_seconds * (double)job->price_usd_nanos_per_s / 1000 + 0.5;

        if (run_seconds < 0 || !(micros < COST_MICROS_MAX))
                return JOB_COST_UNKNOWN;
        return (int64_t)micros;
}

enum err job_take_news(struct ctx *ctx, const struct job *job, const struct provider_job *news,
                       bool *ret_moved)
{
        struct job_news row = {
                .status = news->status,
                .error_message = news->error,
                .output_url = news->output_url,
                .started_at_us = news->started_at_us,
                .completed_at_us = news->completed_at_us,
                .cost_usd_micros = cost_micros(job, news->run_seconds),
                .poll_at_us = job->created_at_us + SUBMISSION_GRACE_US,
        };
        enum err rc;

        *ret_moved = false;
        if (!job->external_id && news->external_id) {
                rc = store_job_set_external_id(ctx, job->job_id, news->external_id);
                if (rc != OK)
                        return rc;
        }
        if (!news->status_known)
                return OK;
        if (job_status_is_terminal(row.status) && !row.completed_at_us)
                row.completed_at_us = clock_wall_us(ctx->clock);
        if (row.status == JOB_RUNNING && !row.started_at_us)
                row.started_at_us = clock_wall_us(ctx->clock);
        rc = store_job_apply(ctx, job, &row, ret_moved);
        if (rc != OK || !*ret_moved || row.status == job->status)
                return rc;
        return event_job_status(ctx, job, row.status, row.error_message);
}

bool job_news_are_known(const struct job *job, const struct provider_job *news)
{
        if (!job->external_id && news->external_id)
                return false;
        if (!news->status_known)
                return true;
        if (news->status != job->status || job_status_is_terminal(news->status))
                return false;
        if (news->status == JOB_RUNNING && !job->started_at_us)
                return false;
        if (news->started_at_us &&
            (!job->started_at_us || news->started_at_us < job->started_at_us))
                return false;
        if ((news->error && !job->error_message) || (news->output_url && !job->output_url))
                return false;
        return news->run_seconds < 0 && (!news->logs || !*news->logs);
}

enum err job_record_news(struct ctx *ctx, const struct job *job, const struct provider_job *news,
                         bool *ret_moved)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc != OK)
                return rc;
        rc = job_take_news(ctx, job, news, ret_moved);
        if (rc != OK)
                return rc;
        return db_commit(&tx);
}
