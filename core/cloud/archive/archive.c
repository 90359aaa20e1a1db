#include "core/cloud/archive/archive.h"

#include <string.h>

#include "core/base/log.h"
#include "core/cloud/archive/archive_manifest.h"
#include "core/cloud/archive/archive_urls.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/job/job.h"
#include "core/cloud/job/job_news.h"
#include "core/cloud/provider/provider_jobs.h"
#include "core/cloud/storage/object_temp.h"
#include "core/db/db.h"
#include "core/store/store_objects.h"

static const char logger[] = "simpletuner.cloud.archive";

/* ---- where it goes ---- */

static enum err insert_bucket(struct ctx *ctx, const struct bucket *bucket)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_bucket_insert(ctx, bucket);
        return rc == OK ? db_commit(&tx) : rc;
}

/* A job that sends no files itself has no bucket until now. */
static enum err need_bucket(struct ctx *ctx, const struct provider_session *session,
                            const char *job_id, struct bucket *ret)
{
        struct bucket bucket = { .bucket = job_id, .created_at_us = clock_wall_us(ctx->clock) };
        enum err rc = store_bucket_get(ctx, job_id, ret);

        if (rc != ERR_NOT_FOUND)
                return rc;
        bucket.directory = provider_settings_bucket(ctx, &session->settings, job_id);
        if (!bucket.directory)
                return ctx_nomem(ctx);
        rc = insert_bucket(ctx, &bucket);
        return rc == OK || rc == ERR_CONFLICT ? store_bucket_get(ctx, job_id, ret) : rc;
}

/* ---- what there is to fetch ---- */

static enum err add_rows(struct ctx *ctx, const char *job_id, const struct archive_urls *urls)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        for (size_t i = 0; rc == OK && i < urls->count; i++)
                rc = store_archive_file_add(ctx, job_id, urls->items[i].key, urls->items[i].bare);
        return rc == OK ? db_commit(&tx) : rc;
}

/* A file as we know it and as the provider names it now. */
static struct archive_item make_item(const struct archive_file *row,
                                     const struct archive_urls *urls)
{
        struct archive_item item = { .row = *row };

        for (size_t i = 0; i < urls->count; i++) {
                if (strcmp(urls->items[i].key, row->key) == 0)
                        item.url = urls->items[i].url;
        }
        if (!item.url) {
                item.fate = ARCHIVE_FILE_MISSING;
                item.reason = "the provider does not name this file any more";
        }
        return item;
}

/* The files that the provider names, and those that it named before. */
static enum err list_items(struct ctx *ctx, const json_t *output, struct archive_contents *contents)
{
        struct archive_urls *urls = arena_alloc(ctx->arena, sizeof(*urls));
        const char *job_id = contents->job.job_id;
        struct archive_file *rows;
        size_t count;
        enum err rc;

        if (!urls)
                return ctx_nomem(ctx);
        rc = archive_urls_collect(ctx, output, urls);
        if (rc == OK)
                rc = add_rows(ctx, job_id, urls);
        if (rc == OK)
                rc = store_archive_files(ctx, job_id, 2 * ARCHIVE_FILES_MAX, &rows, &count);
        if (rc != OK)
                return rc;
        contents->items = arena_alloc(ctx->arena, (count + 1) * sizeof(*contents->items));
        if (!contents->items)
                return ctx_nomem(ctx);
        for (size_t i = 0; rc == OK && i < count; i++) {
                contents->items[i] = make_item(&rows[i], urls);
                rc = archive_is_stored(ctx, job_id, &contents->items[i]);
        }
        contents->count = count;
        contents->left_out = urls->left_out;
        return rc;
}

/* ---- fetching it ---- */

/* Trouble with one file; the others may come all the same. */
static bool concerns_one_file(enum err rc)
{
        return rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN || rc == ERR_NO_SPACE ||
               rc == ERR_CONFLICT;
}

static enum err fetch_items(struct ctx *ctx, const struct provider_session *session,
                            struct archive_hold *hold, struct archive_contents *contents)
{
        for (size_t i = 0; i < contents->count; i++) {
                struct archive_item *item = &contents->items[i];
                enum err rc;

                if (item->fate != ARCHIVE_FILE_WAITING)
                        continue;
                rc = archive_fetch(ctx, session, hold, item);
                if (concerns_one_file(rc))
                        rc = ctx_strdup(ctx, ctx->detail, &item->reason);
                if (rc != OK)
                        return rc;
        }
        return OK;
}

/* What has come of the files. */
static enum err sum_up(struct ctx *ctx, const struct archive_contents *contents,
                       struct archive_outcome *outcome)
{
        outcome->complete = true;
        for (size_t i = 0; i < contents->count; i++) {
                const struct archive_item *item = &contents->items[i];

                outcome->complete = outcome->complete && item->fate != ARCHIVE_FILE_WAITING;
                outcome->failed = outcome->failed || item->fate == ARCHIVE_FILE_REFUSED;
                if (item->fate == ARCHIVE_FILE_STORED) {
                        outcome->files++;
                        outcome->bytes += item->row.size_bytes;
                } else if (!outcome->error) {
                        outcome->error =
                                arena_printf(ctx->arena, "%s: %s", item->row.key,
                                             item->reason ? item->reason : "not fetched yet");
                        if (!outcome->error)
                                return ctx_nomem(ctx);
                }
        }
        if (contents->left_out == 0 || outcome->error)
                return OK;
        outcome->error = arena_printf(ctx->arena, "%zu files more than the %d that are fetched",
                                      contents->left_out, ARCHIVE_FILES_MAX);
        return outcome->error ? OK : ctx_nomem(ctx);
}

/* Ask the provider. ERR_PROVIDER also while it has not finished: a job's own word that it is done
 * can be earlier than its output. */
static enum err ask_provider(struct ctx *ctx, const struct provider_session *session,
                             const struct job *job, struct provider_job *ret)
{
        enum err rc = provider_status(ctx, session, job->external_id, ret);

        if (rc == ERR_NOT_FOUND)
                return ERR_PROVIDER;
        if (rc == OK && !ret->data_removed &&
            !(ret->status_known && job_status_is_terminal(ret->status)))
                return ctx_fail(ctx, ERR_PROVIDER, "the provider has not finished this job");
        return rc;
}

static enum err fetch_results(struct ctx *ctx, struct archive_hold *hold,
                              struct archive_contents *contents, struct archive_outcome *outcome)
{
        struct provider_session session;
        struct provider_job there;
        struct bucket bucket;
        bool moved;
        enum err rc;

        rc = provider_open_for(ctx, contents->job.provider, contents->job.owner, &session);
        if (rc == OK)
                rc = ask_provider(ctx, &session, &contents->job, &there);
        if (rc == OK) /* what the job cost, if only its end was known */
                rc = job_record_news(ctx, &contents->job, &there, &moved);
        if (rc == OK)
                rc = need_bucket(ctx, &session, contents->job.job_id, &bucket);
        if (rc == OK)
                rc = archive_put_logs(ctx, there.logs, contents);
        if (rc == OK)
                rc = list_items(ctx, there.output, contents);
        if (rc == OK)
                rc = fetch_items(ctx, &session, hold, contents);
        if (rc == OK)
                rc = sum_up(ctx, contents, outcome);
        if (rc == OK && (outcome->complete || archive_claim_is_last(hold)))
                rc = archive_put_manifest(ctx, contents);
        return rc;
}

/* No attempt will go on with what has come so far. */
static enum err drop_parts(struct ctx *ctx, const char *job_id)
{
        struct bucket bucket;
        enum err rc = store_bucket_get(ctx, job_id, &bucket);

        if (rc == OK)
                rc = object_temp_drop_parts(ctx, bucket.directory);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* ---- one job ---- */

/* A job that was deleted meanwhile takes its archive along. */
static enum err forget(struct ctx *ctx, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_archive_delete(ctx, job_id);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Why an attempt came to nothing, for the eyes of users. */
static enum err explain(struct ctx *ctx, enum err rc, struct archive_outcome *outcome)
{
        *outcome = (struct archive_outcome){ .interrupted = rc == ERR_NOT_READY,
                                             .again_s = ctx->retry_after_s };
        if (outcome->interrupted)
                return OK;
        return ctx_strdup(ctx, ctx_shown_detail(ctx, rc), &outcome->error);
}

static void tell(struct ctx *ctx, enum archive_state state, const struct archive_outcome *outcome,
                 struct archive_report *report)
{
        /* clang-format off */
        static const struct { enum log_level level; const char *message; } lines[] = {
                [ARCHIVE_WAITING] = { LOG_WARNING, "Results are not archived yet" },
                [ARCHIVE_DONE]    = { LOG_INFO,    "Results are archived" },
                [ARCHIVE_FAILED]  = { LOG_ERROR,   "Results are not archived" },
        };
        /* clang-format on */

        report->done += state == ARCHIVE_DONE;
        report->failed += state == ARCHIVE_FAILED;
        report->waiting += state == ARCHIVE_WAITING;
        if (!outcome->interrupted)
                log_event(ctx, lines[state].level, logger, lines[state].message, "reason",
                          outcome->error);
}

static enum err run_one(struct ctx *ctx, struct archive_hold *hold, struct archive_report *report)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        struct archive_contents contents = { 0 };
        struct archive_outcome outcome = { 0 };
        enum archive_state state;
        enum err rc;

        ctx_topic_keep(ctx, &topic);
        ctx->retry_after_s = 0;
        rc = job_get(ctx, hold->claim.job_id, &contents.job);
        if (rc == ERR_NOT_FOUND)
                return forget(ctx, hold->claim.job_id);
        if (rc == OK) {
                job_follow(ctx, &contents.job);
                rc = fetch_results(ctx, hold, &contents, &outcome);
        }
        if (err_is_fault(rc))
                log_event(ctx, LOG_ERROR, logger, "Results could not be fetched", "error",
                          err_code(rc), "reason", ctx->detail);
        if (rc != OK)
                rc = explain(ctx, rc, &outcome);
        if (rc == OK && !outcome.interrupted && (outcome.complete || archive_claim_is_last(hold)))
                rc = drop_parts(ctx, hold->claim.job_id);
        if (rc == OK)
                rc = archive_claim_settle(ctx, hold, &outcome, &state);
        if (rc == OK)
                tell(ctx, state, &outcome, report);
        return rc;
}

enum err archive_run_due(struct ctx *ctx, const struct archive_limits *limits,
                         struct archive_report *ret)
{
        struct archive_hold hold = { .deadline_us = limits->deadline_us };
        struct archive_report report = { 0 };
        enum err rc = OK;

        for (unsigned jobs = 0; rc == OK && jobs < limits->jobs; jobs++) {
                rc = archive_claim_next(ctx, &hold);
                if (rc == OK)
                        rc = run_one(ctx, &hold, &report);
        }
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = report;
        return OK;
}

/* ---- what users see and ask ---- */

enum err archive_of(struct ctx *ctx, const char *job_id, struct archive *ret)
{
        return store_archive_get(ctx, job_id, ret);
}

enum err archive_ask_again(struct ctx *ctx, const char *job_id, struct archive *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc == OK)
                rc = auth_require_over(ctx, job.owner, PERM_JOB_CANCEL_ALL);
        if (rc != OK)
                return rc;
        if (!job_status_is_terminal(job.status))
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Job %s is in state '%s'; results are fetched when it has ended",
                                job.job_id, job_status_name(job.status));
        if (!job.external_id)
                return ctx_fail(ctx, ERR_CONFLICT, "Job %s never reached its provider", job.job_id);
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_archive_again(ctx, job_id);
        if (rc == OK)
                rc = store_archive_get(ctx, job_id, ret);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                bell_ring(ctx->cloud->bells, BELL_ARCHIVE);
        return rc;
}
