#include "core/cloud/job/job_news.h"

#include <string.h>

#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event/event.h"
#include "core/cloud/job/job_recovery.h"
#include "core/cloud/job/progress.h"
#include "core/db/db.h"
#include "core/store/store_archives.h"

#define COST_MICROS_MAX                                                                            \
        1e15 /* a thousand million USD: beyond it the provider's time is nonsense                  \
              */

#define ERROR_MAX      4096 /* bytes */
#define OUTPUT_URL_MAX 4096

/* What the provider says, else run time times the price of the hardware the job asked for; an
 * adopted job's may not be known. */
static int64_t cost_micros(const struct job *job, const struct provider_job *news)
{
        double by_time = news->run_seconds * (double)job->price_usd_nanos_per_s / 1000;
        double micros = (news->cost_known ? news->cost_usd * 1e6 : by_time) + 0.5;
        bool known = news->cost_known ? news->cost_usd >= 0 : news->run_seconds >= 0;

        if (!news->cost_known && !job->hardware_profile)
                known = false;
        if (!known || !(micros < COST_MICROS_MAX))
                return JOB_COST_UNKNOWN;
        return (int64_t)micros;
}

/* A job that has ended and is known to its provider leaves results to fetch. Both can become known
 * in either order. */
static enum err plan_archive(struct ctx *ctx, const struct job *job,
                             const struct provider_job *news, bool moved)
{
        bool ended = moved && news->status_known && job_status_is_terminal(news->status);
        bool identified = !job->external_id && news->external_id;

        return ended || identified ? store_archive_insert(ctx, job->job_id) : OK;
}

static bool is_same(const char *a, const char *b)
{
        return a && strcmp(a, b) == 0;
}

/* Does the log say something new about how far the job is? */
static bool has_progress(const struct job *job, const struct provider_job *news,
                         struct progress *ret)
{
        if (!news->logs || news->status != JOB_RUNNING || !progress_read(news->logs, ret))
                return false;
        return !is_same(job->progress_stage, ret->stage) ||
               !is_same(job->progress_line, ret->line) ||
               (ret->permille >= 0 && ret->permille != job->progress_permille);
}

static enum err take_progress(struct ctx *ctx, const struct job *job,
                              const struct provider_job *news)
{
        struct progress progress;
        struct job_progress row;
        enum err rc;

        if (!has_progress(job, news, &progress))
                return OK;
        row = (struct job_progress){ progress.stage, progress.line, progress.permille };
        rc = store_job_progress(ctx, job->job_id, &row);
        if (rc != OK || (is_same(job->progress_stage, row.stage) &&
                         (row.permille < 0 || row.permille / 10 == job->progress_permille / 10)))
                return rc;
        return event_job_progress(ctx, job, &row);
}

/* The rows of a job and what is counted beside them. *ret_event: the status to tell the listeners,
 * JOB_STATUS_COUNT: nothing. */
static enum err apply(struct ctx *ctx, const struct job *job, const struct provider_job *news,
                      bool *ret_moved, enum job_status *ret_event)
{
        /* What it made and cost is known at its end; before that either may still change. */
        const bool is_final = job_status_is_terminal(news->status);
        struct job_news row = {
                .status = news->status,
                .error_message = news->error,
                .output_url = is_final ? news->output_url : NULL,
                .started_at_us = news->started_at_us,
                .completed_at_us = is_final ? news->completed_at_us : 0,
                .cost_usd_micros = is_final ? cost_micros(job, news) : JOB_COST_UNKNOWN,
                .poll_at_us = job->created_at_us + SUBMISSION_GRACE_US,
        };
        enum job_status from = job->status;
        const int64_t said_at_us = news->said_at_us ? news->said_at_us : clock_wall_us(ctx->clock);
        enum err rc;

        *ret_moved = false;
        *ret_event = JOB_STATUS_COUNT;
        if (!job->external_id && news->external_id) {
                rc = store_job_set_external_id(ctx, job->job_id, news->external_id);
                if (rc != OK)
                        return rc;
        }
        if (!news->status_known)
                return plan_archive(ctx, job, news, false);
        if (is_final && !row.completed_at_us)
                row.completed_at_us = said_at_us;
        if (row.status == JOB_RUNNING && !row.started_at_us)
                row.started_at_us = said_at_us;
        rc = store_job_apply(ctx, job, &row, ret_moved, &from);
        if (rc == OK)
                rc = plan_archive(ctx, job, news, *ret_moved);
        if (rc == OK)
                rc = take_progress(ctx, job, news);
        if (rc == OK && *ret_moved && !job_status_is_terminal(from) && row.status > from)
                *ret_event = row.status;
        return rc;
}

/* A text cut between two characters. */
static enum err cut(struct ctx *ctx, const char *text, size_t max, const char **ret)
{
        size_t len = max;

        if (strlen(text) <= max)
                return OK;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) /* within a character */
                len--;
        *ret = arena_strndup(ctx->arena, text, len);
        return *ret ? OK : ctx_nomem(ctx);
}

/* What a provider says without end is kept in part: it is on every page of a list. */
static enum err bound(struct ctx *ctx, struct provider_job *news)
{
        if (news->output_url && strlen(news->output_url) > OUTPUT_URL_MAX)
                news->output_url = NULL;
        return news->error ? cut(ctx, news->error, ERROR_MAX, &news->error) : OK;
}

enum err job_take_news_audited(struct ctx *ctx, const struct job *job,
                               const struct provider_job *news, const struct audit_entry *entry,
                               bool *ret_moved)
{
        struct provider_job heard = *news;
        enum job_status event;
        enum err rc;

        rc = bound(ctx, &heard);
        if (rc == OK)
                rc = apply(ctx, job, &heard, ret_moved, &event);
        if (rc == OK && entry)
                rc = audit_add(ctx, entry);
        if (rc == OK && event != JOB_STATUS_COUNT)
                rc = event_job_status(ctx, job, event, heard.error);
        return rc;
}

enum err job_take_news(struct ctx *ctx, const struct job *job, const struct provider_job *news,
                       bool *ret_moved)
{
        return job_take_news_audited(ctx, job, news, NULL, ret_moved);
}

bool job_news_are_known(const struct job *job, const struct provider_job *news)
{
        struct progress progress;

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
        return !(news->error && !job->error_message) && !has_progress(job, news, &progress);
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
        rc = db_commit(&tx);
        if (rc == OK && *ret_moved)
                bell_ring(ctx->cloud->bells, BELL_ARCHIVE);
        return rc;
}

void job_follow(struct ctx *ctx, const struct job *job)
{
        ctx_set_job(ctx, job->job_id);
        ctx_adopt_correlation_id(ctx, job->correlation_id);
}
