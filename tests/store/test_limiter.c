#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/cloud/limits/limit_backend.h"
#include "core/cloud/limits/limiter.h"
#include "core/cloud/metrics/meter.h"
#include "core/cloud/storage/storage_limit.h"
#include "tests/fixture_db.h"

static const struct limit five = { "login", 5, 60 };

static void use_up(struct ctx *ctx, const struct limit *limit, const char *who)
{
        struct limit_usage usage;

        for (unsigned i = 0; i < limit->calls; i++) {
                assert_ok(ctx, limiter_check(ctx, limit, who, &usage));
                assert_int_equal(usage.count, i + 1);
                assert_int_equal(usage.limit, limit->calls);
        }
        assert_rc(ctx, ERR_LIMITED, limiter_check(ctx, limit, who, &usage));
}

static void sixth_login_within_a_minute_is_refused(void **state)
{
        struct ctx *ctx = *state;

        use_up(ctx, &five, "10.0.0.7");
        assert_string_equal(ctx->detail, "Rate limit exceeded. Please try again later.");
        assert_int_equal(ctx->retry_after_s, 60);
        fixture_advance_us(ctx, 15 * US_PER_S + 1);
        assert_rc(ctx, ERR_LIMITED, limiter_check(ctx, &five, "10.0.0.7", NULL));
        assert_int_equal(ctx->retry_after_s, 45);
        fixture_advance_us(ctx, 45 * US_PER_S - 1);
        use_up(ctx, &five, "10.0.0.7");
}

static void each_rule_and_each_client_has_a_window_of_its_own(void **state)
{
        const struct limit other = { "register", 5, 60 };
        struct ctx *ctx = *state;

        use_up(ctx, &five, "10.0.0.7");
        use_up(ctx, &five, "10.0.0.8");
        use_up(ctx, &other, "10.0.0.7");
}

static void without_calls_there_is_no_limit(void **state)
{
        const struct limit none = { "login", 0, 60 };
        struct ctx *ctx = *state;
        struct limit_usage usage;

        for (int i = 0; i < 1000; i++)
                assert_ok(ctx, limiter_check(ctx, &none, "10.0.0.7", &usage));
        assert_int_equal(usage.limit, 0);
}

static void usage_counts_nothing_and_forgetting_begins_anew(void **state)
{
        struct ctx *ctx = *state;
        struct limit_usage usage;
        bool allowed;

        use_up(ctx, &five, "10.0.0.7");
        for (int i = 0; i < 10; i++)
                limiter_get_usage(ctx, &five, "10.0.0.8", &usage);
        assert_int_equal(usage.count, 0);
        fixture_advance_us(ctx, 10 * US_PER_S);
        limiter_get_usage(ctx, &five, "10.0.0.7", &usage);
        assert_int_equal(usage.count, 5);
        assert_int_equal(usage.reset_in_us, 50 * US_PER_S);
        limiter_track(ctx, &five, "10.0.0.7", &allowed);
        assert_false(allowed);
        limiter_forget(ctx, &five, "10.0.0.7");
        limiter_track(ctx, &five, "10.0.0.7", &allowed);
        assert_true(allowed);
}

static void add_rejected(void *arg, const struct meter_reading *reading)
{
        if (strcmp(reading->labels[0], "login") == 0)
                *(double *)arg += reading->value;
}

static void refusals_are_counted_by_rule(void **state)
{
        struct ctx *ctx = *state;
        double rejected = 0;

        use_up(ctx, &five, "10.0.0.7");
        assert_rc(ctx, ERR_LIMITED, limiter_check(ctx, &five, "10.0.0.7", NULL));
        meter_each(ctx, METER_RATE_REJECTED, add_rejected, &rejected);
        assert_true(rejected == 2);
}

static void the_list_has_those_with_most_calls_first(void **state)
{
        const struct limit other = { "log", 9, 60 };
        struct ctx *ctx = *state;
        struct limit_standings list;

        use_up(ctx, &other, "10.0.0.9");
        for (int i = 0; i < 3; i++)
                assert_ok(ctx, limiter_check(ctx, &five, "10.0.0.1", NULL));
        assert_ok(ctx, limiter_check(ctx, &five, "2001:db8::/64", NULL));
        use_up(ctx, &five, "10.0.0.7");
        assert_ok(ctx, limiter_list(ctx, "login", 2, &list));
        assert_int_equal(list.count, 2);
        assert_int_equal(list.tracked, 3);
        assert_string_equal(list.rows[0].who, "10.0.0.7");
        assert_string_equal(list.rows[0].rule, "login");
        assert_int_equal(list.rows[0].count, 5);
        assert_string_equal(list.rows[1].who, "10.0.0.1");
        assert_ok(ctx, limiter_list(ctx, NULL, 500, &list));
        assert_int_equal(list.count, 4);
        assert_string_equal(list.rows[0].rule, "log");
}

/* ---- a backend that goes away ---- */

static struct flaky {
        bool is_away;
        atomic_bool hangs;
        atomic_uint asked;
} flaky;

static enum err flaky_open(struct ctx *ctx, void **ret_store)
{
        (void)ctx;
        *ret_store = &flaky;
        return OK;
}

static void flaky_close(void *store)
{
        (void)store;
}

static enum err flaky_answer(struct ctx *ctx)
{
        atomic_fetch_add(&flaky.asked, 1);
        while (atomic_load(&flaky.hangs))
                sched_yield();
        return flaky.is_away ? ctx_fail(ctx, ERR_UNAVAILABLE, "no route to it") : OK;
}

static enum err flaky_take(struct ctx *ctx, void *store, const struct limit_window *window,
                           struct limit_count *ret)
{
        (void)store;
        *ret = (struct limit_count){ false, window->calls, US_PER_S };
        return flaky_answer(ctx);
}

static enum err flaky_forget(struct ctx *ctx, void *store, const char *key)
{
        (void)store;
        (void)key;
        return flaky_answer(ctx);
}

static enum err flaky_each(struct ctx *ctx, void *store, limit_each_fn *each, void *arg)
{
        (void)store;
        (void)each;
        (void)arg;
        return flaky_answer(ctx);
}

static enum err flaky_ping(struct ctx *ctx, void *store)
{
        (void)store;
        return flaky_answer(ctx);
}

static const struct limit_backend flaky_backend = {
        .name = "flaky",
        .open = flaky_open,
        .close = flaky_close,
        .take = flaky_take,
        .look = flaky_take,
        .forget = flaky_forget,
        .each = flaky_each,
        .ping = flaky_ping,
};

static struct ctx *on_flaky(void **state)
{
        struct ctx *ctx = *state;

        limiter_free(ctx->cloud->limiter);
        flaky.is_away = false;
        atomic_store(&flaky.hangs, false);
        atomic_store(&flaky.asked, 0);
        assert_ok(ctx, limiter_new_on(ctx, &flaky_backend, &ctx->cloud->limiter));
        return ctx;
}

static void when_the_backend_is_away_everything_is_admitted(void **state)
{
        struct ctx *ctx = on_flaky(state);
        struct limit_usage usage;

        assert_rc(ctx, ERR_LIMITED, limiter_check(ctx, &five, "10.0.0.7", NULL));
        flaky.is_away = true;
        snprintf(ctx->detail, sizeof(ctx->detail), "said before");
        assert_ok(ctx, limiter_check(ctx, &five, "10.0.0.7", &usage));
        assert_string_equal(ctx->detail, "said before");
        assert_int_equal(usage.limit, 0);
        assert_true(limiter_is_away(ctx));
        assert_rc(ctx, ERR_UNAVAILABLE, limiter_ping(ctx));
        assert_string_equal(ctx->detail, "no route to it");
}

static void it_is_asked_once_a_second_until_it_is_back(void **state)
{
        struct ctx *ctx = on_flaky(state);

        flaky.is_away = true;
        for (int i = 0; i < 100; i++)
                assert_ok(ctx, limiter_check(ctx, &five, "10.0.0.7", NULL));
        assert_int_equal(atomic_load(&flaky.asked), 1);
        for (int second = 1; second <= 5; second++) {
                fixture_advance_us(ctx, US_PER_S);
                for (int i = 0; i < 100; i++)
                        assert_ok(ctx, limiter_check(ctx, &five, "10.0.0.7", NULL));
                assert_int_equal(atomic_load(&flaky.asked), 1 + second);
        }
        flaky.is_away = false;
        assert_ok(ctx, limiter_check(ctx, &five, "10.0.0.7", NULL)); /* within that second */
        fixture_advance_us(ctx, US_PER_S);
        assert_rc(ctx, ERR_LIMITED, limiter_check(ctx, &five, "10.0.0.7", NULL));
        assert_rc(ctx, ERR_LIMITED, limiter_check(ctx, &five, "10.0.0.7", NULL));
        assert_false(limiter_is_away(ctx));
        assert_ok(ctx, limiter_ping(ctx));
}

static bool check_often(struct ctx *ctx, unsigned index, void *arg)
{
        (void)index;
        (void)arg;
        for (int i = 0; i < 100; i++) {
                if (limiter_check(ctx, &five, "10.0.0.7", NULL) != OK)
                        return false;
        }
        return true;
}

/* The answer comes while others are about to ask, in some of the seconds. */
static void one_thread_asks_in_a_second(void **state)
{
        struct ctx *ctx = on_flaky(state);

        flaky.is_away = true;
        assert_ok(ctx, limiter_check(ctx, &five, "10.0.0.7", NULL));
        for (unsigned second = 1; second <= 500; second++) {
                fixture_advance_us(ctx, US_PER_S);
                fixture_threads(ctx, 8, check_often, NULL);
                assert_int_equal(atomic_load(&flaky.asked), 1 + second);
        }
}

/* The first one waits for an answer; the second sees that and does not. */
static bool wait_or_pass(struct ctx *ctx, unsigned index, void *arg)
{
        struct limit_usage usage = { 0 };
        enum err rc;

        if (index == 0)
                return limiter_check(ctx, &five, "10.0.0.7", NULL) == ERR_LIMITED;
        while (atomic_load(&flaky.asked) == 0)
                sched_yield();
        fixture_advance_us(arg, 300 * US_PER_MS); /* of the ctx that has the clock */
        rc = limiter_check(ctx, &five, "10.0.0.7", &usage);
        atomic_store(&flaky.hangs, false);
        return rc == OK && usage.limit == 0;
}

static void nobody_queues_behind_one_who_waits_in_vain(void **state)
{
        struct ctx *ctx = on_flaky(state);

        atomic_store(&flaky.hangs, true);
        fixture_threads(ctx, 2, wait_or_pass, ctx);
        assert_int_equal(atomic_load(&flaky.asked), 1);
        assert_false(limiter_is_away(ctx));
}

/* ---- what is built in ---- */

static void without_shared_memory_the_process_counts_for_itself(void **state)
{
        const struct rlimit little = { 1 * MiB, RLIM_INFINITY };
        struct ctx *ctx = *state;
        struct rlimit usual;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
        signal(SIGXFSZ, SIG_IGN);
        limiter_free(ctx->cloud->limiter);
        assert_ok(ctx, limiter_new_on(ctx, &limit_shm, &ctx->cloud->limiter));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
        assert_ok(ctx, limiter_ping(ctx));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
        use_up(ctx, &five, "10.0.0.7");
}

static void a_backend_that_was_not_built_in_ends_the_start(void **state)
{
        struct limiter *limiter = NULL;
        struct ctx *ctx = *state;

        fixture_config(ctx)->state_backend = "carrier-pigeon";
        assert_rc(ctx, ERR_INVALID, limiter_new(ctx, &limiter));
        assert_non_null(strstr(ctx->detail, "STATE_BACKEND carrier-pigeon"));
        assert_null(limiter);
}

/* ---- storage requests of those who are known ---- */

static void a_job_has_the_setting_or_its_providers_limit(void **state)
{
        char who[STORAGE_LIMIT_WHO_SIZE];
        struct ctx *ctx = *state;
        struct limit limit;

        fixture_config(ctx)->job_requests_per_minute = 6000;
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = "01hm3v000000000000000000aa" };
        assert_ok(ctx, storage_limit_of(ctx, &limit, who));
        assert_string_equal(limit.rule, "storage_job");
        assert_string_equal(who, "01hm3v000000000000000000aa");
        assert_int_equal(limit.calls, 6000);
        assert_int_equal(limit.period_s, 60);
}

static void a_user_is_counted_by_number_and_others_are_not(void **state)
{
        char who[STORAGE_LIMIT_WHO_SIZE];
        struct ctx *ctx = *state;
        struct limit limit;

        fixture_config(ctx)->job_requests_per_minute = 10;
        ctx->actor = (struct actor){ .kind = ACTOR_USER, .user_id = 7 };
        assert_ok(ctx, storage_limit_of(ctx, &limit, who));
        assert_string_equal(limit.rule, "storage_user");
        assert_string_equal(who, "user:7");
        use_up(ctx, &limit, who);
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        assert_ok(ctx, storage_limit_of(ctx, &limit, who));
        assert_int_equal(limit.calls, 0);
        fixture_config(ctx)->job_requests_per_minute = 0;
        ctx->actor = (struct actor){ .kind = ACTOR_USER, .user_id = 7 };
        assert_ok(ctx, storage_limit_of(ctx, &limit, who));
        assert_int_equal(limit.calls, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(sixth_login_within_a_minute_is_refused),
                FIXTURE_CLOUD_TEST(each_rule_and_each_client_has_a_window_of_its_own),
                FIXTURE_CLOUD_TEST(without_calls_there_is_no_limit),
                FIXTURE_CLOUD_TEST(usage_counts_nothing_and_forgetting_begins_anew),
                FIXTURE_CLOUD_TEST(refusals_are_counted_by_rule),
                FIXTURE_CLOUD_TEST(the_list_has_those_with_most_calls_first),
                FIXTURE_CLOUD_TEST(when_the_backend_is_away_everything_is_admitted),
                FIXTURE_CLOUD_TEST(it_is_asked_once_a_second_until_it_is_back),
                FIXTURE_CLOUD_TEST(one_thread_asks_in_a_second),
                FIXTURE_CLOUD_TEST(nobody_queues_behind_one_who_waits_in_vain),
                FIXTURE_CLOUD_TEST(without_shared_memory_the_process_counts_for_itself),
                FIXTURE_CLOUD_TEST(a_backend_that_was_not_built_in_ends_the_start),
                FIXTURE_CLOUD_TEST(a_job_has_the_setting_or_its_providers_limit),
                FIXTURE_CLOUD_TEST(a_user_is_counted_by_number_and_others_are_not),
        };

        return FIXTURE_RUN("limiter", tests);
}
