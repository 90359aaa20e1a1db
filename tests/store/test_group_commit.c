#include <sched.h>
#include <stdatomic.h>

#include "tests/fixture_db.h"

#define THREADS 32
#define TURNS   25

/* One row per key, and a counter that every transaction adds to. */
static int setup(void **state)
{
        fixture_db_setup_empty(state);
        fixture_sql(*state, "CREATE TABLE marks (mark BIGINT PRIMARY KEY)");
        fixture_sql(*state, "CREATE TABLE total (total BIGINT NOT NULL)");
        fixture_sql(*state, "INSERT INTO total VALUES (0)");
        return 0;
}

static enum err add_mark(struct ctx *ctx, int64_t mark)
{
        enum err rc = db_run(ctx, NULL, "INSERT INTO marks VALUES ($1)", "i", mark);

        return rc == OK ? db_run(ctx, NULL, "UPDATE total SET total = total + 1", "") : rc;
}

static enum err commit_mark(struct ctx *ctx, int64_t mark)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = add_mark(ctx, mark);
        return rc == OK ? db_commit(&tx) : rc;
}

/* A transaction that writes and is then left without a commit. */
static enum err roll_back_mark(struct ctx *ctx, int64_t mark)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        return rc == OK ? add_mark(ctx, mark) : rc;
}

static int64_t marks(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM marks");
}

static int64_t total(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT total FROM total");
}

/* Is the mark there for a process that opens the database now? */
static bool is_durable(struct ctx *ctx, int64_t mark)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;

        return db_query(ctx, &stmt, "SELECT 1 FROM marks WHERE mark = $1", "i", mark) == OK &&
               db_step(ctx, stmt) == OK;
}

static bool commit_many(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (int64_t turn = 0; turn < TURNS; turn++) {
                if (commit_mark(ctx, index * TURNS + turn) != OK)
                        return false;
                arena_reset(ctx->arena);
        }
        return true;
}

static void the_commits_of_all_threads_are_there(void **state)
{
        struct ctx *ctx = *state, *stranger;

        fixture_threads(ctx, THREADS, commit_many, NULL);
        stranger = fixture_stranger(ctx);
        assert_int_equal(marks(stranger), THREADS * TURNS);
        assert_int_equal(total(stranger), THREADS * TURNS);
        fixture_peer_free(stranger);
}

/* After each OK, another connection sees the row: nothing is acknowledged before its commit. */
static bool commit_and_look(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (int64_t turn = 0; turn < TURNS; turn++) {
                if (commit_mark(ctx, index * TURNS + turn) != OK ||
                    !is_durable(ctx, index * TURNS + turn))
                        return false;
        }
        return true;
}

static void what_is_acknowledged_is_committed(void **state)
{
        fixture_threads(*state, THREADS, commit_and_look, NULL);
}

static bool commit_or_fail(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (int64_t turn = 0; turn < TURNS; turn++) {
                int64_t mark = index * TURNS + turn;

                if (index % 4 == 1 && roll_back_mark(ctx, mark) != OK)
                        return false;
                if (index % 4 == 2 && commit_mark(ctx, -1) != ERR_CONFLICT)
                        return false;
                if (index % 4 != 1 && commit_mark(ctx, mark) != OK)
                        return false;
        }
        return true;
}

static void a_failing_member_of_a_batch_rolls_back_alone(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, commit_mark(ctx, -1));
        fixture_threads(ctx, THREADS, commit_or_fail, NULL);
        assert_int_equal(marks(ctx), 1 + THREADS * TURNS * 3 / 4);
        assert_int_equal(total(ctx), 1 + THREADS * TURNS * 3 / 4);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM marks WHERE mark / 25 % 4 = 1"),
                         0);
}

/* Two threads that keep to an order: the first ends inside a batch that the second holds open. */
struct order {
        atomic_bool first_begun, second_waits;
};

static bool commit_first_or_roll_back_last(struct ctx *ctx, unsigned index, void *arg)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct order *order = arg;

        if (index == 1) {
                while (!atomic_load(&order->first_begun))
                        sched_yield();
                atomic_store(&order->second_waits, true);
                return roll_back_mark(ctx, 1) == OK;
        }
        if (db_begin(ctx, &tx) != OK || add_mark(ctx, 0) != OK)
                return false;
        atomic_store(&order->first_begun, true);
        while (!atomic_load(&order->second_waits))
                sched_yield();
        return db_commit(&tx) == OK && is_durable(ctx, 0);
}

static void a_rollback_at_the_end_of_a_batch_commits_the_others(void **state)
{
        struct ctx *ctx = *state;

        for (int round = 0; round < 20; round++) {
                struct order order = { false, false };

                fixture_threads(ctx, 2, commit_first_or_roll_back_last, &order);
                assert_int_equal(marks(ctx), 1);
                assert_int_equal(total(ctx), round + 1);
                fixture_sql(ctx, "DELETE FROM marks");
        }
}

static void a_lone_rollback_leaves_the_next_transaction_free(void **state)
{
        struct ctx *ctx = *state, *peer = fixture_peer(ctx);

        assert_ok(ctx, roll_back_mark(ctx, 1));
        assert_ok(peer, commit_mark(peer, 1));
        assert_ok(ctx, commit_mark(ctx, 2));
        assert_int_equal(marks(peer), 2);
        fixture_peer_free(peer);
}

/* Thread 0 stands for another process: it holds the write lock until the others are about to
 * write. */
struct hold {
        atomic_bool held;
        atomic_uint about_to_write;
        struct ctx *stranger;
};

static bool hold_or_write(struct ctx *ctx, unsigned index, void *arg)
{
        struct hold *hold = arg;

        if (index == 0) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                if (db_begin(hold->stranger, &tx) != OK || add_mark(hold->stranger, 0) != OK)
                        return false;
                atomic_store(&hold->held, true);
                while (atomic_load(&hold->about_to_write) < THREADS - 1)
                        sched_yield();
                return db_commit(&tx) == OK;
        }
        while (!atomic_load(&hold->held))
                sched_yield();
        atomic_fetch_add(&hold->about_to_write, 1);
        return commit_mark(ctx, index) == OK;
}

static void another_process_with_the_write_lock_delays_but_fails_nobody(void **state)
{
        struct ctx *ctx = *state;
        struct hold hold = { false, 0, fixture_stranger(ctx) };

        fixture_threads(ctx, THREADS, hold_or_write, &hold);
        assert_int_equal(marks(ctx), THREADS);
        assert_int_equal(total(ctx), THREADS);
        fixture_peer_free(hold.stranger);
}

static void two_processes_that_write_at_once_lose_nothing(void **state)
{
        struct ctx *ctx = *state;

        fixture_strangers(ctx, 4, commit_many, NULL);
        assert_int_equal(marks(ctx), 4 * TURNS);
        assert_int_equal(total(ctx), 4 * TURNS);
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_commits_of_all_threads_are_there),
                TEST(what_is_acknowledged_is_committed),
                TEST(a_failing_member_of_a_batch_rolls_back_alone),
                TEST(a_rollback_at_the_end_of_a_batch_commits_the_others),
                TEST(a_lone_rollback_leaves_the_next_transaction_free),
                TEST(another_process_with_the_write_lock_delays_but_fails_nobody),
                TEST(two_processes_that_write_at_once_lose_nothing),
        };

        return FIXTURE_RUN("group commit", tests);
}
