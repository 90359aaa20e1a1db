#include "core/cloud/http/http_retry.h"
#include "tests/fixture.h"

static const struct http_request get = { .method = "GET" };
static const struct http_request paid = { .method = "POST" };
static const struct http_request cancel = { .method = "POST", .repeatable = true };

/* Attempts that all end alike; returns how many were made. */
static unsigned attempts(struct ctx *ctx, double budget_s, const struct http_request *request,
                         enum err rc, struct http_answer answer)
{
        struct http_retry retry = http_retry_begin(ctx, budget_s);
        unsigned made = 1;

        while (http_retry_wait(ctx, &retry, request, rc, &answer))
                made++;
        return made;
}

static int64_t waited_us(const struct ctx *ctx)
{
        return clock_mono_us(ctx->clock) - FIXTURE_TIME_US;
}

static void what_may_be_repeated_is_tried_three_times(void **state)
{
        const struct http_answer busy = { .status = 503 };

        assert_int_equal(attempts(*state, 60, &get, OK, busy), 3);
        assert_int_equal(attempts(*state, 60, &cancel, OK, busy), 3);
        assert_int_equal(attempts(*state, 60, &paid, OK, busy), 1);
}

static void only_failures_that_time_may_heal_are_tried_again(void **state)
{
        static const struct {
                enum err rc;
                struct http_answer answer;
                unsigned attempts;
        } cases[] = {
                { OK, { .status = 200 }, 1 },
                { OK, { .status = 400 }, 1 },
                { OK, { .status = 401 }, 1 },
                { OK, { .status = 404 }, 1 },
                { OK, { .status = 429 }, 3 },
                { OK, { .status = 500 }, 3 },
                { OK, { .status = 501 }, 1 },
                { OK, { .status = 502 }, 3 },
                { OK, { .status = 503 }, 3 },
                { OK, { .status = 504 }, 3 },
                { ERR_PROVIDER, { .permanent = false }, 3 },
                { ERR_OUTCOME_UNKNOWN, { .permanent = false }, 3 },
                { ERR_PROVIDER, { .permanent = true }, 1 },
                { ERR_NOMEM, { .permanent = false }, 1 },
                { ERR_NOT_READY, { .permanent = false }, 1 },
                { ERR_DENIED, { .permanent = true }, 1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(attempts(*state, 60, &get, cases[i].rc, cases[i].answer),
                                 cases[i].attempts);
}

static void waits_are_random_parts_of_one_and_two_seconds(void **state)
{
        struct ctx *ctx = *state;
        int64_t longest_us = 0, shortest_us = INT64_MAX;

        for (unsigned i = 0; i < 200; i++) {
                int64_t before_us = clock_mono_us(ctx->clock), took_us;

                assert_int_equal(attempts(ctx, 60, &get, OK, (struct http_answer){ .status = 500 }),
                                 3);
                took_us = clock_mono_us(ctx->clock) - before_us;
                assert_in_range(took_us, 0, 3 * US_PER_S);
                longest_us = took_us > longest_us ? took_us : longest_us;
                shortest_us = took_us < shortest_us ? took_us : shortest_us;
        }
        assert_true(longest_us > 2 * US_PER_S);
        assert_true(shortest_us < US_PER_S);
}

static void retry_after_is_waited_for(void **state)
{
        const struct http_answer answer = { .status = 503, .retry_after_s = 7 };

        assert_int_equal(attempts(*state, 60, &get, OK, answer), 3);
        assert_int_equal(waited_us(*state), 2 * 7 * US_PER_S);
}

static void the_words_of_a_throttled_answer_count_like_retry_after(void **state)
{
        const struct http_answer answer = {
                .status = 429,
                .body = "{\"detail\":\"Request was throttled. Your rate limit resets in ~12s.\"}",
        };

        assert_int_equal(attempts(*state, 60, &get, OK, answer), 3);
        assert_int_equal(waited_us(*state), 2 * 12 * US_PER_S);
}

static void odd_words_of_a_throttled_answer_are_no_time(void **state)
{
        static const char *const bodies[] = { "resets in ~", "resets in ~s", "resets in ~-5s",
                                              "resets in ~12 minutes", "" };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                int64_t before_us = waited_us(*state);

                assert_int_equal(attempts(*state, 60, &get, OK,
                                          (struct http_answer){ .status = 429, .body = bodies[i] }),
                                 3);
                assert_true(waited_us(*state) - before_us <= 3 * US_PER_S);
        }
}

static void who_asks_for_too_long_a_wait_is_not_asked_again(void **state)
{
        const struct http_answer later = { .status = 429, .retry_after_s = 31 };

        assert_int_equal(attempts(*state, 600, &get, OK, later), 1);
        assert_int_equal(waited_us(*state), 0);
}

static void nobody_waits_longer_than_the_budget(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < 200; i++) {
                int64_t before_us = clock_mono_us(ctx->clock);

                attempts(ctx, 1, &get, OK, (struct http_answer){ .status = 500 });
                assert_true(clock_mono_us(ctx->clock) - before_us < US_PER_S);
        }
        assert_int_equal(attempts(ctx, 0.05, &get, OK, (struct http_answer){ .status = 500 }), 1);
        assert_int_equal(attempts(ctx, 5, &get, OK,
                                  (struct http_answer){ .status = 503, .retry_after_s = 5 }),
                         1);
}

static void a_later_attempt_has_only_the_time_that_is_left(void **state)
{
        const struct http_answer answer = { .status = 503, .retry_after_s = 4 };
        struct http_retry retry = http_retry_begin(*state, 10);

        assert_true(http_retry_left_s(*state, &retry) == 10);
        fixture_advance_us(*state, US_PER_S);
        assert_true(http_retry_wait(*state, &retry, &get, OK, &answer));
        assert_true(http_retry_left_s(*state, &retry) == 5);
        fixture_advance_us(*state, 4 * US_PER_S);
        assert_false(http_retry_wait(*state, &retry, &get, OK, &answer));
        fixture_advance_us(*state, US_PER_HOUR);
        assert_true(http_retry_left_s(*state, &retry) > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(what_may_be_repeated_is_tried_three_times),
                FIXTURE_TEST(only_failures_that_time_may_heal_are_tried_again),
                FIXTURE_TEST(waits_are_random_parts_of_one_and_two_seconds),
                FIXTURE_TEST(retry_after_is_waited_for),
                FIXTURE_TEST(the_words_of_a_throttled_answer_count_like_retry_after),
                FIXTURE_TEST(odd_words_of_a_throttled_answer_are_no_time),
                FIXTURE_TEST(who_asks_for_too_long_a_wait_is_not_asked_again),
                FIXTURE_TEST(nobody_waits_longer_than_the_budget),
                FIXTURE_TEST(a_later_attempt_has_only_the_time_that_is_left),
        };

        return cmocka_run_group_tests_name("http retry", tests, NULL, NULL);
}
