#include "core/base/clock.h"
#include "tests/fixture.h"

static void a_fake_clock_stands_until_it_is_moved(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(clock_wall_us(ctx->clock), FIXTURE_TIME_US);
        fixture_advance_us(ctx, 5 * US_PER_S);
        assert_int_equal(clock_wall_us(ctx->clock), FIXTURE_TIME_US + 5 * US_PER_S);
        assert_int_equal(clock_mono_us(ctx->clock), FIXTURE_TIME_US + 5 * US_PER_S);
}

static void the_system_clock_does_not_go_back(void **state)
{
        int64_t before = clock_mono_us(&clock_system);

        (void)state;
        assert_true(clock_mono_us(&clock_system) >= before);
        assert_true(clock_wall_us(&clock_system) > FIXTURE_TIME_US);
}

static void a_fake_sleep_is_over_at_once_and_moves_the_clock(void **state)
{
        struct ctx *ctx = *state;
        int64_t before_us = clock_mono_us(&clock_system);

        clock_sleep_us(ctx->clock, US_PER_HOUR);
        assert_int_equal(clock_mono_us(ctx->clock), FIXTURE_TIME_US + US_PER_HOUR);
        assert_true(clock_mono_us(&clock_system) - before_us < 60 * US_PER_S);
}

static void a_sleep_lasts_as_long_as_was_asked(void **state)
{
        int64_t before_us = clock_mono_us(&clock_system);

        (void)state;
        clock_sleep_us(&clock_system, 2 * US_PER_MS);
        assert_true(clock_mono_us(&clock_system) - before_us >= 2 * US_PER_MS);
        clock_sleep_us(&clock_system, 0);
        clock_sleep_us(&clock_system, -US_PER_HOUR);
}

static void times_are_written_in_utc(void **state)
{
        char text[CLOCK_ISO_SIZE];

        (void)state;
        clock_format_iso(FIXTURE_TIME_US + 7999, text);
        assert_string_equal(text, "2024-01-15T10:30:00.007Z");
        clock_format_iso(0, text);
        assert_string_equal(text, "1970-01-01T00:00:00.000Z");
        clock_format_second(FIXTURE_TIME_US + 7999, text);
        assert_string_equal(text, "2024-01-15T10:30:00Z");
}

static void http_dates_have_the_fixed_form(void **state)
{
        char text[CLOCK_HTTP_SIZE];

        (void)state;
        clock_format_http(FIXTURE_TIME_US, text);
        assert_string_equal(text, "Mon, 15 Jan 2024 10:30:00 GMT");
}

static void a_written_time_reads_back(void **state)
{
        int64_t us = 0;

        (void)state;
        assert_true(clock_parse_iso("2024-01-15T10:30:00.000Z", &us));
        assert_int_equal(us, FIXTURE_TIME_US);
        assert_true(clock_parse_iso("2024-01-15T10:30:00Z", &us));
        assert_int_equal(us, FIXTURE_TIME_US);
        assert_true(clock_parse_iso("2024-01-15T10:30:00.123456789Z", &us));
        assert_int_equal(us, FIXTURE_TIME_US + 123456);
        assert_true(clock_parse_iso("2024-02-29T23:59:59Z", &us));
}

static void offsets_are_taken_off(void **state)
{
        int64_t us = 0;

        (void)state;
        assert_true(clock_parse_iso("2024-01-15T11:30:00+01:00", &us));
        assert_int_equal(us, FIXTURE_TIME_US);
        assert_true(clock_parse_iso("2024-01-15T05:00:00.5-05:30", &us));
        assert_int_equal(us, FIXTURE_TIME_US + 500000);
}

static void what_is_no_time_is_refused(void **state)
{
        static const char *const wrong[] = {
                "",
                "now",
                "2024-01-15",
                "2024-01-15 10:30:00Z",
                "2024-01-15T10:30:00",
                "2024-13-15T10:30:00Z",
                "2024-01-32T10:30:00Z",
                "2024-01-15T24:30:00Z",
                "2024-01-15T10:60:00Z",
                "2024-01-15T10:30:00Zx",
                "2024-01-15T10:30:00+0100",
                "2024-1-15T10:30:00Z",
        };
        int64_t us = 42;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(clock_parse_iso(wrong[i], &us));
        assert_int_equal(us, 42);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_fake_clock_stands_until_it_is_moved),
                cmocka_unit_test(the_system_clock_does_not_go_back),
                FIXTURE_TEST(a_fake_sleep_is_over_at_once_and_moves_the_clock),
                cmocka_unit_test(a_sleep_lasts_as_long_as_was_asked),
                cmocka_unit_test(times_are_written_in_utc),
                cmocka_unit_test(http_dates_have_the_fixed_form),
                cmocka_unit_test(a_written_time_reads_back),
                cmocka_unit_test(offsets_are_taken_off),
                cmocka_unit_test(what_is_no_time_is_refused),
        };

        return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
