#include "core/cloud/retention.h"
#include "core/store/store_events.h"
#include "tests/fixture_job.h"

/* A job that ended so many days ago. */
static struct job ended_job(struct ctx *ctx, unsigned n, int64_t days_ago)
{
        struct job job = fixture_job_inserted(ctx, n);

        fixture_job_name(ctx, &job, arena_printf(ctx->arena, "ext%u", n));
        fixture_job_apply(
                ctx, &job,
                (struct job_news){ .status = JOB_COMPLETED,
                                   .started_at_us = 1,
                                   .completed_at_us = FIXTURE_TIME_US - days_ago * US_PER_DAY,
                                   .cost_usd_micros = 5 });
        return job;
}

static unsigned forget_jobs(struct ctx *ctx, unsigned limit)
{
        unsigned count = 99;

        assert_ok(ctx, retention_jobs(ctx, limit, &count));
        return count;
}

static int64_t jobs_left(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM jobs");
}

static void jobs_are_forgotten_when_their_days_are_over(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->job_retention_days = 90;
        ended_job(ctx, 1, 91);
        ended_job(ctx, 2, 89);
        assert_int_equal(forget_jobs(ctx, 10), 1);
        assert_int_equal(forget_jobs(ctx, 10), 0);
        assert_int_equal(jobs_left(ctx), 1);
}

static void zero_days_keep_jobs_for_ever(void **state)
{
        struct ctx *ctx = *state;

        ended_job(ctx, 1, 4000);
        assert_int_equal(forget_jobs(ctx, 10), 0);
        assert_int_equal(jobs_left(ctx), 1);
}

static void a_job_that_has_not_ended_is_never_forgotten(void **state)
{
        struct ctx *ctx = *state;
        struct job early = fixture_job_inserted(ctx, 2);

        fixture_config(ctx)->job_retention_days = 1;
        fixture_job_inserted(ctx, 1);
        /* Ended here, but the provider is still to be asked about it. */
        fixture_job_apply(ctx, &early,
                          (struct job_news){ .status = JOB_CANCELLED,
                                             .completed_at_us = FIXTURE_TIME_US,
                                             .cost_usd_micros = JOB_COST_UNKNOWN,
                                             .poll_at_us = FIXTURE_TIME_US });
        fixture_advance_us(ctx, 400 * US_PER_DAY);
        assert_int_equal(forget_jobs(ctx, 10), 0);
        assert_int_equal(jobs_left(ctx), 2);
}

static void jobs_are_forgotten_the_oldest_first_and_a_batch_at_a_time(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        fixture_config(ctx)->job_retention_days = 1;
        for (unsigned n = 1; n <= 5; n++)
                ended_job(ctx, n, 10 + (int64_t)n);
        assert_int_equal(forget_jobs(ctx, 3), 3);
        assert_ok(ctx, store_job_get(ctx, fixture_job(ctx, 1).job_id, &job));
        assert_rc(ctx, ERR_NOT_FOUND, store_job_get(ctx, fixture_job(ctx, 5).job_id, &job));
        assert_int_equal(forget_jobs(ctx, 3), 2);
}

static void what_forgotten_jobs_cost_stays_known(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->job_retention_days = 1;
        ended_job(ctx, 1, 10);
        fixture_sql(ctx, "INSERT INTO idempotency_keys VALUES ('somebody', 'key', 'sha', "
                         "'01hm3v00000000000000000001', 9000000000000000)");
        assert_int_equal(forget_jobs(ctx, 3), 1);
        assert_int_equal(fixture_number(ctx, "SELECT SUM(cost_usd_micros) FROM job_hours"), 5);
        assert_int_equal(fixture_number(ctx, "SELECT SUM(jobs) FROM job_counts"), 0);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM idempotency_keys"), 0);
}

static void idempotency_keys_are_forgotten_when_they_expire(void **state)
{
        struct ctx *ctx = *state;
        unsigned count = 99;

        fixture_sql(ctx, "INSERT INTO idempotency_keys VALUES "
                         "('a', 'old', 's', 'j', 1705314599999999), "
                         "('a', 'new', 's', 'j', 1705314600000001), "
                         "('b', 'old', 's', 'j', 1)");
        assert_ok(ctx, retention_idempotency(ctx, 1, &count));
        assert_int_equal(count, 1);
        assert_ok(ctx, retention_idempotency(ctx, 10, &count));
        assert_int_equal(count, 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM idempotency_keys"), 1);
}

static void events_are_forgotten_after_their_hours(void **state)
{
        struct ctx *ctx = *state;
        unsigned count = 99;

        fixture_config(ctx)->event_retention_hours = 24;
        fixture_sql(ctx, "INSERT INTO events (event_id, created_at_us, event, owner, data) VALUES "
                         "(1, 1705228199999999, 'e', 'o', '{}'), "
                         "(2, 1705228200000001, 'e', 'o', '{}')");
        assert_ok(ctx, retention_events(ctx, 10, &count));
        assert_int_equal(count, 1);
        assert_int_equal(fixture_number(ctx, "SELECT MIN(event_id) FROM events"), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(jobs_are_forgotten_when_their_days_are_over),
                FIXTURE_DB_TEST(zero_days_keep_jobs_for_ever),
                FIXTURE_DB_TEST(a_job_that_has_not_ended_is_never_forgotten),
                FIXTURE_DB_TEST(jobs_are_forgotten_the_oldest_first_and_a_batch_at_a_time),
                FIXTURE_DB_TEST(what_forgotten_jobs_cost_stays_known),
                FIXTURE_DB_TEST(idempotency_keys_are_forgotten_when_they_expire),
                FIXTURE_DB_TEST(events_are_forgotten_after_their_hours),
        };

        return FIXTURE_RUN("retention", tests);
}
