#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cloud/cloud.h"
#include "core/cloud/metrics/meter.h"
#include "tests/fixture.h"

#define THREADS 4
#define CALLS   20000

/* A ctx with the counters of its own directory. */
static struct ctx *open_meters(void **state, struct cloud *cloud)
{
        struct ctx *ctx = *state;
        bool shared;

        *cloud = (struct cloud){ .meters = meters_open(fixture_dir(ctx), &shared) };
        assert_non_null(cloud->meters);
        assert_true(shared);
        ctx->cloud = cloud;
        return ctx;
}

static void close_meters(struct ctx *ctx)
{
        meters_close(ctx->cloud->meters);
        ctx->cloud = NULL;
}

struct sum {
        double value;
        uint64_t count;
        unsigned series;
        const char *only; /* of the first label; NULL: any */
};

static void add_up(void *arg, const struct meter_reading *reading)
{
        struct sum *sum = arg;

        if (sum->only && strcmp(reading->labels[0], sum->only) != 0)
                return;
        sum->value += reading->value;
        sum->count += reading->count;
        sum->series++;
}

static struct sum sum_of(const struct ctx *ctx, enum meter meter, const char *only)
{
        struct sum sum = { .only = only };

        meter_each(ctx, meter, add_up, &sum);
        return sum;
}

/* Its own clean-up of a child: only counting, no assertions. */
static void *count_in_thread(void *arg)
{
        const struct ctx *ctx = arg;

        for (int i = 0; i < CALLS; i++) {
                meter_add(ctx, METER_WEBHOOKS, METER_LABELS("replicate", "accepted"), 1);
                meter_observe(ctx, METER_DATABASE_SECONDS, METER_LABELS("sqlite", "read"), 0.001);
        }
        return NULL;
}

static void threads_lose_no_count(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        pthread_t threads[THREADS];

        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread, ctx), 0);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        assert_true(sum_of(ctx, METER_WEBHOOKS, NULL).value == THREADS * CALLS);
        assert_int_equal(sum_of(ctx, METER_DATABASE_SECONDS, NULL).count, THREADS * CALLS);
        assert_int_equal(sum_of(ctx, METER_DATABASE_SECONDS, NULL).series, 1);
        close_meters(ctx);
}

/* Run fn in a process that attaches by itself. */
static pid_t in_process(struct ctx *ctx, void (*fn)(const struct ctx *ctx))
{
        const char *owner = fixture_dir(ctx);
        pid_t child = fork();

        if (child == 0) {
                bool shared;
                struct cloud own = { .meters = meters_open(owner, &shared) };

                ctx->cloud = &own;
                if (own.meters && shared)
                        fn(ctx);
                _exit(0);
        }
        assert_true(child > 0);
        return child;
}

static void count_as_process(const struct ctx *ctx)
{
        (void)count_in_thread((void *)(uintptr_t)ctx);
}

static void processes_share_their_counts(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        pid_t children[2];

        for (int i = 0; i < 2; i++)
                children[i] = in_process(ctx, count_as_process);
        for (int i = 0; i < 2; i++)
                waitpid(children[i], NULL, 0);
        assert_true(sum_of(ctx, METER_WEBHOOKS, NULL).value == 2 * CALLS);
        assert_int_equal(sum_of(ctx, METER_WEBHOOKS, NULL).series, 1);
        close_meters(ctx);
}

/* New series without end. */
static void add_series_for_ever(const struct ctx *ctx)
{
        char name[32];

        for (unsigned i = 0;; i++) {
                snprintf(name, sizeof(name), "%u.%u", (unsigned)getpid(), i % 200);
                meter_add(ctx, METER_RATE_REJECTED, METER_LABELS(name), 1);
        }
}

static void whoever_dies_while_adding_a_series_harms_nobody(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);

        for (unsigned round = 0; round < 15; round++) {
                pid_t child = in_process(ctx, add_series_for_ever);
                char name[32];

                while (sum_of(ctx, METER_RATE_REJECTED, NULL).series < 10 * (round + 1))
                        usleep(50);
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
                snprintf(name, sizeof(name), "ours %u", round);
                meter_add(ctx, METER_RATE_REJECTED, METER_LABELS(name), 7);
                assert_true(sum_of(ctx, METER_RATE_REJECTED, name).value == 7);
        }
        close_meters(ctx);
}

static void what_has_no_room_is_counted_as_other(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        struct sum all;

        for (unsigned i = 0; i < 5000; i++) {
                char name[16];

                snprintf(name, sizeof(name), "rule%u", i);
                meter_add(ctx, METER_RATE_REJECTED, METER_LABELS(name), 1);
        }
        all = sum_of(ctx, METER_RATE_REJECTED, NULL);
        assert_true(all.value == 5000);
        assert_in_range(all.series, 3000, 4096);
        assert_true(sum_of(ctx, METER_RATE_REJECTED, "other").value == 5000 - all.series + 1);
        meter_observe(ctx, METER_HTTP_SECONDS, METER_LABELS("GET", "/new", "200"), 1);
        assert_int_equal(sum_of(ctx, METER_HTTP_SECONDS, "other").count, 1);
        close_meters(ctx);
}

static void a_long_label_is_cut_and_stays_one_series(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        char name[METER_LABEL_SIZE + 40];

        for (unsigned i = 0; i < 3; i++) {
                memset(name, 'x', sizeof(name) - 1);
                name[sizeof(name) - 2] = (char)('a' + i); /* beyond what is kept */
                name[sizeof(name) - 1] = '\0';
                meter_add(ctx, METER_RATE_REJECTED, METER_LABELS(name), 1);
        }
        assert_int_equal(sum_of(ctx, METER_RATE_REJECTED, NULL).series, 1);
        assert_true(sum_of(ctx, METER_RATE_REJECTED, NULL).value == 3);
        close_meters(ctx);
}

static void check_buckets(void *arg, const struct meter_reading *reading)
{
        (void)arg;
        assert_int_equal(reading->buckets[0], 1); /* <= 0.001 */
        assert_int_equal(reading->buckets[1], 2); /* <= 0.0025 */
        assert_int_equal(reading->buckets[10], 2);
        assert_int_equal(reading->count, 3);
        assert_true(reading->value > 60.0029 && reading->value < 60.0031);
}

static void a_value_on_a_bound_is_below_it(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        const struct meter_labels labels = METER_LABELS("GET", "/health", "200");

        meter_observe(ctx, METER_HTTP_SECONDS, labels, 0.001);
        meter_observe(ctx, METER_HTTP_SECONDS, labels, 0.002);
        meter_observe(ctx, METER_HTTP_SECONDS, labels, 60);
        meter_each(ctx, METER_HTTP_SECONDS, check_buckets, NULL);
        close_meters(ctx);
}

static void raise_level(const struct ctx *ctx)
{
        meter_add(ctx, METER_HTTP_UNDER_WAY, METER_LABELS(NULL), 5);
        for (;;)
                pause();
}

static void a_level_goes_with_the_process_that_held_it(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        pid_t child = in_process(ctx, raise_level);

        meter_add(ctx, METER_HTTP_UNDER_WAY, METER_LABELS(NULL), 1);
        while (sum_of(ctx, METER_HTTP_UNDER_WAY, NULL).value < 6)
                usleep(50);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_true(sum_of(ctx, METER_HTTP_UNDER_WAY, NULL).value == 1);
        close_meters(ctx);
}

static void the_last_process_takes_the_counts_away(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        struct cloud second = { 0 };
        bool shared;

        meter_add(ctx, METER_RATE_REJECTED, METER_LABELS("login"), 1);
        second.meters = meters_open(fixture_dir(ctx), &shared);
        meters_close(cloud.meters);
        ctx->cloud = &second;
        assert_true(sum_of(ctx, METER_RATE_REJECTED, NULL).value == 1);
        close_meters(ctx);
        ctx = open_meters(state, &cloud);
        assert_int_equal(sum_of(ctx, METER_RATE_REJECTED, NULL).series, 0);
        close_meters(ctx);
}

static void without_a_cloud_nothing_is_counted(void **state)
{
        struct ctx *ctx = *state;

        meter_add(ctx, METER_RATE_REJECTED, METER_LABELS("login"), 1);
        assert_int_equal(sum_of(ctx, METER_RATE_REJECTED, NULL).series, 0);
}

/* A request is observed three times and a statement once: it must not be felt. Generous, for the
 * machine is shared. */
static void observing_takes_less_than_two_microseconds(void **state)
{
        struct cloud cloud;
        struct ctx *ctx = open_meters(state, &cloud);
        const struct meter_labels labels = METER_LABELS("POST", "/api/cloud/jobs/submit", "200");
        const int64_t start_us = clock_system.mono_us(&clock_system);
        int64_t took_us;

        for (int i = 0; i < 200000; i++)
                meter_observe(ctx, METER_HTTP_SECONDS, labels, 0.01);
        took_us = clock_system.mono_us(&clock_system) - start_us;
        print_message("  observe: %.3f us\n", (double)took_us / 200000);
        assert_in_range(took_us, 0, 400000);
        close_meters(ctx);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(threads_lose_no_count),
                FIXTURE_TEST(processes_share_their_counts),
                FIXTURE_TEST(whoever_dies_while_adding_a_series_harms_nobody),
                FIXTURE_TEST(what_has_no_room_is_counted_as_other),
                FIXTURE_TEST(a_long_label_is_cut_and_stays_one_series),
                FIXTURE_TEST(a_value_on_a_bound_is_below_it),
                FIXTURE_TEST(a_level_goes_with_the_process_that_held_it),
                FIXTURE_TEST(the_last_process_takes_the_counts_away),
                FIXTURE_TEST(without_a_cloud_nothing_is_counted),
                FIXTURE_TEST(observing_takes_less_than_two_microseconds),
        };

        return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
