#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/shared_memory.h"
#include "tests/fixture.h"

struct board {
        pthread_mutex_t mutex;
        atomic_uint made, number, held;
};

static void make_board(void *memory, size_t size)
{
        struct board *board = memory;

        assert(size >= sizeof(*board));
        shared_mutex_init(&board->mutex);
        atomic_fetch_add(&board->made, 1);
}

/* Segments of this test alone: the owner is its directory. */
static struct shared_layout layout_of(struct ctx *ctx)
{
        return (struct shared_layout){ "testing", fixture_dir(ctx), 1, 64 * KiB, make_board };
}

static struct shared_memory *attach(struct ctx *ctx)
{
        const struct shared_layout layout = layout_of(ctx);
        struct shared_memory *shared;

        assert_true(shared_memory_open(&layout, &shared));
        return shared;
}

static struct board *board_of(const struct shared_memory *shared)
{
        return shared_memory_bytes(shared);
}

/* fork, once the directory is there that both are to have. */
static pid_t split(struct ctx *ctx)
{
        pid_t pid;

        assert_non_null(fixture_dir(ctx));
        pid = fork();
        assert_true(pid >= 0);
        return pid;
}

/* Run body in another process, and wait for it: it shall end well. */
static void elsewhere(struct ctx *ctx, void (*body)(struct ctx *ctx))
{
        pid_t pid = split(ctx);
        int status;

        if (pid == 0) {
                body(ctx);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void add_five(struct ctx *ctx)
{
        const struct shared_layout layout = layout_of(ctx);
        struct shared_memory *shared;

        if (!shared_memory_open(&layout, &shared))
                _exit(1);
        atomic_fetch_add(&board_of(shared)->number, 5);
        shared_memory_close(shared);
}

static void two_processes_share(void **state)
{
        CLEANUP(shared_memory_closep) struct shared_memory *shared = attach(*state);

        elsewhere(*state, add_five);
        elsewhere(*state, add_five);
        assert_int_equal(atomic_load(&board_of(shared)->number), 10);
        assert_int_equal(atomic_load(&board_of(shared)->made), 1);
}

static void the_last_one_out_takes_it_away(void **state)
{
        struct shared_memory *first = attach(*state), *second = attach(*state);

        atomic_store(&board_of(first)->number, 7);
        shared_memory_close(first);
        assert_int_equal(atomic_load(&board_of(second)->number), 7);
        shared_memory_close(second);
        first = attach(*state);
        assert_int_equal(atomic_load(&board_of(first)->number), 0);
        shared_memory_close(first);
}

static void one_who_dies_leaves_it_to_the_next(void **state)
{
        struct shared_memory *shared;
        pid_t pid = split(*state);

        if (pid == 0) {
                shared = attach(*state);
                atomic_store(&board_of(shared)->number, 3);
                raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        shared = attach(*state);
        assert_int_equal(atomic_load(&board_of(shared)->number), 3); /* nobody took it away */
        shared_memory_close(shared);
        shared = attach(*state);
        assert_int_equal(atomic_load(&board_of(shared)->number), 0);
        shared_memory_close(shared);
}

static void other_versions_owners_and_kinds_have_segments_of_their_own(void **state)
{
        struct shared_layout layout = layout_of(*state);
        CLEANUP(shared_memory_closep) struct shared_memory *shared = attach(*state);
        CLEANUP(shared_memory_closep) struct shared_memory *version = NULL;
        CLEANUP(shared_memory_closep) struct shared_memory *owner = NULL;
        CLEANUP(shared_memory_closep) struct shared_memory *kind = NULL;

        atomic_store(&board_of(shared)->number, 7);
        layout.version = 2;
        assert_true(shared_memory_open(&layout, &version));
        layout = layout_of(*state);
        layout.owner = fixture_path(*state, "another");
        assert_true(shared_memory_open(&layout, &owner));
        layout = layout_of(*state);
        layout.kind = "others";
        assert_true(shared_memory_open(&layout, &kind));
        assert_int_equal(atomic_load(&board_of(version)->number), 0);
        assert_int_equal(atomic_load(&board_of(owner)->number), 0);
        assert_int_equal(atomic_load(&board_of(kind)->number), 0);
}

static void die_half_way(void *memory, size_t size)
{
        memset(memory, 0xee, size);
        raise(SIGKILL);
}

static void what_a_killed_maker_left_is_made_anew(void **state)
{
        struct shared_memory *shared;
        pid_t pid = split(*state);

        if (pid == 0) {
                struct shared_layout layout = layout_of(*state);

                layout.init = die_half_way;
                _exit(shared_memory_open(&layout, &shared));
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        shared = attach(*state);
        assert_int_equal(atomic_load(&board_of(shared)->made), 1);
        assert_int_equal(atomic_load(&board_of(shared)->number), 0);
        shared_memory_close(shared);
}

static void many_who_come_and_go_at_once_make_it_once_each_time(void **state)
{
        pid_t children[8];

        for (int i = 0; i < 8; i++) {
                children[i] = split(*state);
                if (children[i] != 0)
                        continue;
                for (int n = 0; n < 200; n++) {
                        struct shared_memory *shared = attach(*state);

                        if (atomic_load(&board_of(shared)->made) != 1)
                                _exit(1);
                        if (shared_mutex_lock(&board_of(shared)->mutex) ||
                            atomic_fetch_add(&board_of(shared)->held, 1) != 0)
                                _exit(2);
                        atomic_fetch_sub(&board_of(shared)->held, 1);
                        shared_mutex_unlock(&board_of(shared)->mutex);
                        shared_memory_close(shared);
                }
                _exit(0);
        }
        for (int i = 0; i < 8; i++) {
                int status;

                assert_int_equal(waitpid(children[i], &status, 0), children[i]);
                assert_int_equal(status, 0);
        }
}

static void the_next_one_learns_that_a_holder_of_a_lock_died(void **state)
{
        CLEANUP(shared_memory_closep) struct shared_memory *shared = attach(*state);
        struct board *board = board_of(shared);
        pid_t pid = split(*state);

        if (pid == 0) {
                if (shared_mutex_lock(&board->mutex))
                        _exit(1);
                raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(shared_mutex_lock(&board->mutex));
        shared_mutex_unlock(&board->mutex);
        assert_false(shared_mutex_lock(&board->mutex)); /* it is told once */
        shared_mutex_unlock(&board->mutex);
}

static void no_room_is_said(void **state)
{
        struct shared_layout layout = layout_of(*state);
        struct shared_memory *shared = NULL;

        layout.size = (size_t)1 << 50;
        assert_false(shared_memory_open(&layout, &shared));
        assert_null(shared);
        assert_int_not_equal(errno, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(two_processes_share),
                FIXTURE_TEST(the_last_one_out_takes_it_away),
                FIXTURE_TEST(one_who_dies_leaves_it_to_the_next),
                FIXTURE_TEST(other_versions_owners_and_kinds_have_segments_of_their_own),
                FIXTURE_TEST(what_a_killed_maker_left_is_made_anew),
                FIXTURE_TEST(many_who_come_and_go_at_once_make_it_once_each_time),
                FIXTURE_TEST(the_next_one_learns_that_a_holder_of_a_lock_died),
                FIXTURE_TEST(no_room_is_said),
        };

        return cmocka_run_group_tests_name("shared memory", tests, NULL, NULL);
}
