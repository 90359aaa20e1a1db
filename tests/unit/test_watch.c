#include "core/cloud/cloud.h"
#include "fcgi/watch.h"
#include "tests/fixture.h"

static const struct watched no_pools = { 0 };
static struct cloud cloud;

static int setup(void **state)
{
        struct ctx *ctx;

        if (fixture_setup(state) != 0)
                return -1;
        ctx = *state;
        cloud = (struct cloud){ 0 };
        ctx->cloud = &cloud;
        return 0;
}

static void background_work_that_goes_round_is_no_trouble(void **state)
{
        struct ctx *ctx = *state;
        struct pulse *pulse = pulse_add(&cloud.pulses, "inbox", 60, clock_mono_us(ctx->clock));
        char text[WATCH_TEXT_SIZE];

        for (int i = 0; i < 10; i++) {
                fixture_advance_us(ctx, 50 * US_PER_S);
                assert_false(watch_find_hanging(ctx, &no_pools, text));
                pulse_begin(pulse, clock_mono_us(ctx->clock));
                pulse_end(pulse, clock_mono_us(ctx->clock), true);
        }
}

static void background_work_that_hangs_is_named(void **state)
{
        struct ctx *ctx = *state;
        const int64_t now_us = clock_mono_us(ctx->clock);
        char text[WATCH_TEXT_SIZE];

        assert_non_null(pulse_add(&cloud.pulses, "events", 600, now_us));
        pulse_begin(pulse_add(&cloud.pulses, "inbox", 60, now_us), now_us);
        fixture_advance_us(ctx, 61 * US_PER_S);
        assert_true(watch_find_hanging(ctx, &no_pools, text));
        assert_string_equal(text, "The work \"inbox\" hangs since 61 s");
}

static void work_that_may_take_any_time_never_hangs(void **state)
{
        struct ctx *ctx = *state;
        const int64_t now_us = clock_mono_us(ctx->clock);
        char text[WATCH_TEXT_SIZE];

        pulse_begin(pulse_add(&cloud.pulses, "archive", 0, now_us), now_us);
        fixture_advance_us(ctx, 86400 * US_PER_S);
        assert_false(watch_find_hanging(ctx, &no_pools, text));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(background_work_that_goes_round_is_no_trouble),
                TEST(background_work_that_hangs_is_named),
                TEST(work_that_may_take_any_time_never_hangs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
