#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/window_table.h"
#include "tests/fixture.h"

#define START_US (INT64_C(1000) * US_PER_S)

static int make(void **state)
{
        struct window_table *table = aligned_alloc(64, window_table_size());

        assert_non_null(table);
        memset(table, 0, window_table_size());
        window_table_init(table, window_table_size());
        *state = table;
        return 0;
}

static int drop(void **state)
{
        free(*state);
        return 0;
}

static struct window_count take(struct window_table *table, const struct window *window,
                                int64_t now_us)
{
        struct window_count count;

        window_table_take(table, window, now_us, &count);
        return count;
}

static void use_up(struct window_table *table, const struct window *window, int64_t now_us)
{
        for (unsigned i = 0; i < window->calls; i++) {
                const struct window_count count = take(table, window, now_us);

                assert_true(count.admitted);
                assert_int_equal(count.count, i + 1);
        }
        assert_false(take(table, window, now_us).admitted);
}

static void no_more_than_the_limit_is_admitted(void **state)
{
        const struct window window = { "a", 5, 60000 };
        struct window_count count;

        use_up(*state, &window, START_US);
        count = take(*state, &window, START_US + 15 * US_PER_S);
        assert_false(count.admitted);
        assert_int_equal(count.count, 5);
        assert_int_equal(count.reset_in_us, 45 * US_PER_S);
}

static void the_window_slides_call_by_call(void **state)
{
        const struct window window = { "a", 3, 60000 };

        for (int i = 0; i < 3; i++)
                assert_true(take(*state, &window, START_US + i * 10 * US_PER_S).admitted);
        assert_false(take(*state, &window, START_US + 60 * US_PER_S - 1).admitted);
        assert_true(take(*state, &window, START_US + 60 * US_PER_S).admitted);
        assert_false(take(*state, &window, START_US + 70 * US_PER_S - 1).admitted);
        assert_true(take(*state, &window, START_US + 70 * US_PER_S).admitted);
}

/* However a call lies between two milliseconds, no window has one more than the limit. */
static void a_call_never_leaves_early(void **state)
{
        const struct window window = { "a", 1, 1000 };

        for (int us = 0; us < 1000; us += 37) {
                const int64_t at_us = START_US + us * 5 * US_PER_S + us;

                assert_true(take(*state, &window, at_us).admitted);
                assert_false(take(*state, &window, at_us + 1000 * US_PER_MS - 1).admitted);
                assert_true(take(*state, &window, at_us + 1001 * US_PER_MS).admitted);
        }
}

static void what_is_refused_does_not_count(void **state)
{
        const struct window window = { "a", 2, 1000 };

        use_up(*state, &window, START_US);
        for (int ms = 1; ms < 1000; ms++)
                assert_false(take(*state, &window, START_US + ms * US_PER_MS).admitted);
        use_up(*state, &window, START_US + US_PER_S);
}

static void each_key_has_a_window_of_its_own(void **state)
{
        for (int i = 0; i < 1000; i++) {
                char key[32];
                const struct window window = { key, 2, 1000 };

                snprintf(key, sizeof(key), "login|10.0.%d.%d", i / 250, i % 250);
                use_up(*state, &window, START_US);
        }
}

static void looking_counts_nothing(void **state)
{
        const struct window window = { "a", 2, 1000 };
        struct window_count count;

        window_table_look(*state, &window, START_US, &count);
        assert_true(count.admitted);
        assert_int_equal(count.count, 0);
        assert_int_equal(count.reset_in_us, 0);
        use_up(*state, &window, START_US);
        window_table_look(*state, &window, START_US + 400 * US_PER_MS, &count);
        assert_false(count.admitted);
        assert_int_equal(count.count, 2);
        assert_int_equal(count.reset_in_us, 600 * US_PER_MS);
}

static void a_forgotten_key_begins_anew(void **state)
{
        const struct window window = { "a", 2, 1000 };

        window_table_forget(*state, "a"); /* nobody knows it */
        use_up(*state, &window, START_US);
        window_table_forget(*state, "a");
        use_up(*state, &window, START_US);
}

static void the_longest_windows_are_exact(void **state)
{
        const struct window window = { "a", WINDOW_CALLS_MAX, 10000 };

        for (unsigned i = 0; i < WINDOW_CALLS_MAX; i++)
                assert_true(take(*state, &window, START_US + i * US_PER_MS).admitted);
        assert_false(take(*state, &window, START_US + 9999 * US_PER_MS + 1).admitted);
        for (unsigned i = 0; i < 3 * WINDOW_CALLS_MAX; i++) { /* one leaves, one comes */
                const int64_t now_us = START_US + (10000 + i) * US_PER_MS;

                assert_true(take(*state, &window, now_us).admitted);
                assert_false(take(*state, &window, now_us).admitted);
        }
}

static void a_smaller_limit_holds_at_once(void **state)
{
        struct window window = { "a", 10, 60000 };

        use_up(*state, &window, START_US);
        window.calls = 3;
        assert_false(take(*state, &window, START_US + US_PER_S).admitted);
        window.calls = 11;
        assert_true(take(*state, &window, START_US + US_PER_S).admitted);
        window.window_ms = 500;
        assert_int_equal(take(*state, &window, START_US + 2 * US_PER_S).count, 1);
}

/* 2^32 milliseconds are 49.7 days. */
static void times_may_pass_their_32_bits(void **state)
{
        const int64_t wrap_us = (INT64_C(1) << 32) * US_PER_MS;
        const struct window window = { "a", 4, 1000 };

        for (int i = 0; i < 4; i++)
                assert_true(take(*state, &window, wrap_us + (i - 2) * 100 * US_PER_MS).admitted);
        assert_false(take(*state, &window, wrap_us + 300 * US_PER_MS).admitted);
        assert_int_equal(take(*state, &window, wrap_us + 300 * US_PER_MS).reset_in_us,
                         500 * US_PER_MS);
        assert_true(take(*state, &window, wrap_us + 800 * US_PER_MS).admitted);
        /* and a key that nobody asked for so long begins anew, not where it was */
        use_up(*state, &window, 2 * wrap_us + 800 * US_PER_MS + 1);
}

static void a_clock_that_goes_back_admits_no_more(void **state)
{
        const struct window window = { "a", 3, 1000 };

        use_up(*state, &window, START_US);
        assert_false(take(*state, &window, START_US - 500 * US_PER_MS).admitted);
        use_up(*state, &window, START_US - 3 * 86400 * US_PER_S); /* of another boot */
}

/* ---- eviction ---- */

static void fill(struct window_table *table, unsigned keys, unsigned calls, int64_t now_us)
{
        for (unsigned i = 0; i < keys; i++) {
                char key[32];
                const struct window window = { key, calls, 60000 };

                snprintf(key, sizeof(key), "filler|%u", i);
                for (unsigned n = 0; n < calls; n++)
                        assert_true(take(table, &window, now_us).admitted);
        }
}

static bool count_each(void *arg, const char *key, unsigned count)
{
        unsigned *counted = arg;

        (void)key;
        *counted += count > 0;
        return true;
}

static unsigned tracked(struct window_table *table, int64_t now_us)
{
        unsigned counted = 0;

        window_table_each(table, now_us, count_each, &counted);
        return counted;
}

static void the_one_that_nobody_asked_for_the_longest_goes_first(void **state)
{
        const struct window idle = { "idle", 2, 60000 }, busy = { "busy", 2, 60000 };

        use_up(*state, &idle, START_US);
        use_up(*state, &busy, START_US);
        for (unsigned round = 0; round < 200; round++) {
                char key[32];
                const struct window window = { key, 1, 60000 };

                for (unsigned i = 0; i < WINDOW_KEYS_MAX / 100; i++) {
                        snprintf(key, sizeof(key), "filler|%u.%u", round, i);
                        assert_true(take(*state, &window, START_US).admitted);
                }
                assert_false(take(*state, &busy, START_US + round).admitted);
        }
        assert_in_range(tracked(*state, START_US), WINDOW_KEYS_MAX / 2, WINDOW_KEYS_MAX);
        assert_true(take(*state, &idle, START_US).admitted);
}

static void long_windows_make_room_for_each_other(void **state)
{
        const struct window last = { "last", WINDOW_CALLS_MAX, 60000 };

        fill(*state, 400, WINDOW_CALLS_MAX, START_US);
        use_up(*state, &last, START_US);
        assert_in_range(tracked(*state, START_US), 64, 64 * 4);
}

static void keys_that_have_left_their_window_are_not_tracked(void **state)
{
        fill(*state, 100, 2, START_US);
        assert_int_equal(tracked(*state, START_US + 59 * US_PER_S), 100);
        assert_int_equal(tracked(*state, START_US + 60 * US_PER_S), 0);
}

static void a_long_key_is_cut(void **state)
{
        char key[2 * WINDOW_KEY_SIZE];
        const struct window window = { key, 2, 1000 };

        memset(key, 'k', sizeof(key));
        key[sizeof(key) - 1] = '\0';
        use_up(*state, &window, START_US);
        assert_int_equal(tracked(*state, START_US), 1);
}

#define WINDOW_TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WINDOW_TEST(no_more_than_the_limit_is_admitted),
                WINDOW_TEST(the_window_slides_call_by_call),
                WINDOW_TEST(a_call_never_leaves_early),
                WINDOW_TEST(what_is_refused_does_not_count),
                WINDOW_TEST(each_key_has_a_window_of_its_own),
                WINDOW_TEST(looking_counts_nothing),
                WINDOW_TEST(a_forgotten_key_begins_anew),
                WINDOW_TEST(the_longest_windows_are_exact),
                WINDOW_TEST(a_smaller_limit_holds_at_once),
                WINDOW_TEST(times_may_pass_their_32_bits),
                WINDOW_TEST(a_clock_that_goes_back_admits_no_more),
                WINDOW_TEST(the_one_that_nobody_asked_for_the_longest_goes_first),
                WINDOW_TEST(long_windows_make_room_for_each_other),
                WINDOW_TEST(keys_that_have_left_their_window_are_not_tracked),
                WINDOW_TEST(a_long_key_is_cut),
        };

        return cmocka_run_group_tests_name("window table", tests, NULL, NULL);
}
