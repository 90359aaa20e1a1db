#include <stdio.h>
#include <string.h>

#include "tests/fixture_limit.h"
#include "tests/store/limit_faults.h"

#define ROUNDING_US US_PER_MS /* a backend may count in milliseconds */

static void exactly_the_limit_is_admitted(void **state)
{
        for (unsigned i = 1; i <= 5; i++) {
                struct limit_count count = limit_take(*state, "login|10.0.0.7", 5, 60);

                assert_true(count.admitted);
                assert_int_equal(count.count, i);
        }
        assert_false(limit_take(*state, "login|10.0.0.7", 5, 60).admitted);
        assert_int_equal(limit_take(*state, "login|10.0.0.7", 5, 60).count, 5);
        assert_true(limit_take(*state, "login|10.0.0.8", 5, 60).admitted);
}

static void refused_calls_do_not_count(void **state)
{
        struct limit_count count = limit_take(*state, "k", 1, 2);

        assert_true(count.admitted);
        do {
                limit_wait(&(struct limit_count){ .reset_in_us = 20 * US_PER_MS });
                count = limit_take(*state, "k", 1, 2);
        } while (!count.admitted && count.reset_in_us > 300 * US_PER_MS);
        assert_false(count.admitted);
        limit_wait(&count);
        assert_true(limit_take(*state, "k", 1, 2).admitted);
}

static void the_window_slides(void **state)
{
        struct limit_count first = limit_take(*state, "k", 2, 3), second, third;

        limit_wait(&(struct limit_count){ .reset_in_us = first.reset_in_us / 2 });
        second = limit_take(*state, "k", 2, 3);
        assert_true(second.admitted);
        assert_int_equal(second.count, 2);
        assert_in_range(second.reset_in_us, 1, first.reset_in_us / 2);
        assert_false(limit_take(*state, "k", 2, 3).admitted);
        limit_wait(&second); /* the first call leaves, the second stays */
        third = limit_take(*state, "k", 2, 3);
        assert_true(third.admitted);
        assert_int_equal(third.count, 2);
        assert_false(limit_take(*state, "k", 2, 3).admitted);
        limit_wait(&third);
        assert_int_equal(limit_look(*state, "k", 2, 3).count, 1);
}

static void the_reset_is_when_the_oldest_call_leaves(void **state)
{
        struct limit_count count = limit_take(*state, "k", 2, 2);
        int64_t before_us;

        assert_in_range(count.reset_in_us, 1900 * US_PER_MS, 2 * US_PER_S + ROUNDING_US);
        before_us = count.reset_in_us;
        limit_take(*state, "k", 2, 2);
        count = limit_take(*state, "k", 2, 2);
        assert_false(count.admitted);
        assert_in_range(count.reset_in_us, 1, before_us);
        limit_wait(&count);
        count = limit_look(*state, "k", 2, 2);
        assert_true(count.admitted);
        assert_true(count.reset_in_us < before_us);
}

static void looking_counts_nothing(void **state)
{
        struct limit_count count;

        for (int i = 0; i < 5; i++) {
                count = limit_look(*state, "k", 1, 60);
                assert_true(count.admitted);
                assert_int_equal(count.count, 0);
                assert_int_equal(count.reset_in_us, 0);
        }
        assert_true(limit_take(*state, "k", 1, 60).admitted);
        count = limit_look(*state, "k", 1, 60);
        assert_false(count.admitted);
        assert_int_equal(count.count, 1);
        assert_in_range(count.reset_in_us, 59 * US_PER_S, 60 * US_PER_S + ROUNDING_US);
}

static void forgetting_begins_anew(void **state)
{
        struct limit_user *user = *state;

        limit_take(user, "k", 1, 60);
        limit_take(user, "other", 1, 60);
        assert_ok(user->ctx, user->row->backend->forget(user->ctx, user->store, "k"));
        assert_ok(user->ctx, user->row->backend->forget(user->ctx, user->store, "unknown"));
        assert_true(limit_take(user, "k", 1, 60).admitted);
        assert_false(limit_take(user, "other", 1, 60).admitted);
}

/* ---- keys ---- */

struct seen {
        unsigned keys, calls, max;
        char last[LIMIT_KEY_SIZE];
};

static bool see(void *arg, const char *key, unsigned count)
{
        struct seen *seen = arg;

        seen->keys++;
        seen->calls += count;
        snprintf(seen->last, sizeof(seen->last), "%s", key);
        return seen->keys < seen->max;
}

static struct seen see_all(struct limit_user *user, unsigned max)
{
        struct seen seen = { .max = max };

        assert_ok(user->ctx, user->row->backend->each(user->ctx, user->store, see, &seen));
        arena_reset(user->ctx->arena);
        return seen;
}

static void each_key_with_calls_is_listed_once(void **state)
{
        struct limit_user *user = *state;
        struct seen seen;
        char key[32];

        assert_int_equal(see_all(user, 1000).keys, 0);
        for (unsigned i = 0; i < 250; i++) {
                snprintf(key, sizeof(key), "rule|%u", i);
                limit_take(user, key, 5, 60);
        }
        limit_take(user, "rule|7", 5, 60);
        seen = see_all(user, 1000);
        assert_int_equal(seen.keys, 250);
        assert_int_equal(seen.calls, 251);
        assert_memory_equal(seen.last, "rule|", 5);
        assert_int_equal(see_all(user, 3).keys, 3);
}

/* A prefix is taken as it is, whatever its letters mean elsewhere. */
static void keys_of_other_prefixes_are_not_ours(void **state)
{
        struct limit_user *user = *state, *other;
        char shorter[sizeof(user->prefix)];

        if (user->row->backend == &limit_shm)
                skip(); /* nobody else is there */
        other = limit_other(user);
        snprintf(shorter, sizeof(shorter), "%s", user->prefix);
        assert_true(strlen(shorter) + 8 < sizeof(user->prefix));
        strcat(user->prefix, "*?[a]%_\\");
        strcat(other->prefix, "xy[a]%_\\");
        limit_take(user, "k", 1, 60);
        limit_take(other, "k", 1, 60);
        limit_take(other, "l", 1, 60);
        assert_int_equal(see_all(user, 1000).keys, 1);
        assert_int_equal(see_all(other, 1000).keys, 2);
        snprintf(user->prefix, sizeof(user->prefix), "%s", shorter);
        assert_int_equal(see_all(user, 1000).keys, 3);
        limit_other_free(other);
}

static void a_call_that_left_is_not_listed(void **state)
{
        struct limit_user *user = *state;
        struct limit_count count = limit_take(user, "k", 2, 1);

        limit_wait(&count);
        assert_int_equal(see_all(user, 10).keys, 0);
        if (user->row->backend->sweep)
                assert_ok(user->ctx, user->row->backend->sweep(user->ctx, user->store));
        assert_int_equal(limit_look(user, "k", 2, 1).count, 0);
        assert_int_equal(limit_take(user, "k", 2, 1).count, 1);
}

static void a_sweep_keeps_what_still_counts(void **state)
{
        struct limit_user *user = *state;
        struct limit_count count = limit_take(user, "short", 2, 1);

        limit_take(user, "long", 2, 60);
        limit_wait(&count);
        if (user->row->backend->sweep)
                assert_ok(user->ctx, user->row->backend->sweep(user->ctx, user->store));
        assert_int_equal(limit_look(user, "long", 2, 60).count, 1);
        assert_int_equal(see_all(user, 10).keys, 1);
}

static void a_key_may_have_any_letters(void **state)
{
        static const char *const keys[] = {
                "a",
                "A",
                "a ",
                " a",
                "a'b",
                "a\"b",
                "a\\b",
                "$1",
                "?",
                "%s%n",
                "a;b--",
                "\xc3\xa9",
                "\xc3\x89",
                "e\xcc\x81",
                "2001:db8::",
                "a|b|c",
                "{tag}x",
                "*",
                "\xf0\x9f\x8e\xa8",
                "*2\r\n$4",
                "k=v&x",
        };
        struct limit_user *user = *state;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_int_equal(limit_take(user, keys[i], 5, 60).count, 1);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_int_equal(limit_look(user, keys[i], 5, 60).count, 1);
        assert_int_equal(see_all(user, 1000).keys, ARRAY_SIZE(keys));
}

static void a_key_is_at_most_so_long(void **state)
{
        struct limit_user *user = *state;
        char key[LIMIT_KEY_SIZE + 1];

        if (user->row->backend == &limit_shm)
                skip(); /* it cuts them */
        memset(key, 'k', sizeof(key));
        key[LIMIT_KEY_SIZE - 1] = '\0';
        assert_int_equal(limit_take(user, key, 5, 60).count, 1);
        key[LIMIT_KEY_SIZE - 1] = 'k';
        key[LIMIT_KEY_SIZE] = '\0';
        assert_rc(user->ctx, ERR_INVALID, limit_try(user, key));
}

static void a_limit_may_be_the_largest(void **state)
{
        struct limit_count count = { .admitted = true };

        for (unsigned i = 1; i <= RATE_CALLS_MAX && count.admitted; i++)
                count = limit_take(*state, "k", RATE_CALLS_MAX, RATE_PERIOD_MAX);
        assert_true(count.admitted);
        assert_int_equal(count.count, RATE_CALLS_MAX);
        count = limit_take(*state, "k", RATE_CALLS_MAX, RATE_PERIOD_MAX);
        assert_false(count.admitted);
        assert_int_equal(count.count, RATE_CALLS_MAX);
        assert_int_equal(see_all(*state, 10).calls, RATE_CALLS_MAX);
}

static void a_lower_limit_counts_what_a_higher_admitted(void **state)
{
        for (int i = 0; i < 5; i++)
                limit_take(*state, "k", 5, 60);
        assert_false(limit_take(*state, "k", 3, 60).admitted);
        assert_true(limit_take(*state, "k", 6, 60).admitted);
}

/* ---- at once ---- */

static bool take_many(struct ctx *ctx, struct limit_user *user)
{
        const struct limit_window window = { "k", 100, 3600 };
        struct limit_count count;

        for (int i = 0; i < 50; i++) {
                if (user->row->backend->take(ctx, user->store, &window, &count) != OK)
                        return false;
                arena_reset(ctx->arena);
        }
        return true;
}

static void threads_share_fewer_connections(void **state)
{
        struct limit_user *user = *state;

        user->config.state_pool_size = 2;
        assert_ok(user->ctx, limit_reopen(user));
        assert_true(limit_threads(user, 8, take_many));
        assert_int_equal(limit_look(user, "k", 1000, 3600).count, 100);
}

static void processes_admit_exactly_the_limit_together(void **state)
{
        struct limit_user *user = *state, *other = limit_other(user);

        assert_int_equal(limit_look(user, "shared by processes", 300, 3600).count, 0);
        assert_int_equal(limit_take_in_processes(user, 8, 300, 100), 300);
        assert_int_equal(limit_look(other, "shared by processes", 300, 3600).count, 300);
        limit_other_free(other);
}

/* ---- settings ---- */

static void a_wrong_url_is_refused_at_start(void **state)
{
        struct limit_user *user = *state;

        for (size_t i = 0; i < ARRAY_SIZE(user->row->wrong) && user->row->wrong[i]; i++) {
                user->config.state_url = user->row->wrong[i];
                if (limit_reopen(user) != ERR_INVALID)
                        fail_msg("%s is accepted", user->row->wrong[i]);
                assert_non_null(strstr(user->ctx->detail, "STATE_BACKEND_URL must be"));
        }
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                LIMIT_TEST(exactly_the_limit_is_admitted),
                LIMIT_TEST(a_server_that_is_away_is_said_at_once),
                LIMIT_TEST(a_server_that_never_answers_is_given_up_in_time),
                LIMIT_TEST(a_certificate_must_be_trusted),
                LIMIT_TEST(a_password_must_be_right),
                LIMIT_TEST(refused_calls_do_not_count),
                LIMIT_TEST(the_window_slides),
                LIMIT_TEST(the_reset_is_when_the_oldest_call_leaves),
                LIMIT_TEST(looking_counts_nothing),
                LIMIT_TEST(forgetting_begins_anew),
                LIMIT_TEST(each_key_with_calls_is_listed_once),
                LIMIT_TEST(keys_of_other_prefixes_are_not_ours),
                LIMIT_TEST(a_call_that_left_is_not_listed),
                LIMIT_TEST(a_sweep_keeps_what_still_counts),
                LIMIT_TEST(a_key_may_have_any_letters),
                LIMIT_TEST(a_key_is_at_most_so_long),
                LIMIT_TEST(a_limit_may_be_the_largest),
                LIMIT_TEST(a_lower_limit_counts_what_a_higher_admitted),
                LIMIT_TEST(threads_share_fewer_connections),
                LIMIT_TEST(processes_admit_exactly_the_limit_together),
                LIMIT_TEST(a_wrong_url_is_refused_at_start),
                LIMIT_TEST(a_server_that_hangs_is_given_up_in_time),
                LIMIT_TEST(connections_that_broke_are_replaced),
                LIMIT_TEST(a_server_that_was_started_again_counts_again),
                LIMIT_TEST(a_sweep_removes_rows),
                LIMIT_TEST(a_table_that_was_dropped_is_made_again),
        };

        limit_run_if_process(argc, argv);
        return LIMIT_RUN("limit backends", tests);
}
