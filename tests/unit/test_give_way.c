/* Whoever was kept from a processor rests, and whoever was not goes on. */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/give_way.h"
#include "tests/fixture.h"

static atomic_bool over;

static void *be_busy(void *arg)
{
        while (!atomic_load(&over))
                ;
        return arg;
}

/* Another thread wants the only processor that both may use. */
static pthread_t begin_contest(void)
{
        cpu_set_t all, one;
        pthread_t other;

        assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
        CPU_ZERO(&one);
        for (size_t n = 0; n < CPU_SETSIZE && CPU_COUNT(&one) == 0; n++) {
                if (CPU_ISSET(n, &all))
                        CPU_SET(n, &one);
        }
        assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
        atomic_store(&over, false);
        assert_int_equal(pthread_create(&other, NULL, be_busy, NULL), 0);
        return other;
}

static uint64_t delayed_ns(void)
{
        uint64_t ran, delayed;
        FILE *file = fopen("/proc/thread-self/schedstat", "r");

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%" SCNu64 " %" SCNu64, &ran, &delayed), 2);
        fclose(file);
        return delayed;
}

static void whoever_was_kept_waiting_rests_longer_than_that(void **state)
{
        CLEANUP(give_way_end) struct give_way way = give_way_begin();
        const uint64_t before_ns = way.delayed_ns;
        pthread_t other = begin_contest();
        int64_t began_us;

        (void)state;
        while (delayed_ns() - before_ns < 20 * 1000 * 1000)
                ;
        atomic_store(&over, true);
        pthread_join(other, NULL);
        began_us = clock_mono_us(&clock_system);
        give_way_rest(&way);
        assert_true(clock_mono_us(&clock_system) - began_us >= 80 * US_PER_MS);
}

/* As in a container that hides it. */
static void where_nothing_is_known_nobody_rests(void **state)
{
        struct give_way way = { .fd = -1 };

        (void)state;
        give_way_rest(&way);
        assert_int_equal(way.delayed_ns, 0);
        give_way_end(&way);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(whoever_was_kept_waiting_rests_longer_than_that),
                FIXTURE_TEST(where_nothing_is_known_nobody_rests),
        };

        return cmocka_run_group_tests_name("give_way", tests, NULL, NULL);
}
