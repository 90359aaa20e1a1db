#include <string.h>

#include "core/cloud/provider/breaker.h"
#include "tests/fixture_db.h"

#define PROVIDER "replicate"

/* One call from beginning to end. */
static void call(struct ctx *ctx, enum breaker_outcome outcome)
{
        struct breaker_pass pass;

        assert_ok(ctx, breaker_check(ctx, PROVIDER, &pass));
        breaker_report(ctx, &pass, outcome, "HTTP 503");
}

static void calls(struct ctx *ctx, unsigned count, enum breaker_outcome outcome)
{
        while (count-- > 0)
                call(ctx, outcome);
}

static struct breaker breaker(struct ctx *ctx)
{
        struct breaker now;

        assert_ok(ctx, breaker_get(ctx, PROVIDER, &now));
        return now;
}

static void open_it(struct ctx *ctx)
{
        calls(ctx, BREAKER_FAILURES, BREAKER_FAILURE);
        assert_int_equal(breaker(ctx).state, BREAKER_OPEN);
}

static void assert_refused(struct ctx *ctx, unsigned seconds)
{
        struct breaker_pass pass = { .provider = "untouched" };
        char text[128];

        assert_rc(ctx, ERR_NOT_READY, breaker_check(ctx, PROVIDER, &pass));
        assert_string_equal(pass.provider, "untouched");
        snprintf(text, sizeof(text),
                 "Provider 'replicate' is temporarily unavailable. Please try again in %u s.",
                 seconds);
        assert_string_equal(ctx->detail, text);
        assert_int_equal(ctx->retry_after_s, seconds);
}

static void five_failures_in_a_row_open_it(void **state)
{
        struct ctx *ctx = *state;

        calls(ctx, BREAKER_FAILURES - 1, BREAKER_FAILURE);
        assert_int_equal(breaker(ctx).state, BREAKER_CLOSED);
        assert_int_equal(breaker(ctx).failures, BREAKER_FAILURES - 1);
        call(ctx, BREAKER_FAILURE);
        assert_int_equal(breaker(ctx).state, BREAKER_OPEN);
        assert_int_equal(breaker(ctx).opened_at_us, FIXTURE_TIME_US);
        assert_string_equal(breaker(ctx).last_error, "HTTP 503");
        assert_refused(ctx, BREAKER_OPEN_S);
        assert_rc(ctx, ERR_NOT_READY, breaker_look(ctx, PROVIDER));
}

static void a_success_ends_the_row_of_failures(void **state)
{
        struct ctx *ctx = *state;

        calls(ctx, BREAKER_FAILURES - 1, BREAKER_FAILURE);
        call(ctx, BREAKER_SUCCESS);
        assert_int_equal(breaker(ctx).failures, 0);
        calls(ctx, BREAKER_FAILURES - 1, BREAKER_FAILURE);
        assert_int_equal(breaker(ctx).state, BREAKER_CLOSED);
        assert_int_equal(breaker(ctx).total_failures, 2 * (BREAKER_FAILURES - 1));
}

static void what_says_nothing_about_the_provider_counts_for_nothing(void **state)
{
        struct ctx *ctx = *state;

        calls(ctx, BREAKER_FAILURES - 1, BREAKER_FAILURE);
        calls(ctx, 10, BREAKER_NO_VERDICT);
        assert_int_equal(breaker(ctx).failures, BREAKER_FAILURES - 1);
}

static void a_provider_that_is_well_costs_no_write(void **state)
{
        struct ctx *ctx = *state;

        calls(ctx, 3, BREAKER_SUCCESS);
        calls(ctx, 3, BREAKER_NO_VERDICT);
        assert_int_equal(fixture_number(ctx, "SELECT count(*) FROM breakers"), 0);
}

static void it_lets_calls_out_again_after_thirty_seconds(void **state)
{
        struct ctx *ctx = *state;
        struct breaker_pass pass;

        open_it(ctx);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S - 1);
        assert_refused(ctx, 1);
        fixture_advance_us(ctx, 1);
        assert_ok(ctx, breaker_look(ctx, PROVIDER));
        assert_int_equal(breaker(ctx).state, BREAKER_OPEN);
        assert_ok(ctx, breaker_check(ctx, PROVIDER, &pass));
        assert_true(pass.probe);
        assert_int_equal(breaker(ctx).state, BREAKER_HALF_OPEN);
}

static void two_good_probes_close_it(void **state)
{
        struct ctx *ctx = *state;

        open_it(ctx);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S);
        call(ctx, BREAKER_SUCCESS);
        assert_int_equal(breaker(ctx).state, BREAKER_HALF_OPEN);
        assert_int_equal(breaker(ctx).successes, 1);
        call(ctx, BREAKER_SUCCESS);
        assert_int_equal(breaker(ctx).state, BREAKER_CLOSED);
        assert_int_equal(breaker(ctx).failures, 0);
        assert_int_equal(breaker(ctx).total_failures, BREAKER_FAILURES);
}

static void one_bad_probe_opens_it_for_another_thirty_seconds(void **state)
{
        struct ctx *ctx = *state;

        open_it(ctx);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S);
        call(ctx, BREAKER_SUCCESS);
        call(ctx, BREAKER_FAILURE);
        assert_int_equal(breaker(ctx).state, BREAKER_OPEN);
        assert_refused(ctx, BREAKER_OPEN_S);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S);
        call(ctx, BREAKER_SUCCESS);
        assert_int_equal(breaker(ctx).successes, 1);
}

struct race {
        bool let_out[8];
};

static bool take_pass(struct ctx *ctx, unsigned index, void *arg)
{
        struct race *race = arg;
        struct breaker_pass pass;
        enum err rc = breaker_check(ctx, PROVIDER, &pass);

        race->let_out[index] = rc == OK;
        return rc == OK || rc == ERR_NOT_READY;
}

static void assert_three_of_eight(void (*run)(struct ctx *, unsigned, fixture_thread_fn *, void *),
                                  struct ctx *ctx)
{
        struct race race = { 0 };
        unsigned let_out = 0;

        open_it(ctx);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S);
        run(ctx, ARRAY_SIZE(race.let_out), take_pass, &race);
        for (size_t i = 0; i < ARRAY_SIZE(race.let_out); i++)
                let_out += race.let_out[i];
        assert_int_equal(let_out, BREAKER_PROBES);
        assert_int_equal(breaker(ctx).probes, BREAKER_PROBES);
}

static void of_eight_threads_at_once_three_probe(void **state)
{
        assert_three_of_eight(fixture_threads, *state);
}

static void of_eight_processes_at_once_three_probe(void **state)
{
        assert_three_of_eight(fixture_strangers, *state);
}

static bool fail_once(struct ctx *ctx, unsigned index, void *arg)
{
        const struct breaker_pass pass = { .provider = PROVIDER };

        (void)index;
        (void)arg;
        breaker_report(ctx, &pass, BREAKER_FAILURE, "HTTP 500");
        return true;
}

static void failures_at_once_are_all_counted(void **state)
{
        fixture_strangers(*state, 16, fail_once, NULL);
        assert_int_equal(breaker(*state).total_failures, 16);
        assert_int_equal(breaker(*state).state, BREAKER_OPEN);
}

static void a_probe_that_reports_makes_room_for_the_next(void **state)
{
        struct breaker_pass passes[BREAKER_PROBES], another;
        struct ctx *ctx = *state;

        open_it(ctx);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S);
        for (size_t i = 0; i < BREAKER_PROBES; i++)
                assert_ok(ctx, breaker_check(ctx, PROVIDER, &passes[i]));
        assert_refused(ctx, 1);
        breaker_report(ctx, &passes[0], BREAKER_NO_VERDICT, NULL);
        assert_ok(ctx, breaker_check(ctx, PROVIDER, &another));
        assert_true(another.probe);
        assert_refused(ctx, 1);
}

static void probes_that_never_report_are_given_up(void **state)
{
        struct ctx *ctx = *state;
        struct breaker_pass pass;

        open_it(ctx);
        fixture_advance_us(ctx, BREAKER_OPEN_S * US_PER_S);
        for (size_t i = 0; i < BREAKER_PROBES; i++)
                assert_ok(ctx, breaker_check(ctx, PROVIDER, &pass));
        fixture_advance_us(ctx, BREAKER_PROBE_S * US_PER_S - 1);
        assert_refused(ctx, 1);
        fixture_advance_us(ctx, 1);
        calls(ctx, BREAKER_SUCCESSES, BREAKER_SUCCESS);
        assert_int_equal(breaker(ctx).state, BREAKER_CLOSED);
}

static void calls_from_before_it_opened_decide_nothing(void **state)
{
        struct breaker_pass early[2];
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(early); i++)
                assert_ok(ctx, breaker_check(ctx, PROVIDER, &early[i]));
        open_it(ctx);
        fixture_advance_us(ctx, US_PER_S);
        breaker_report(ctx, &early[0], BREAKER_SUCCESS, NULL);
        assert_int_equal(breaker(ctx).state, BREAKER_OPEN);
        breaker_report(ctx, &early[1], BREAKER_FAILURE, "HTTP 500");
        assert_int_equal(breaker(ctx).opened_at_us, FIXTURE_TIME_US);
        assert_refused(ctx, BREAKER_OPEN_S - 1);
}

static void a_clock_that_was_set_back_does_not_keep_it_open(void **state)
{
        struct breaker_pass pass;
        struct ctx *ctx = *state;

        open_it(ctx);
        fixture_advance_us(ctx, -US_PER_S);
        assert_refused(ctx, BREAKER_OPEN_S + 1); /* clocks of two hosts */
        fixture_advance_us(ctx, -US_PER_DAY);
        for (size_t i = 0; i < BREAKER_PROBES; i++)
                assert_ok(ctx, breaker_check(ctx, PROVIDER, &pass));
        assert_refused(ctx, 1);
        fixture_advance_us(ctx, -US_PER_DAY);
        assert_ok(ctx, breaker_check(ctx, PROVIDER, &pass));
}

static void a_reset_closes_it_and_is_audited_once(void **state)
{
        struct breaker after;
        struct ctx *ctx = *state;

        open_it(ctx);
        assert_ok(ctx, breaker_reset(ctx, PROVIDER, &after));
        assert_int_equal(after.state, BREAKER_CLOSED);
        assert_int_equal(after.failures, 0);
        call(ctx, BREAKER_SUCCESS);
        assert_ok(ctx, breaker_reset(ctx, PROVIDER, &after));
        assert_int_equal(fixture_number(ctx, "SELECT count(*) FROM audit_log WHERE event_type = "
                                             "'provider.breaker_reset'"),
                         1);
}

static void a_report_leaves_the_reason_of_the_failure_alone(void **state)
{
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_PROVIDER, ctx_fail(ctx, ERR_PROVIDER, "why"));
        call(ctx, BREAKER_FAILURE);
        assert_string_equal(ctx->detail, "why");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(five_failures_in_a_row_open_it),
                FIXTURE_DB_TEST(a_success_ends_the_row_of_failures),
                FIXTURE_DB_TEST(what_says_nothing_about_the_provider_counts_for_nothing),
                FIXTURE_DB_TEST(a_provider_that_is_well_costs_no_write),
                FIXTURE_DB_TEST(it_lets_calls_out_again_after_thirty_seconds),
                FIXTURE_DB_TEST(two_good_probes_close_it),
                FIXTURE_DB_TEST(one_bad_probe_opens_it_for_another_thirty_seconds),
                FIXTURE_DB_TEST(of_eight_threads_at_once_three_probe),
                FIXTURE_DB_TEST(of_eight_processes_at_once_three_probe),
                FIXTURE_DB_TEST(failures_at_once_are_all_counted),
                FIXTURE_DB_TEST(a_probe_that_reports_makes_room_for_the_next),
                FIXTURE_DB_TEST(probes_that_never_report_are_given_up),
                FIXTURE_DB_TEST(calls_from_before_it_opened_decide_nothing),
                FIXTURE_DB_TEST(a_clock_that_was_set_back_does_not_keep_it_open),
                FIXTURE_DB_TEST(a_reset_closes_it_and_is_audited_once),
                FIXTURE_DB_TEST(a_report_leaves_the_reason_of_the_failure_alone),
        };

        return FIXTURE_RUN("breaker", tests);
}
