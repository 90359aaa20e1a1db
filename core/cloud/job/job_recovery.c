#include "core/cloud/job/job_recovery.h"

#include <string.h>

#include "core/cloud/job/job_news.h"
#include "core/db/db.h"
#include "core/store/store_job_poll.h"

#define LIST_PAGES_MAX 50
#define CLOCK_SLACK_US                                                                             \
        (600 * US_PER_S) /* the provider's clock may differ from ours by this much                 \
                          */
#define STALLED_US (30 * 60 * US_PER_S)

/* One walk through a provider's list. Pages are large and are looked at one by one: each has the
 * arena of its own that ctx works with meanwhile, and what is kept of them goes to keep. */
struct walk {
        const struct provider_session *session;
        struct poll_finding *const *lost;
        size_t count, found;
        int64_t oldest_us; /* no lost job is older */
        struct arena *keep;
        const char *cursor; /* in keep */
};

/* Copy what outlives the page. */
static enum err keep_text(struct ctx *ctx, const struct walk *walk, const char *text,
                          const char **ret)
{
        *ret = text ? arena_strdup(walk->keep, text) : NULL;
        return text && !*ret ? ctx_nomem(ctx) : OK;
}

static enum err keep_news(struct ctx *ctx, const struct walk *walk, const struct provider_job *job,
                          struct provider_job *ret)
{
        enum err rc;

        *ret = *job;
        ret->our_job_id = ret->logs = ret->model = NULL;
        ret->output = NULL;
        rc = keep_text(ctx, walk, job->external_id, &ret->external_id);
        if (rc == OK)
                rc = keep_text(ctx, walk, job->error, &ret->error);
        if (rc == OK)
                rc = keep_text(ctx, walk, job->output_url, &ret->output_url);
        return rc;
}

static struct poll_finding *find_lost(const struct walk *walk, const char *job_id)
{
        for (size_t i = 0; job_id && i < walk->count; i++) {
                if (strcmp(walk->lost[i]->job->job_id, job_id) == 0)
                        return walk->lost[i];
        }
        return NULL;
}

static enum err look_at_page(struct ctx *ctx, struct walk *walk, const struct provider_page *page)
{
        for (size_t i = 0; i < page->count; i++) {
                struct poll_finding *finding = find_lost(walk, page->jobs[i].our_job_id);
                enum err rc;

                if (!finding || finding->result != POLL_ABSENT)
                        continue;
                rc = keep_news(ctx, walk, &page->jobs[i], &finding->news);
                if (rc != OK)
                        return rc;
                finding->result = POLL_NEWS;
                walk->found++;
        }
        return OK;
}

/* One page further. *ret_end: all are found, or surely not there. */
static enum err walk_on(struct ctx *ctx, struct walk *walk, bool *ret_end)
{
        const struct provider *provider = walk->session->provider;
        struct provider_page page = { 0 };
        enum err rc;

        rc = provider->list(ctx, walk->session, walk->cursor, &page);
        if (rc == OK)
                rc = look_at_page(ctx, walk, &page);
        if (rc == OK)
                rc = keep_text(ctx, walk, page.next, &walk->cursor);
        *ret_end = rc == OK && (!page.next || walk->found == walk->count ||
                                (page.oldest_created_us &&
                                 page.oldest_created_us < walk->oldest_us - CLOCK_SLACK_US));
        return rc;
}

static enum err walk_all(struct ctx *ctx, struct walk *walk)
{
        CLEANUP(arena_freep) struct arena *pages = arena_new();
        bool end = false;
        enum err rc = OK;

        if (!pages)
                return ctx_nomem(ctx);
        ctx->arena = pages;
        for (unsigned n = 0; rc == OK && !end && n < LIST_PAGES_MAX; n++) {
                arena_reset(pages);
                rc = walk_on(ctx, walk, &end);
        }
        ctx->arena = walk->keep;
        if (rc == OK && !end)
                return ctx_fail(ctx, ERR_PROVIDER, "the list of %s is too long to search",
                                walk->session->provider->name);
        return rc;
}

enum err job_recovery_look(struct ctx *ctx, struct poll_finding *const *lost, size_t count)
{
        struct walk walk = { .lost = lost, .count = count, .keep = ctx->arena };
        enum err walked, rc = OK;

        if (count == 0)
                return OK;
        walk.session = lost[0]->session;
        walk.oldest_us = INT64_MAX;
        for (size_t i = 0; i < count; i++) {
                lost[i]->result = POLL_ABSENT;
                if (lost[i]->job->created_at_us < walk.oldest_us)
                        walk.oldest_us = lost[i]->job->created_at_us;
        }
        walked = walk_all(ctx, &walk);
        if (walked == ERR_NOMEM || walked == ERR_INTERNAL)
                return walked;
        for (size_t i = 0; rc == OK && i < count; i++) {
                if (walked == OK || lost[i]->result != POLL_ABSENT)
                        continue;
                if (walked == ERR_NOT_READY) /* its circuit breaker is open: nobody asked */
                        lost[i]->result = POLL_NOT_ASKED;
                else
                        rc = poll_finding_fail(ctx, lost[i]);
        }
        return rc;
}

/* ---- jobs that go on without us ---- */

enum err job_recovery_end_stray(struct ctx *ctx, struct poll_finding *finding)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        const struct provider_session *session = finding->session;
        const bool goes_on =
                !finding->news.status_known || !job_status_is_terminal(finding->news.status);
        enum err rc = OK;

        ctx_topic_keep(ctx, &topic);
        if (goes_on && finding->job->status == JOB_COMPLETED)
                return OK; /* the job's own word was faster; its output is on its way */
        finding->result = POLL_STRAY;
        job_follow(ctx, finding->job);
        if (goes_on)
                rc = session->provider->cancel(ctx, session, finding->news.external_id);
        if (rc == ERR_NOT_READY)
                finding->result = POLL_NOT_ASKED;
        if (rc == OK || rc == ERR_NOT_READY || rc == ERR_NOMEM || rc == ERR_INTERNAL)
                return rc == ERR_NOT_READY ? OK : rc;
        (void)!ctx_prefix(ctx, rc, "a job that has ended here goes on at the provider");
        return poll_finding_fail(ctx, finding);
}

/* ---- uploads that nobody goes on with ---- */

static enum err end_one(struct ctx *ctx, const struct job *job, int64_t before_us, bool *ret_moved)
{
        static const struct provider_job end = {
                .status_known = true,
                .status = JOB_FAILED,
                .error = "Upload interrupted",
                .run_seconds = -1,
        };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        enum err rc;

        ctx_topic_keep(ctx, &topic);
        job_follow(ctx, job);
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_hold(ctx, job);
        if (rc == OK)
                rc = store_job_is_stalled(ctx, job->job_id, before_us);
        if (rc == OK)
                rc = job_take_news(ctx, job, &end, ret_moved);
        return rc == OK ? db_commit(&tx) : rc;
}

enum err job_recovery_end_stalled(struct ctx *ctx, unsigned limit, unsigned *ret_failed)
{
        const int64_t before_us = clock_wall_us(ctx->clock) - STALLED_US;
        unsigned failed = 0;
        struct job *jobs;
        size_t count;
        enum err rc;

        rc = store_jobs_stalled(ctx, before_us, limit, &jobs, &count);
        for (size_t i = 0; rc == OK && i < count; i++) {
                bool moved = false;

                rc = end_one(ctx, &jobs[i], before_us, &moved);
                failed += moved;
                if (rc == ERR_NOT_FOUND)
                        rc = OK; /* it has gone on meanwhile */
        }
        if (rc == OK)
                *ret_failed = failed;
        return rc;
}
