#include "tests/fixture_things.h"

#define THREADS 8
#define TURNS   20

static void what_a_constraint_refuses_is_a_conflict(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
        assert_rc(ctx, ERR_CONFLICT, thing_insert(ctx, 1, "two", 2));
        assert_rc(ctx, ERR_CONFLICT, thing_insert(ctx, 2, "one", 2));
        assert_int_equal(things_count(ctx), 1);
        assert_ok(ctx, thing_insert(ctx, 2, "two", 2));
}

static void a_commit_that_says_ok_has_written_what_was_run(void **state)
{
        struct ctx *ctx = *state;
        enum err rc;

        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(2), "two",
                                      INT64_C(2), 0.5, INT64_C(0)));
                assert_rc(ctx, ERR_CONFLICT,
                          db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "x", INT64_C(1),
                                 0.5, INT64_C(0)));
                rc = db_commit(&tx);
        }
        assert_int_equal(things_count(ctx), rc == OK ? 2 : 1);
}

static void writing_outside_a_transaction_is_refused(void **state)
{
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_INTERNAL,
                  db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "one", INT64_C(1), 0.5,
                         INT64_C(0)));
        assert_int_equal(things_count(ctx), 0);
        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
        assert_rc(ctx, ERR_INTERNAL, db_run(ctx, NULL, "DELETE FROM things", ""));
        assert_int_equal(things_count(ctx), 1);
}

static void a_transaction_that_is_left_is_rolled_back(void **state)
{
        struct ctx *ctx = *state;

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "one",
                                      INT64_C(1), 0.5, INT64_C(0)));
                assert_int_equal(things_count(ctx), 1); /* its own work is seen inside */
        }
        assert_int_equal(things_count(ctx), 0);
        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
}

static void what_is_not_committed_is_not_seen_by_others(void **state)
{
        struct ctx *ctx = *state, *peer = fixture_peer(ctx);

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "one",
                                      INT64_C(1), 0.5, INT64_C(0)));
                assert_int_equal(things_count(peer), 0);
                assert_ok(ctx, db_commit(&tx));
        }
        assert_int_equal(things_count(peer), 1);
        fixture_peer_free(peer);
}

static void transactions_do_not_nest(void **state)
{
        struct ctx *ctx = *state;

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx outer = { 0 };
                CLEANUP(db_rollback_unless_committed) struct db_tx inner = { 0 };

                assert_ok(ctx, db_begin(ctx, &outer));
                assert_rc(ctx, ERR_INTERNAL, db_begin(ctx, &inner));
                assert_null(inner.ctx);
                assert_ok(ctx, db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "one",
                                      INT64_C(1), 0.5, INT64_C(0)));
                assert_ok(ctx, db_commit(&outer));
        }
        assert_int_equal(things_count(ctx), 1);
}

/* End the connection of ctx as an administrator of PostgreSQL would, and wait until it is gone. */
static void terminate(struct ctx *ctx)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        int64_t pid = fixture_number(ctx, "SELECT pg_backend_pid()");
        struct ctx *admin = fixture_peer(ctx);

        assert_ok(admin, db_query(admin, &stmt, "SELECT pg_terminate_backend($1, 5000)", "i", pid));
        assert_ok(admin, db_step(admin, stmt));
        assert_string_equal(db_text(stmt, 0), "t");
        db_stmt_free(TAKE(stmt));
        fixture_peer_free(admin);
}

static void a_lost_connection_is_made_anew(void **state)
{
        struct ctx *ctx = *state;

        fixture_only_on(ctx, "pgsql");
        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
        terminate(ctx);
        assert_ok(ctx, thing_insert(ctx, 2, "two", 2));
        terminate(ctx);
        assert_int_equal(things_count(ctx), 2);
}

static void a_transaction_that_loses_its_connection_writes_nothing(void **state)
{
        struct ctx *ctx = *state;

        fixture_only_on(ctx, "pgsql");
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "one",
                                      INT64_C(1), 0.5, INT64_C(0)));
                terminate(ctx);
                assert_rc(ctx, ERR_UNAVAILABLE, db_commit(&tx));
        }
        assert_int_equal(things_count(ctx), 0);
        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
}

static void a_row_in_hand_outlives_the_connection_it_came_by(void **state)
{
        CLEANUP(db_stmt_freep) struct db_stmt *held = NULL;
        struct ctx *ctx = *state;

        fixture_only_on(ctx, "pgsql");
        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
        held = thing_read(ctx, 1);
        terminate(ctx);
        assert_ok(ctx, thing_insert(ctx, 2, "two", 2));
        assert_rc(ctx, ERR_UNAVAILABLE, db_step(ctx, held));
        assert_int_equal(things_count(ctx), 2);
}

/* Read, add one and write: without the lock, PostgreSQL would lose what others wrote meanwhile. */
static bool count_under_lock(struct ctx *ctx, unsigned index, void *arg)
{
        (void)index;
        (void)arg;
        for (int i = 0; i < TURNS; i++) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
                CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
                int64_t number;

                if (db_begin(ctx, &tx) != OK || db_lock(ctx, "counter") != OK ||
                    db_query(ctx, &stmt, THINGS_READ, "i", INT64_C(1)) != OK ||
                    db_step(ctx, stmt) != OK)
                        return false;
                number = db_int(stmt, 1) + 1;
                db_stmt_free(TAKE(stmt));
                if (db_run(ctx, NULL, "UPDATE things SET number = $1 WHERE id = 1", "i", number) !=
                            OK ||
                    db_commit(&tx) != OK)
                        return false;
        }
        return true;
}

static void a_lock_has_one_holder_over_all_threads(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, thing_insert(ctx, 1, "one", 0));
        fixture_threads(ctx, THREADS, count_under_lock, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT number FROM things"), THREADS * TURNS);
}

static void a_lock_has_one_holder_over_all_processes(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, thing_insert(ctx, 1, "one", 0));
        fixture_strangers(ctx, THREADS, count_under_lock, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT number FROM things"), THREADS * TURNS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_THINGS_TEST(what_a_constraint_refuses_is_a_conflict),
                FIXTURE_THINGS_TEST(a_commit_that_says_ok_has_written_what_was_run),
                FIXTURE_THINGS_TEST(writing_outside_a_transaction_is_refused),
                FIXTURE_THINGS_TEST(a_transaction_that_is_left_is_rolled_back),
                FIXTURE_THINGS_TEST(what_is_not_committed_is_not_seen_by_others),
                FIXTURE_THINGS_TEST(transactions_do_not_nest),
                FIXTURE_THINGS_TEST(a_lost_connection_is_made_anew),
                FIXTURE_THINGS_TEST(a_transaction_that_loses_its_connection_writes_nothing),
                FIXTURE_THINGS_TEST(a_row_in_hand_outlives_the_connection_it_came_by),
                FIXTURE_THINGS_TEST(a_lock_has_one_holder_over_all_threads),
                FIXTURE_THINGS_TEST(a_lock_has_one_holder_over_all_processes),
        };

        return FIXTURE_RUN("db transactions", tests);
}
