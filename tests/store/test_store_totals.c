#include <stdio.h>
#include <string.h>

#include "core/db/migrate.h"
#include "core/store/store_approvals.h"
#include "core/store/store_retention.h"
#include "core/store/store_totals.h"
#include "tests/fixture_job.h"

#define JOBS  60
#define STEPS 600

/* What the walk did, counted by hand. */
struct walk {
        unsigned seed;
        enum job_status status[JOBS];
        bool made[JOBS], gone[JOBS], started[JOBS], ran[JOBS];
        int64_t cost[JOBS];
        int64_t finished[JOB_STATUS_COUNT], deleted[JOB_STATUS_COUNT];
        int64_t cost_usd_micros, queued, run;
};

/* A sequence that is the same in every run (Numerical Recipes' constants). */
static unsigned next(struct walk *walk, unsigned below)
{
        walk->seed = walk->seed * 1664525u + 1013904223u;
        return (walk->seed >> 8) % below;
}

static void submit(struct ctx *ctx, struct walk *walk, unsigned n)
{
        struct job job = fixture_job(ctx, n);

        if (walk->made[n])
                return;
        job.status = next(walk, 4) == 0 ? JOB_BLOCKED : JOB_PENDING;
        walk->made[n] = true;
        walk->status[n] = job.status;
        fixture_job_insert(ctx, &job);
}

/* News of any status, sensible or not; the model takes only what moves on. */
static void tell(struct ctx *ctx, struct walk *walk, unsigned n)
{
        struct job job = fixture_job(ctx, n);
        struct job_news news = { .status = JOB_PENDING + next(walk, JOB_STATUS_COUNT - 1),
                                 .cost_usd_micros = JOB_COST_UNKNOWN };
        struct job before, now;

        if (!walk->made[n] || walk->gone[n])
                return;
        if (news.status == JOB_RUNNING || job_status_is_terminal(news.status))
                news.started_at_us = next(walk, 3) ? job.created_at_us + 7 * US_PER_S : 0;
        if (job_status_is_terminal(news.status)) {
                news.completed_at_us = job.created_at_us + (20 + next(walk, 99999)) * US_PER_S;
                news.cost_usd_micros = next(walk, 5) ? (int64_t)next(walk, 1000) : JOB_COST_UNKNOWN;
        }
        before = fixture_job_stored(ctx, job.job_id);
        fixture_job_apply(ctx, &job, news);
        now = fixture_job_stored(ctx, job.job_id);
        walk->finished[now.status] +=
                !job_status_is_terminal(before.status) && job_status_is_terminal(now.status);
        walk->status[n] = now.status;
        walk->queued += !walk->started[n] && now.started_at_us;
        walk->started[n] |= now.started_at_us != 0;
        walk->run += !walk->ran[n] && job_status_is_terminal(now.status) && job_run_us(&now) > 0;
        walk->ran[n] |= job_status_is_terminal(now.status) && job_run_us(&now) > 0;
        if (now.cost_usd_micros > walk->cost[n]) {
                walk->cost_usd_micros += now.cost_usd_micros - walk->cost[n];
                walk->cost[n] = now.cost_usd_micros;
        }
}

static void forget(struct ctx *ctx, struct walk *walk, unsigned n)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *job_id = fixture_job(ctx, n).job_id;
        enum err rc;

        if (!walk->made[n] || walk->gone[n])
                return;
        assert_ok(ctx, db_begin(ctx, &tx));
        rc = store_job_delete(ctx, job_id);
        if (rc == OK)
                rc = store_job_traces_delete(ctx, job_id);
        assert_int_equal(rc, job_status_is_terminal(walk->status[n]) ? OK : ERR_NOT_FOUND);
        if (rc != OK)
                return;
        assert_ok(ctx, db_commit(&tx));
        walk->gone[n] = true;
        walk->deleted[walk->status[n]]++;
}

/* Everything store_totals_each says, added up. */
struct sums {
        int64_t of[TOTAL_KIND_COUNT][JOB_STATUS_COUNT], all[TOTAL_KIND_COUNT];
};

static enum err sum(struct ctx *ctx, void *arg, const struct total *total)
{
        struct sums *sums = arg;
        enum job_status status;

        (void)ctx;
        if (job_status_parse(total->label, &status))
                sums->of[total->kind][status] += total->value;
        sums->all[total->kind] += total->value;
        return OK;
}

static struct sums totals(struct ctx *ctx)
{
        struct sums sums = { 0 };

        assert_ok(ctx, store_totals_each(ctx, sum, &sums));
        return sums;
}

struct span_sums {
        const char *name;
        int64_t spans, total_us, upto_s;
};

static enum err sum_span(struct ctx *ctx, void *arg, const struct total_span *span)
{
        struct span_sums *sums = arg;

        (void)ctx;
        if (strcmp(span->name, sums->name) == 0) {
                sums->spans += span->spans;
                sums->total_us += span->total_us;
                sums->upto_s = span->upto_s;
        }
        return OK;
}

static struct span_sums spans(struct ctx *ctx, const char *name)
{
        struct span_sums sums = { .name = name };

        assert_ok(ctx, store_total_spans_each(ctx, sum_span, &sums));
        return sums;
}

static void compare(struct ctx *ctx, const struct walk *walk)
{
        const struct sums sums = totals(ctx);
        int64_t made = 0;

        for (unsigned n = 0; n < JOBS; n++)
                made += walk->made[n];
        assert_int_equal(sums.all[TOTAL_JOBS_FINISHED] + sums.all[TOTAL_JOBS_ACTIVE], made);
        assert_int_equal(sums.all[TOTAL_JOBS_FINISHED] - sums.all[TOTAL_JOBS_DELETED] +
                                 sums.all[TOTAL_JOBS_ACTIVE],
                         fixture_number(ctx, "SELECT COUNT(*) FROM jobs"));
        for (unsigned status = 0; status < JOB_STATUS_COUNT; status++) {
                int64_t there = 0;

                for (unsigned n = 0; n < JOBS; n++)
                        there += walk->made[n] && !walk->gone[n] && walk->status[n] == status;
                assert_int_equal(sums.of[TOTAL_JOBS_FINISHED][status], walk->finished[status]);
                assert_int_equal(sums.of[TOTAL_JOBS_DELETED][status], walk->deleted[status]);
                assert_int_equal(sums.of[TOTAL_JOBS_FINISHED][status] -
                                         sums.of[TOTAL_JOBS_DELETED][status] +
                                         sums.of[TOTAL_JOBS_ACTIVE][status],
                                 there);
        }
        assert_int_equal(sums.all[TOTAL_JOB_COST], walk->cost_usd_micros);
        assert_int_equal(spans(ctx, "job_queue").spans, walk->queued);
        assert_int_equal(spans(ctx, "job_queue").total_us, walk->queued * 7 * US_PER_S);
        assert_int_equal(spans(ctx, "job_run").spans, walk->run);
}

static void whatever_is_done_to_jobs_the_totals_are_what_was_done(void **state)
{
        static const unsigned seeds[] = { 1, 20, 300 };
        struct ctx *ctx = *state;
        struct walk walk = { .seed = seeds[fixture_is_sqlite(ctx)] };

        for (unsigned step = 0; step < STEPS; step++) {
                const unsigned n = next(&walk, JOBS), what = next(&walk, 8);

                if (what < 2)
                        submit(ctx, &walk, n);
                else if (what < 7)
                        tell(ctx, &walk, n);
                else
                        forget(ctx, &walk, n);
                if (step % 50 == 49)
                        compare(ctx, &walk);
        }
        compare(ctx, &walk);
        assert_true(walk.finished[JOB_COMPLETED] > 0 && walk.deleted[JOB_FAILED] > 0);
}

static void the_oldest_active_job_says_since_when_it_waits(void **state)
{
        struct ctx *ctx = *state;
        const struct job first = fixture_job_inserted(ctx, 1);

        fixture_job_inserted(ctx, 2);
        assert_int_equal(totals(ctx).of[TOTAL_JOBS_ACTIVE][JOB_PENDING], 2);
        assert_int_equal(fixture_number(ctx, "SELECT MIN(created_at_us) FROM jobs"),
                         first.created_at_us);
}

static void a_span_is_counted_below_the_first_bound_that_holds_it(void **state)
{
        static const struct {
                int64_t run_us, upto_s;
        } cases[] = {
                { 1, 60 },
                { 60 * US_PER_S, 60 },
                { 60 * US_PER_S + 1, 300 },
                { 86400 * US_PER_S, 86400 },
                { 86400 * US_PER_S + 1, 0 },
        };
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct job job = fixture_job_inserted(ctx, i);
                const struct job_news end = { .status = JOB_COMPLETED,
                                              .started_at_us = job.created_at_us,
                                              .completed_at_us =
                                                      job.created_at_us + cases[i].run_us,
                                              .cost_usd_micros = JOB_COST_UNKNOWN };
                const int64_t before = spans(ctx, "job_run").total_us;

                fixture_sql(ctx, "DELETE FROM metric_spans");
                fixture_job_apply(ctx, &job, end);
                assert_int_equal(spans(ctx, "job_run").upto_s, cases[i].upto_s);
                assert_int_equal(spans(ctx, "job_run").total_us, cases[i].run_us);
                (void)before;
        }
}

static struct approval_request ask(struct ctx *ctx, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct approval_request request = { .job_id = job_id,
                                            .owner = "local",
                                            .required_approver_level = "lead",
                                            .reason = "it costs",
                                            .provider = "replicate",
                                            .created_at_us = FIXTURE_TIME_US,
                                            .expires_at_us = FIXTURE_TIME_US + US_PER_DAY };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_approval_next(ctx, &request.request_id));
        assert_ok(ctx, store_approval_insert(ctx, &request));
        assert_ok(ctx, db_commit(&tx));
        return request;
}

static void approvals_are_counted_when_they_are_decided_and_when_they_go(void **state)
{
        struct ctx *ctx = *state;
        const struct approval_request first = ask(ctx, "a"), second = ask(ctx, "b");
        const struct approval_move yes = { .status = APPROVAL_APPROVED, .by = "boss" };
        struct db_tx tx = { 0 };
        bool moved = false;
        struct sums sums;

        ask(ctx, "c");
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_approval_move(ctx, first.request_id, &yes, &moved));
        assert_true(moved);
        assert_ok(ctx, store_approval_move(ctx, first.request_id, &yes, &moved));
        assert_false(moved);
        assert_ok(ctx, store_approval_delete(ctx, "a"));
        assert_ok(ctx, store_approval_delete(ctx, second.job_id));
        assert_ok(ctx, store_approval_delete(ctx, "nobody's"));
        assert_ok(ctx, db_commit(&tx));
        sums = totals(ctx);
        assert_int_equal(sums.all[TOTAL_APPROVALS_FINISHED], 1);
        assert_int_equal(sums.all[TOTAL_APPROVALS_DELETED], 1);
        assert_int_equal(sums.all[TOTAL_APPROVALS_PENDING], 1);
}

static void an_older_database_is_counted_when_it_is_migrated(void **state)
{
        struct ctx *ctx = *state;
        unsigned applied = 0;
        struct sums sums;

        fixture_migrate_to(ctx, 19);
        fixture_sql(ctx, "INSERT INTO jobs (job_id, provider, status, created_at_us, "
                         "updated_at_us, started_at_us, completed_at_us) VALUES "
                         "('a', 'replicate', 'completed', 1000000, 1, 3000000, 103000000), "
                         "('b', 'replicate', 'running', 1000000, 1, 2000000, NULL), "
                         "('c', 'http', 'failed', 1000000, 1, NULL, 5000000)");
        fixture_sql(ctx, "INSERT INTO job_hours (provider, hour, owner, hardware_profile, jobs, "
                         "completed, failed, cancelled, run_us, cost_usd_micros) VALUES "
                         "('replicate', 0, 'local', '', 6, 3, 1, 1, 100000000, 77), "
                         "('http', 0, 'local', '', 1, 0, 1, 0, 0, 0)");
        fixture_sql(ctx, "INSERT INTO audit_counts VALUES ('job.submitted', 4)");
        assert_ok(ctx, migrate_run(ctx, &applied));
        sums = totals(ctx);
        assert_int_equal(sums.of[TOTAL_JOBS_FINISHED][JOB_COMPLETED], 3);
        assert_int_equal(sums.of[TOTAL_JOBS_FINISHED][JOB_FAILED], 2);
        assert_int_equal(sums.of[TOTAL_JOBS_DELETED][JOB_COMPLETED], 2);
        assert_int_equal(sums.of[TOTAL_JOBS_DELETED][JOB_FAILED], 1);
        assert_int_equal(sums.of[TOTAL_JOBS_DELETED][JOB_CANCELLED], 1);
        assert_int_equal(sums.all[TOTAL_JOBS_ACTIVE], 1);
        assert_int_equal(sums.all[TOTAL_JOB_COST], 77);
        assert_int_equal(spans(ctx, "job_queue").spans, 2);
        assert_int_equal(spans(ctx, "job_queue").total_us, 3000000);
        assert_int_equal(spans(ctx, "job_run").upto_s, 300);
        assert_int_equal(fixture_number(ctx, "SELECT written FROM audit_counts"), 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(whatever_is_done_to_jobs_the_totals_are_what_was_done),
                FIXTURE_DB_TEST(the_oldest_active_job_says_since_when_it_waits),
                FIXTURE_DB_TEST(a_span_is_counted_below_the_first_bound_that_holds_it),
                FIXTURE_DB_TEST(approvals_are_counted_when_they_are_decided_and_when_they_go),
                FIXTURE_EMPTY_DB_TEST(an_older_database_is_counted_when_it_is_migrated),
        };

        return FIXTURE_RUN("store_totals", tests);
}
