/* Windows that threads and processes share, and holders of locks that are killed. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/window_table.h"
#include "tests/fixture.h"

#define THREADS   8
#define PROCESSES 8
#define TRIES     5000 /* of each */
#define LIMIT     997

/* In memory that children inherit. */
struct shared {
        atomic_uint ready, admitted, wrong;
        atomic_bool go;
        _Alignas(64) unsigned char table[];
};

static int make(void **state)
{
        const size_t size = sizeof(struct shared) + window_table_size();
        struct shared *shared =
                mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        assert_true(shared != MAP_FAILED);
        window_table_init(shared->table, window_table_size());
        *state = shared;
        return 0;
}

static int drop(void **state)
{
        munmap(*state, sizeof(struct shared) + window_table_size());
        return 0;
}

static struct window_table *table_of(struct shared *shared)
{
        return (struct window_table *)shared->table;
}

/* Hammer one key and, in between, others, all at once. */
static void hammer(struct shared *shared)
{
        const struct window window = { "default|203.0.113.7", LIMIT, 3600000 };
        struct window_count count;

        atomic_fetch_add(&shared->ready, 1);
        while (!atomic_load(&shared->go))
                sched_yield();
        for (unsigned i = 0; i < TRIES; i++) {
                char key[32];
                const struct window other = { key, 3, 3600000 };

                snprintf(key, sizeof(key), "other|%u", i % 700);
                window_table_take(table_of(shared), &other, clock_mono_us(&clock_system), &count);
                window_table_take(table_of(shared), &window, clock_mono_us(&clock_system), &count);
                atomic_fetch_add(&shared->admitted, count.admitted);
                atomic_fetch_add(&shared->wrong, count.count > LIMIT);
        }
}

static void *hammer_thread(void *arg)
{
        hammer(arg);
        return NULL;
}

static void release(struct shared *shared, unsigned expected)
{
        while (atomic_load(&shared->ready) < expected)
                sched_yield();
        atomic_store(&shared->go, true);
}

static bool count_each(void *arg, const char *key, unsigned count)
{
        (void)key;
        *(unsigned *)arg += count;
        return true;
}

static unsigned calls_in_all(struct shared *shared)
{
        unsigned calls = 0;

        window_table_each(table_of(shared), clock_mono_us(&clock_system), count_each, &calls);
        return calls;
}

static void threads_together_admit_exactly_the_limit(void **state)
{
        struct shared *shared = *state;
        pthread_t threads[THREADS];

        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, hammer_thread, shared), 0);
        release(shared, THREADS);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&shared->admitted), LIMIT);
        assert_int_equal(atomic_load(&shared->wrong), 0);
        assert_int_equal(calls_in_all(shared), LIMIT + 700 * 3);
}

static pid_t start(struct shared *shared, void (*body)(struct shared *))
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                body(shared);
                _exit(0);
        }
        return pid;
}

static void processes_together_admit_exactly_the_limit(void **state)
{
        struct shared *shared = *state;
        pid_t children[PROCESSES];

        for (int i = 0; i < PROCESSES; i++)
                children[i] = start(shared, hammer);
        release(shared, PROCESSES);
        for (int i = 0; i < PROCESSES; i++)
                assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
        assert_int_equal(atomic_load(&shared->admitted), LIMIT);
        assert_int_equal(atomic_load(&shared->wrong), 0);
        assert_int_equal(calls_in_all(shared), LIMIT + 700 * 3);
}

/* each calls this under the lock of a shard: whoever stops here holds it. */
static bool stop_here(void *arg, const char *key, unsigned count)
{
        struct shared *shared = arg;

        (void)key;
        (void)count;
        atomic_fetch_add(&shared->ready, 1);
        pause();
        return true;
}

static void hold_a_lock(struct shared *shared)
{
        window_table_each(table_of(shared), clock_mono_us(&clock_system), stop_here, shared);
}

static void kill_and_wait(pid_t pid)
{
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_lock_whose_holder_was_killed_is_free_and_its_windows_begin_anew(void **state)
{
        const struct window window = { "default|203.0.113.7", 2, 3600000 };
        struct shared *shared = *state;
        struct window_count count;
        pid_t child;

        window_table_take(table_of(shared), &window, clock_mono_us(&clock_system), &count);
        child = start(shared, hold_a_lock);
        while (atomic_load(&shared->ready) == 0)
                sched_yield();
        kill_and_wait(child);
        for (unsigned i = 1; i <= 2; i++) {
                window_table_take(table_of(shared), &window, clock_mono_us(&clock_system), &count);
                assert_true(count.admitted);
                assert_int_equal(count.count, i);
        }
        window_table_take(table_of(shared), &window, clock_mono_us(&clock_system), &count);
        assert_false(count.admitted);
}

static void hammer_for_ever(struct shared *shared)
{
        for (;;)
                hammer(shared);
}

/* Killed anywhere in the middle of anything: the others go on, and stay exact. */
static void killed_processes_leave_a_table_that_works(void **state)
{
        const struct window window = { "after|203.0.113.7", 50, 3600000 };
        struct shared *shared = *state;
        struct window_count count;

        atomic_store(&shared->go, true);
        for (unsigned round = 0; round < 60; round++) {
                const unsigned before = atomic_load(&shared->ready);
                pid_t child = start(shared, hammer_for_ever);

                while (atomic_load(&shared->ready) == before)
                        sched_yield();
                for (unsigned i = 0; i < round * 10; i++)
                        calls_in_all(shared);
                kill_and_wait(child);
        }
        for (unsigned i = 0; i < 100; i++) {
                window_table_take(table_of(shared), &window, clock_mono_us(&clock_system), &count);
                assert_int_equal(count.admitted, i < 50);
        }
}

#define SHARED_TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
        const struct CMUnitTest tests[] = {
                SHARED_TEST(threads_together_admit_exactly_the_limit),
                SHARED_TEST(processes_together_admit_exactly_the_limit),
                SHARED_TEST(a_lock_whose_holder_was_killed_is_free_and_its_windows_begin_anew),
                SHARED_TEST(killed_processes_leave_a_table_that_works),
        };

        return cmocka_run_group_tests_name("windows of processes", tests, NULL, NULL);
}
