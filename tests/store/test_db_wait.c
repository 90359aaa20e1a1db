/* Waiting for what others commit. In PostgreSQL other tests may wake a wait too, so that nothing
 * wakes it is true of one of several tries. */
#include <sched.h>
#include <stdatomic.h>

#include "tests/fixture_db.h"

#define LONG_MS  10000
#define SHORT_MS 120
#define TRIES    500 /* a minute: what runs beside this may go on notifying for a while */

static int setup(void **state)
{
        fixture_db_setup_empty(state);
        fixture_sql(*state, "CREATE TABLE marks (mark BIGINT PRIMARY KEY)");
        return 0;
}

static enum err commit_mark(struct ctx *ctx, int64_t mark)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = db_run(ctx, NULL, "INSERT INTO marks VALUES ($1)", "i", mark);
        if (rc == OK)
                rc = db_notify(ctx);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Wait until nothing is new, so that the next wait is for what comes after. */
static bool settle(struct ctx *ctx)
{
        bool changed = true;

        for (unsigned i = 0; i < TRIES && changed; i++) {
                if (db_wait(ctx, SHORT_MS, &changed) != OK)
                        return false;
        }
        return !changed;
}

static void the_first_wait_of_a_connection_is_over_at_once(void **state)
{
        bool changed = false;

        assert_ok(*state, db_wait(*state, LONG_MS, &changed));
        assert_true(changed);
}

static void without_news_time_is_up(void **state)
{
        assert_true(settle(*state));
}

static void news_of_before_the_wait_are_news(void **state)
{
        struct ctx *ctx = *state, *stranger = fixture_stranger(ctx);
        bool changed = false;

        assert_true(settle(ctx));
        assert_ok(stranger, commit_mark(stranger, 1));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM marks"), 1);
        assert_ok(ctx, db_wait(ctx, LONG_MS, &changed));
        assert_true(changed);
        fixture_peer_free(stranger);
}

static atomic_bool settled;

/* One waits, the other commits once the first is about to. */
static bool wait_or_commit(struct ctx *ctx, unsigned index, void *arg)
{
        bool changed = false;

        (void)arg;
        if (index == 0) {
                bool quiet = settle(ctx);

                atomic_store(&settled, true);
                return quiet && db_wait(ctx, LONG_MS, &changed) == OK && changed;
        }
        while (!atomic_load(&settled))
                sched_yield();
        return commit_mark(ctx, 1) == OK;
}

static void a_commit_of_another_thread_ends_a_wait(void **state)
{
        atomic_store(&settled, false);
        fixture_threads(*state, 2, wait_or_commit, NULL);
}

static void a_commit_of_another_process_ends_a_wait(void **state)
{
        atomic_store(&settled, false);
        fixture_strangers(*state, 2, wait_or_commit, NULL);
}

static void what_is_rolled_back_is_no_news(void **state)
{
        struct ctx *ctx = *state, *stranger = fixture_stranger(ctx);

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(stranger, db_begin(stranger, &tx));
                assert_ok(stranger,
                          db_run(stranger, NULL, "INSERT INTO marks VALUES ($1)", "i", INT64_C(1)));
                assert_ok(stranger, db_notify(stranger));
        }
        assert_true(settle(ctx));
        fixture_peer_free(stranger);
}

/* Something may have been said while nobody heard it. */
static void after_a_disconnect_the_first_wait_is_over_at_once(void **state)
{
        struct ctx *ctx = *state;
        bool changed = false;

        assert_true(settle(ctx));
        db_disconnect(ctx);
        assert_ok(ctx, db_wait(ctx, LONG_MS, &changed));
        assert_true(changed);
        assert_true(settle(ctx));
}

static void end_connections(struct ctx *ctx, const struct ctx *of)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        int64_t pid = fixture_number((struct ctx *)of, "SELECT pg_backend_pid()");

        assert_ok(ctx, db_query(ctx, &stmt, "SELECT pg_terminate_backend($1, 5000)", "i", pid));
        assert_ok(ctx, db_step(ctx, stmt));
}

static void a_lost_connection_is_made_anew_and_listens_again(void **state)
{
        struct ctx *ctx = *state, *stranger;
        bool changed = false;

        fixture_only_on(ctx, "pgsql");
        assert_true(settle(ctx));
        stranger = fixture_stranger(ctx);
        end_connections(stranger, ctx);
        assert_ok(ctx, db_wait(ctx, LONG_MS, &changed));
        assert_true(changed);
        assert_true(settle(ctx));
        assert_ok(stranger, commit_mark(stranger, 1));
        assert_ok(ctx, db_wait(ctx, LONG_MS, &changed));
        assert_true(changed);
        fixture_peer_free(stranger);
}

#define CASE(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(the_first_wait_of_a_connection_is_over_at_once),
                CASE(without_news_time_is_up),
                CASE(news_of_before_the_wait_are_news),
                CASE(a_commit_of_another_thread_ends_a_wait),
                CASE(a_commit_of_another_process_ends_a_wait),
                CASE(what_is_rolled_back_is_no_news),
                CASE(after_a_disconnect_the_first_wait_is_over_at_once),
                CASE(a_lost_connection_is_made_anew_and_listens_again),
        };

        return FIXTURE_RUN("db wait", tests);
}
