#include "core/cloud/job/poll_finding.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/job/job_news.h"
#include "core/cloud/job/job_recovery.h"
#include "core/db/db.h"
#include "core/store/store_job_poll.h"

static const char logger[] = "simpletuner.cloud.poll";

#define BACKOFF_FIRST_US (30 * US_PER_S)
#define BACKOFF_DOUBLED  5               /* times: 30 s, 1, 2, 4, 8 minutes, then the longest */
#define MISSING_WAIT_US  (30 * US_PER_S) /* three looks, so a minute at least */
#define MISSING_MAX      3

enum err poll_finding_fail(struct ctx *ctx, struct poll_finding *finding)
{
        finding->result = POLL_FAILED;
        return ctx_strdup(ctx, ctx->detail, &finding->reason);
}

/* ---- when a job is looked at again ---- */

static int64_t backoff_us(const struct poll_finding *finding)
{
        const int64_t failures = finding->job->poll_failures;
        int64_t wait_us = POLL_WAIT_MAX_US;

        if (failures < BACKOFF_DOUBLED)
                wait_us = BACKOFF_FIRST_US << failures;
        if (wait_us < finding->retry_after_s * US_PER_S)
                wait_us = finding->retry_after_s * US_PER_S;
        return wait_us < POLL_WAIT_MAX_US ? wait_us : POLL_WAIT_MAX_US;
}

/* A job that has ended waits until its submission cannot be under way any more. */
static struct job_schedule after_absence(const struct job *job, int64_t now_us, int64_t again_us)
{
        const int64_t grace_end_us = job->created_at_us + SUBMISSION_GRACE_US;

        if (!job_status_is_terminal(job->status))
                return (struct job_schedule){ .poll_at_us = again_us };
        return (struct job_schedule){ .poll_at_us = grace_end_us,
                                      .forget = now_us >= grace_end_us };
}

static struct job_schedule next_look(const struct poll_finding *finding, int64_t now_us,
                                     int64_t again_us)
{
        const struct job *job = finding->job;

        switch (finding->result) {
        case POLL_MISSING:
                return (struct job_schedule){ .poll_at_us = now_us + MISSING_WAIT_US,
                                              .missing_count = job->missing_count + 1 };
        case POLL_FAILED:
                return (struct job_schedule){ .poll_at_us = now_us + backoff_us(finding),
                                              .failures = job->poll_failures + 1,
                                              .missing_count = job->missing_count };
        case POLL_ABSENT:
                return after_absence(job, now_us, again_us);
        case POLL_STRAY:
                return (struct job_schedule){ .forget = true };
        case POLL_NOT_ASKED:
        case POLL_NEWS:
                break;
        }
        return (struct job_schedule){ .poll_at_us = again_us };
}

/* ---- findings that move a job ---- */

/* What follows for the job when it is not at the provider; NULL: nothing yet. */
static const char *verdict(const struct poll_finding *finding, int64_t now_us)
{
        const struct job *job = finding->job;

        if (finding->result == POLL_MISSING && job->missing_count + 1 >= MISSING_MAX)
                return "Job not found at provider";
        /* An upload is not submitted yet: how long that may take is not for the poll to say. */
        if (finding->result == POLL_ABSENT && job->status != JOB_UPLOADING &&
            !job_status_is_terminal(job->status) &&
            now_us - job->created_at_us >= SUBMISSION_GRACE_US)
                return "Submission was interrupted; the provider does not have this job";
        return NULL;
}

/* End a job because of what the provider does not have, unless it has spoken meanwhile. It has been
 * looked for by now, so that is not done again. */
static enum err fail_absent(struct ctx *ctx, const struct job *job, const char *why,
                            bool *ret_moved)
{
        const struct provider_job end = {
                .status_known = true, .status = JOB_FAILED, .error = why, .run_seconds = -1
        };
        const struct job_schedule forget = { .forget = true };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_hold(ctx, job);
        if (rc == OK)
                rc = job_take_news(ctx, job, &end, ret_moved);
        if (rc == OK)
                rc = store_job_schedule(ctx, job->job_id, &forget);
        return rc == OK ? db_commit(&tx) : rc;
}

/* News in a transaction of their own: with those of other jobs they would hold counters that a
 * webhook wants, and wait for a row that it holds. */
static enum err record_news(struct ctx *ctx, const struct poll_finding *finding, int64_t again_us,
                            bool *ret_moved)
{
        const struct job_schedule schedule = { .poll_at_us = again_us };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_schedule(ctx, finding->job->job_id, &schedule);
        if (rc == OK)
                rc = job_take_news(ctx, finding->job, &finding->news, ret_moved);
        return rc == OK ? db_commit(&tx) : rc;
}

/* The provider runs a job that had ended here, and was told to end it. */
static enum err record_stray(struct ctx *ctx, const struct poll_finding *finding)
{
        const struct job_schedule forget = { .forget = true };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool moved;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_schedule(ctx, finding->job->job_id, &forget);
        if (rc == OK)
                rc = job_take_news(ctx, finding->job, &finding->news, &moved);
        return rc == OK ? db_commit(&tx) : rc;
}

/* True: the finding does more than move the next look. */
static bool is_loud(const struct poll_finding *finding, int64_t now_us)
{
        return verdict(finding, now_us) || finding->result == POLL_STRAY ||
               (finding->result == POLL_NEWS && !job_news_are_known(finding->job, &finding->news));
}

static enum err record_loud(struct ctx *ctx, const struct poll_finding *finding, int64_t again_us,
                            struct poll_report *report)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        const char *why = verdict(finding, clock_wall_us(ctx->clock));
        const struct job *job = finding->job;
        bool moved = false;
        enum err rc;

        ctx_topic_keep(ctx, &topic);
        job_follow(ctx, job);
        if (finding->result == POLL_STRAY)
                rc = record_stray(ctx, finding);
        else if (why)
                rc = fail_absent(ctx, job, why, &moved);
        else
                rc = record_news(ctx, finding, again_us, &moved);
        if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT) {
                log_event(ctx, LOG_INFO, logger, "What a poll found is out of date", "reason",
                          ctx->detail);
                return OK;
        }
        if (rc != OK)
                return rc;
        report->moved += moved && (why || !finding->news.status_known ||
                                   finding->news.status != job->status);
        report->found += !job->external_id && finding->result == POLL_NEWS;
        return OK;
}

/* ---- all of them ---- */

/* In the order of ids, so that two companions never wait for each other's rows. */
static int by_job_id(const void *a, const void *b)
{
        const struct poll_finding *const *left = a, *const *right = b;

        return strcmp((*left)->job->job_id, (*right)->job->job_id);
}

static enum err record_quiet(struct ctx *ctx, const struct poll_finding **quiet, size_t count,
                             int64_t again_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        enum err rc;

        if (count == 0)
                return OK;
        qsort(quiet, count, sizeof(struct poll_finding *), by_job_id);
        rc = db_begin(ctx, &tx);
        for (size_t i = 0; rc == OK && i < count; i++) {
                const struct job_schedule schedule = next_look(quiet[i], now_us, again_us);

                rc = store_job_schedule(ctx, quiet[i]->job->job_id, &schedule);
        }
        return rc == OK ? db_commit(&tx) : rc;
}

static void add_to_report(struct ctx *ctx, const struct poll_finding *finding,
                          struct poll_report *report)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };

        ctx_topic_keep(ctx, &topic);
        report->asked++;
        if (finding->result != POLL_FAILED)
                return;
        report->failed++;
        job_follow(ctx, finding->job);
        log_event(ctx, LOG_WARNING, logger, "A job could not be polled", "reason", finding->reason);
}

enum err poll_findings_record(struct ctx *ctx, const struct poll_finding *findings, size_t count,
                              int64_t again_us, struct poll_report *report)
{
        const struct poll_finding **quiet =
                arena_alloc(ctx->arena, (count + 1) * sizeof(struct poll_finding *));
        const int64_t now_us = clock_wall_us(ctx->clock);
        size_t quiet_count = 0;
        enum err rc = OK;

        if (!quiet)
                return ctx_nomem(ctx);
        FAULT_POINT("poll.answered");
        for (size_t i = 0; rc == OK && i < count; i++) {
                if (findings[i].result == POLL_NOT_ASKED) {
                        report->left++;
                        continue;
                }
                add_to_report(ctx, &findings[i], report);
                if (is_loud(&findings[i], now_us))
                        rc = record_loud(ctx, &findings[i], again_us, report);
                else
                        quiet[quiet_count++] = &findings[i];
        }
        if (rc == OK)
                rc = record_quiet(ctx, quiet, quiet_count, again_us);
        if (rc == OK)
                FAULT_POINT("poll.recorded");
        return rc;
}
