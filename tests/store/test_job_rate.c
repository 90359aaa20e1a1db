#include "core/cloud/job_rate.h"
#include "tests/fixture_db.h"

#define LIMIT 10

static struct ctx *limited(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->job_requests_per_minute = LIMIT;
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = "01hm3v000000000000000000aa" };
        return ctx;
}

static void use_up(struct ctx *ctx)
{
        for (int i = 0; i < LIMIT; i++)
                assert_ok(ctx, job_rate_check(ctx));
}

static void more_than_the_limit_is_told_to_slow_down(void **state)
{
        struct ctx *ctx = limited(state);

        use_up(ctx);
        assert_rc(ctx, ERR_LIMITED, job_rate_check(ctx));
        assert_string_equal(ctx->code, "SlowDown");
        assert_true(ctx->retry_after_s > 0);
}

static void the_window_slides(void **state)
{
        struct ctx *ctx = limited(state);

        use_up(ctx);
        fixture_advance_us(ctx, 60 * US_PER_S);
        assert_rc(ctx, ERR_LIMITED, job_rate_check(ctx));
        fixture_advance_us(ctx, 30 * US_PER_S);
        for (int i = 0; i < LIMIT / 2; i++)
                assert_ok(ctx, job_rate_check(ctx));
        assert_rc(ctx, ERR_LIMITED, job_rate_check(ctx));
        fixture_advance_us(ctx, 180 * US_PER_S);
        use_up(ctx);
}

static void what_was_refused_does_not_count(void **state)
{
        struct ctx *ctx = limited(state);

        use_up(ctx);
        for (int i = 0; i < 10 * LIMIT; i++)
                assert_rc(ctx, ERR_LIMITED, job_rate_check(ctx));
        fixture_advance_us(ctx, 120 * US_PER_S);
        use_up(ctx);
}

static void each_job_has_a_limit_of_its_own(void **state)
{
        struct ctx *ctx = limited(state);

        use_up(ctx);
        ctx->actor.job_id = "01hm3v000000000000000000ab";
        use_up(ctx);
}

static void others_than_jobs_are_not_counted_here(void **state)
{
        struct ctx *ctx = limited(state);

        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        use_up(ctx);
        use_up(ctx);
}

static void zero_means_no_limit(void **state)
{
        struct ctx *ctx = limited(state);

        fixture_config(ctx)->job_requests_per_minute = 0;
        use_up(ctx);
        use_up(ctx);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(more_than_the_limit_is_told_to_slow_down),
                FIXTURE_CLOUD_TEST(the_window_slides),
                FIXTURE_CLOUD_TEST(what_was_refused_does_not_count),
                FIXTURE_CLOUD_TEST(each_job_has_a_limit_of_its_own),
                FIXTURE_CLOUD_TEST(others_than_jobs_are_not_counted_here),
                FIXTURE_CLOUD_TEST(zero_means_no_limit),
        };

        return FIXTURE_RUN("job rate", tests);
}
