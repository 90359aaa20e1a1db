#include <string.h>

#include "core/cloud/job/cost.h"
#include "core/cloud/job/job_stats.h"
#include "tests/fixture_db.h"

#define USD         INT64_C(1000000)
#define PRICE_NANOS (1000 * 1000) /* 0.001 USD a second */
#define SUBMITTERS  8

static struct provider_session session_of(struct ctx *ctx, const char *action, double amount)
{
        struct provider_session session;

        assert_ok(ctx, provider_open(ctx, "replicate", &session));
        session.settings.cost_limit_enabled = true;
        session.settings.cost_limit_amount = amount;
        session.settings.cost_limit_period = "daily";
        session.settings.cost_limit_action = action;
        return session;
}

static struct job job_of(struct ctx *ctx, const char *id)
{
        return (struct job){
                .job_id = id,
                .provider = "replicate",
                .status = JOB_PENDING,
                .owner = "local",
                .metadata = "{}",
                .hardware_profile = "h100",
                .price_usd_nanos_per_s = PRICE_NANOS,
                .created_at_us = clock_wall_us(ctx->clock),
        };
}

static void insert(struct ctx *ctx, const struct job *job)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, db_commit(&tx));
}

static void apply(struct ctx *ctx, const struct job *job, struct job_news news)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool moved;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_apply(ctx, job, &news, &moved, NULL));
        assert_ok(ctx, db_commit(&tx));
}

/* A job that has run and cost so much. */
static void completed(struct ctx *ctx, const char *id, int64_t run_s, int64_t cost_usd_micros)
{
        struct job job = job_of(ctx, id);

        insert(ctx, &job);
        apply(ctx, &job,
              (struct job_news){ .status = JOB_COMPLETED,
                                 .started_at_us = job.created_at_us,
                                 .completed_at_us = job.created_at_us + run_s * US_PER_S,
                                 .cost_usd_micros = cost_usd_micros });
}

static struct cost_limit status(struct ctx *ctx, const struct provider_session *session)
{
        struct cost_limit limit;

        assert_ok(ctx, cost_limit_status(ctx, "replicate", &session->settings, &limit));
        return limit;
}

static int64_t running(struct ctx *ctx)
{
        int64_t usd_micros;

        assert_ok(ctx, store_cost_of_active(ctx, "replicate", &usd_micros));
        return usd_micros;
}

static void what_jobs_of_the_period_cost_is_spent(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx, "block", 10);

        completed(ctx, "a", 60, 3 * USD);
        fixture_advance_us(ctx, 23 * US_PER_HOUR);
        completed(ctx, "b", 60, 2 * USD);
        assert_int_equal(status(ctx, &session).spent_usd_micros, 5 * USD);
        fixture_advance_us(ctx, 2 * US_PER_HOUR);
        assert_int_equal(status(ctx, &session).spent_usd_micros, 2 * USD);
        session.settings.cost_limit_period = "weekly";
        assert_int_equal(status(ctx, &session).spent_usd_micros, 5 * USD);
        fixture_advance_us(ctx, 7 * US_PER_DAY);
        assert_int_equal(status(ctx, &session).spent_usd_micros, 2 * USD);
        session.settings.cost_limit_period = "monthly";
        fixture_advance_us(ctx, 22 * US_PER_DAY);
        assert_int_equal(status(ctx, &session).spent_usd_micros, 5 * USD);
}

static void another_providers_jobs_do_not_count(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx, "block", 10);
        struct job job = job_of(ctx, "a");

        job.provider = "elsewhere";
        job.estimated_cost_usd_micros = USD;
        insert(ctx, &job);
        assert_int_equal(status(ctx, &session).spent_usd_micros, 0);
        assert_int_equal(status(ctx, &session).running_usd_micros, 0);
}

static void an_active_job_counts_with_its_estimate_and_then_with_its_time(void **state)
{
        struct ctx *ctx = *state;
        struct job job = job_of(ctx, "a");

        job.estimated_cost_usd_micros = USD; /* 1000 s */
        insert(ctx, &job);
        fixture_advance_us(ctx, US_PER_DAY);
        assert_int_equal(running(ctx), USD); /* it has not begun */
        apply(ctx, &job,
              (struct job_news){ .status = JOB_RUNNING,
                                 .started_at_us = clock_wall_us(ctx->clock),
                                 .cost_usd_micros = JOB_COST_UNKNOWN });
        fixture_advance_us(ctx, 900 * US_PER_S);
        assert_int_equal(running(ctx), USD);
        fixture_advance_us(ctx, 600 * US_PER_S);
        assert_int_equal(running(ctx), 3 * USD / 2);
        apply(ctx, &job, (struct job_news){ .status = JOB_FAILED, .cost_usd_micros = 1 });
        assert_int_equal(running(ctx), 0);
}

static void a_job_costs_no_more_than_its_own_limit_lets_it_run(void **state)
{
        struct ctx *ctx = *state;
        struct job job = job_of(ctx, "a");

        job.max_runtime_s = 100;
        insert(ctx, &job);
        apply(ctx, &job,
              (struct job_news){ .status = JOB_RUNNING,
                                 .started_at_us = clock_wall_us(ctx->clock),
                                 .cost_usd_micros = JOB_COST_UNKNOWN });
        fixture_advance_us(ctx, 50 * US_PER_S);
        assert_int_equal(running(ctx), USD / 20);
        fixture_advance_us(ctx, US_PER_HOUR);
        assert_int_equal(running(ctx), USD / 10);
}

static void prices_of_any_size_do_not_break_the_sum(void **state)
{
        struct ctx *ctx = *state;
        struct job job = job_of(ctx, "a");

        job.price_usd_nanos_per_s = INT64_C(8000000) * 1000000000;
        insert(ctx, &job);
        apply(ctx, &job,
              (struct job_news){ .status = JOB_RUNNING,
                                 .started_at_us = 1,
                                 .cost_usd_micros = JOB_COST_UNKNOWN });
        assert_true(running(ctx) >= INT64_C(1000000000000000000));
}

/* What a submission does: check under the lock, then write the job. */
static enum err submit(struct ctx *ctx, const struct provider_session *session, const char *id,
                       const char **ret_warning)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job = job_of(ctx, id);
        enum err rc;

        job.estimated_cost_usd_micros = USD;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = cost_limit_lock(ctx, session);
        if (rc == OK)
                rc = cost_limit_check(ctx, session, USD, ret_warning);
        if (rc == OK)
                rc = store_job_insert(ctx, &job, &(struct job_secrets){ 0 });
        return rc == OK ? db_commit(&tx) : rc;
}

static void a_job_that_would_pass_the_limit_is_refused(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx, "block", 3);
        const char *warning;

        completed(ctx, "a", 60, USD);
        assert_ok(ctx, submit(ctx, &session, "b", &warning));
        assert_null(warning);
        assert_ok(ctx, submit(ctx, &session, "c", &warning)); /* exactly the limit */
        assert_string_equal(warning, "Spending limit exceeded: $3.00 / $3.00 (daily)");
        assert_rc(ctx, ERR_OVER_LIMIT, submit(ctx, &session, "d", &warning));
        assert_non_null(strstr(ctx->detail, "$1.00 spent of $3.00 daily limit"));
        assert_non_null(strstr(ctx->details, "\"running_estimate\":2.0"));
}

static void a_limit_that_warns_refuses_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx, "warn", 10);
        const char *warning;

        completed(ctx, "a", 60, 7 * USD - 1);
        assert_ok(ctx, submit(ctx, &session, "b", &warning));
        assert_null(warning);
        assert_ok(ctx, submit(ctx, &session, "c", &warning));
        assert_string_equal(warning, "Approaching limit: $9.00 / $10.00 (daily)");
        completed(ctx, "d", 60, 50 * USD);
        assert_ok(ctx, submit(ctx, &session, "e", &warning));
        assert_non_null(strstr(warning, "Spending limit exceeded"));
}

static void a_limit_of_nothing_or_one_that_is_off_is_none(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx, "block", 0);
        const char *warning;

        completed(ctx, "a", 60, 7 * USD);
        assert_ok(ctx, submit(ctx, &session, "b", &warning));
        session = session_of(ctx, "block", 1);
        session.settings.cost_limit_enabled = false;
        assert_ok(ctx, submit(ctx, &session, "c", &warning));
        assert_null(warning);
}

static bool submit_one(struct ctx *ctx, unsigned index, void *arg)
{
        enum err *results = arg;
        struct provider_session session = session_of(ctx, "block", 3);
        const char *warning;
        char id[] = "job-x";

        id[4] = (char)('a' + index);
        results[index] = submit(ctx, &session, id, &warning);
        return results[index] == OK || results[index] == ERR_OVER_LIMIT;
}

static void submissions_at_once_do_not_pass_the_limit_together(void **state)
{
        enum err results[SUBMITTERS];
        struct ctx *ctx = *state;

        fixture_threads(ctx, SUBMITTERS, submit_one, results);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs"), 3);
}

static struct cost_answer asked(struct ctx *ctx, struct cost_query query)
{
        struct cost_answer answer;

        query.provider = "replicate";
        assert_ok(ctx, cost_ask(ctx, &query, &answer));
        return answer;
}

static void an_estimate_is_the_mean_of_ones_own_jobs_on_that_hardware(void **state)
{
        struct ctx *ctx = *state;
        struct job other = job_of(ctx, "o");
        struct cost_answer answer;

        completed(ctx, "a", 100, USD);
        completed(ctx, "b", 300, USD);
        other.owner = "bob";
        insert(ctx, &other);
        apply(ctx, &other,
              (struct job_news){ .status = JOB_COMPLETED,
                                 .started_at_us = other.created_at_us,
                                 .completed_at_us = other.created_at_us + US_PER_DAY });
        answer = asked(ctx, (struct cost_query){ 0 });
        assert_true(answer.estimate.has_history);
        assert_int_equal(answer.estimate.run_s, 200);
        assert_int_equal(answer.estimate.usd_micros, 200 * 1525);
        answer = asked(ctx, (struct cost_query){ .max_runtime_minutes = 2 });
        assert_int_equal(answer.estimate.run_s, 120);
        fixture_advance_us(ctx, 91 * US_PER_DAY);
        assert_false(asked(ctx, (struct cost_query){ 0 }).estimate.has_history);
}

static void without_history_an_estimate_is_the_most_it_can_be(void **state)
{
        struct ctx *ctx = *state;
        struct cost_answer answer =
                asked(ctx, (struct cost_query){ .hardware_profile = "l40s-x2" });

        assert_false(answer.estimate.has_history);
        assert_int_equal(answer.estimate.run_s, 1800);
        assert_int_equal(answer.estimate.usd_micros, 3500000 - 1); /* 1800 s of 2 x 0.000972222 */
        answer = asked(ctx, (struct cost_query){ .max_runtime_minutes = 90 });
        assert_int_equal(answer.estimate.run_s, 5400);
}

static void the_summary_counts_days_and_states(void **state)
{
        struct ctx *ctx = *state;
        struct job active = job_of(ctx, "x");
        struct job_stats stats;

        completed(ctx, "old", 10, USD);
        fixture_advance_us(ctx, 2 * US_PER_DAY);
        completed(ctx, "a", 100, 2 * USD);
        completed(ctx, "b", 300, 3 * USD);
        insert(ctx, &active);
        assert_ok(ctx, job_stats(ctx, 2, &stats));
        assert_int_equal(stats.day_count, 1);
        assert_int_equal(stats.jobs, 2); /* the active one was made two days before */
        assert_int_equal(stats.cost_usd_micros, 5 * USD);
        assert_int_equal(stats.run_us, 400 * US_PER_S);
        assert_int_equal(stats.by_status[JOB_COMPLETED], 2);
        assert_int_equal(stats.by_status[JOB_PENDING], 1);
        assert_ok(ctx, job_stats(ctx, JOB_STATS_DAYS_MAX, &stats));
        assert_int_equal(stats.day_count, 2);
        assert_int_equal(stats.days[0].cost_usd_micros, USD);
        assert_int_equal(stats.jobs, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(what_jobs_of_the_period_cost_is_spent),
                FIXTURE_CLOUD_TEST(another_providers_jobs_do_not_count),
                FIXTURE_CLOUD_TEST(an_active_job_counts_with_its_estimate_and_then_with_its_time),
                FIXTURE_CLOUD_TEST(a_job_costs_no_more_than_its_own_limit_lets_it_run),
                FIXTURE_CLOUD_TEST(prices_of_any_size_do_not_break_the_sum),
                FIXTURE_CLOUD_TEST(a_job_that_would_pass_the_limit_is_refused),
                FIXTURE_CLOUD_TEST(a_limit_that_warns_refuses_nothing),
                FIXTURE_CLOUD_TEST(a_limit_of_nothing_or_one_that_is_off_is_none),
                FIXTURE_CLOUD_TEST(submissions_at_once_do_not_pass_the_limit_together),
                FIXTURE_CLOUD_TEST(an_estimate_is_the_mean_of_ones_own_jobs_on_that_hardware),
                FIXTURE_CLOUD_TEST(without_history_an_estimate_is_the_most_it_can_be),
                FIXTURE_CLOUD_TEST(the_summary_counts_days_and_states),
        };

        return FIXTURE_RUN("cost", tests);
}
