#include "core/cloud/job/job_poll.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/job/job_news.h"
#include "core/cloud/job/job_recovery.h"
#include "core/cloud/provider/provider_call.h"
#include "core/store/store_job_poll.h"

#define CALLS_AT_ONCE  32
#define CLOCK_SLACK_US (60 * US_PER_S) /* clocks of several hosts differ by less */

/* What one batch works on: a finding for each job, those of one provider at a time. */
struct batch {
        struct poll_round *round;
        struct poll_finding *findings;
        size_t count;
        size_t provider;        /* its number in the table */
        struct ctx_topic topic; /* the poll itself, between its jobs */
        enum err fault;         /* of our own, out of a callback */
};

struct poll_round poll_round_begin(const struct ctx *ctx)
{
        return (struct poll_round){ .started_at_us = clock_wall_us(ctx->clock),
                                    .after_due_us = -1,
                                    .more = true };
}

/* ---- sessions ---- */

/* Give a finding its session: that of an earlier job of the same owner, or a new one. */
static enum err open_session(struct ctx *ctx, struct batch *batch, struct poll_finding *finding)
{
        struct provider_session *session;
        enum err rc;

        for (const struct poll_finding *other = batch->findings; other < finding; other++) {
                if (other->session && strcmp(other->job->owner, finding->job->owner) == 0 &&
                    strcmp(other->job->provider, finding->job->provider) == 0) {
                        finding->session = other->session;
                        return OK;
                }
        }
        session = arena_alloc(ctx->arena, sizeof(*session));
        if (!session)
                return ctx_nomem(ctx);
        rc = provider_open_for(ctx, finding->job->provider, finding->job->owner, session);
        if (rc == ERR_NOMEM)
                return rc;
        if (rc != OK) /* one token that does not open keeps no other job from being asked about */
                return poll_finding_fail(ctx, finding);
        finding->session = session;
        return OK;
}

static bool is_for(const struct poll_finding *finding, const struct provider *provider)
{
        return finding->session && finding->session->provider == provider;
}

/* ---- asking about the jobs it has named ---- */

struct question {
        struct batch *batch;
        struct poll_finding *finding;
};

/* What the answer to a call means for its job. */
static enum err hear(struct ctx *ctx, struct poll_finding *finding, const struct http_call *call)
{
        const struct provider *provider = finding->session->provider;
        enum err rc;

        if (call->rc == ERR_NOMEM)
                return call->rc;
        if (call->rc != OK) {
                (void)!ctx_fail(ctx, call->rc, "%s cannot be reached: %s", provider->name,
                                call->detail ? call->detail : "out of memory");
                return poll_finding_fail(ctx, finding);
        }
        finding->retry_after_s = call->answer.retry_after_s;
        rc = provider->status_answer(ctx, &call->answer, &finding->news);
        if (rc == ERR_NOMEM || rc == ERR_INTERNAL)
                return rc;
        if (rc != OK && rc != ERR_NOT_FOUND)
                return poll_finding_fail(ctx, finding);
        finding->result = rc == OK ? POLL_NEWS : POLL_MISSING;
        return OK;
}

/* After a fault of our own there is nobody to tell. The call carries the id of its job. */
static enum err may_ask(struct ctx *ctx, struct http_call *call)
{
        const struct question *question = call->arg;

        if (question->batch->fault != OK)
                return ctx_fail(ctx, ERR_NOT_READY, "not in this round");
        ctx_topic_restore(&question->batch->topic);
        job_follow(ctx, question->finding->job);
        return OK;
}

/* A provider that is left alone by its circuit breaker was not asked: the job stays due. */
static void on_answer(struct ctx *ctx, struct http_call *call)
{
        const struct question *question = call->arg;
        struct batch *batch = question->batch;

        if (call->rc != ERR_NOT_READY && batch->fault == OK)
                batch->fault = hear(ctx, question->finding, call);
}

/* The requests about a provider's jobs; *ret_count of them. */
static enum err make_calls(struct ctx *ctx, struct batch *batch, struct http_call *calls,
                           size_t *ret_count)
{
        const struct provider *provider = provider_at(batch->provider);
        struct question *questions =
                arena_alloc(ctx->arena, (batch->count + 1) * sizeof(*questions));
        size_t count = 0;

        if (!questions)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < batch->count; i++) {
                struct poll_finding *finding = &batch->findings[i];
                struct http_call *call = &calls[count];
                enum err rc;

                if (!is_for(finding, provider) || !finding->job->external_id)
                        continue;
                rc = provider->status_request(ctx, finding->session, finding->job->external_id,
                                              &call->request);
                if (rc == ERR_PROVIDER)
                        rc = poll_finding_fail(ctx, finding);
                else if (rc == OK) {
                        questions[count] = (struct question){ batch, finding };
                        call->arg = &questions[count++];
                }
                if (rc != OK)
                        return rc;
        }
        *ret_count = count;
        return OK;
}

static enum err ask(struct ctx *ctx, struct batch *batch)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        struct http_calls calls = {
                .calls = arena_alloc(ctx->arena, (batch->count + 1) * sizeof(*calls.calls)),
                .width = CALLS_AT_ONCE,
                .begin = may_ask,
                .done = on_answer,
        };
        enum err rc;

        ctx_topic_keep(ctx, &topic);
        if (!calls.calls)
                return ctx_nomem(ctx);
        batch->topic = topic;
        rc = make_calls(ctx, batch, calls.calls, &calls.count);
        if (rc != OK || calls.count == 0)
                return rc;
        rc = provider_call_all(ctx, ((struct question *)calls.calls[0].arg)->finding->session,
                               &calls);
        return rc == OK ? batch->fault : rc;
}

/* ---- looking for those it has not ---- */

/* All lost jobs with one session; those of other owners are in other accounts. */
static enum err look_for_lost(struct ctx *ctx, struct batch *batch,
                              const struct provider_session *session)
{
        struct poll_finding **lost =
                arena_alloc(ctx->arena, (batch->count + 1) * sizeof(struct poll_finding *));
        size_t count = 0;

        if (!lost)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < batch->count; i++) {
                struct poll_finding *finding = &batch->findings[i];

                if (finding->session == session && !finding->job->external_id)
                        lost[count++] = finding;
        }
        return job_recovery_look(ctx, lost, count);
}

static enum err recover(struct ctx *ctx, struct batch *batch)
{
        const struct provider *provider = provider_at(batch->provider);
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < batch->count; i++) {
                const struct poll_finding *finding = &batch->findings[i];

                if (is_for(finding, provider) && !finding->job->external_id &&
                    finding->result == POLL_NOT_ASKED)
                        rc = look_for_lost(ctx, batch, finding->session);
        }
        return rc;
}

/* ---- those that have ended here ---- */

/* A job is asked about after its end only until it is sure that it has ended there too. */
static enum err end_strays(struct ctx *ctx, struct batch *batch)
{
        const struct provider *provider = provider_at(batch->provider);
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < batch->count; i++) {
                struct poll_finding *finding = &batch->findings[i];

                if (is_for(finding, provider) && finding->result == POLL_NEWS &&
                    job_status_is_terminal(finding->job->status))
                        rc = job_recovery_end_stray(ctx, finding);
        }
        return rc;
}

/* ---- a batch ---- */

static enum err take_due(struct ctx *ctx, struct poll_round *round, unsigned limit,
                         struct batch *batch)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        const struct job_due due = {
                .now_us = round->started_at_us,
                .until_us = now_us + POLL_WAIT_MAX_US + CLOCK_SLACK_US,
                .limit = limit,
                .after_due_us = round->after_due_us,
                .after_id = round->after_id,
        };
        struct job *jobs;
        enum err rc;

        rc = store_jobs_due(ctx, &due, &jobs, &batch->count);
        if (rc != OK)
                return rc;
        batch->findings = arena_alloc(ctx->arena, (batch->count + 1) * sizeof(*batch->findings));
        if (!batch->findings)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < batch->count; i++)
                batch->findings[i] = (struct poll_finding){ .job = &jobs[i] };
        round->more = batch->count == limit;
        if (batch->count > 0) {
                round->after_due_us = jobs[batch->count - 1].poll_at_us;
                snprintf(round->after_id, sizeof(round->after_id), "%s",
                         jobs[batch->count - 1].job_id);
        }
        return OK;
}

enum err job_poll(struct ctx *ctx, struct poll_round *round, unsigned limit)
{
        struct batch batch = { .round = round };
        enum err rc;

        rc = take_due(ctx, round, limit, &batch);
        for (size_t i = 0; rc == OK && i < batch.count; i++)
                rc = open_session(ctx, &batch, &batch.findings[i]);
        for (size_t n = 0; rc == OK && provider_at(n); n++) {
                batch.provider = n;
                rc = ask(ctx, &batch);
                if (rc == OK)
                        rc = recover(ctx, &batch);
                if (rc == OK)
                        rc = end_strays(ctx, &batch);
        }
        if (rc != OK)
                return rc;
        return poll_findings_record(ctx, batch.findings, batch.count, round->started_at_us + 1,
                                    &round->report);
}
