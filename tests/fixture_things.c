#include "tests/fixture_things.h"

int fixture_things_setup(void **state)
{
        fixture_db_setup_empty(state);
        fixture_sql(*state, "CREATE TABLE things (id BIGINT PRIMARY KEY, word TEXT UNIQUE, "
                            "number BIGINT, amount DOUBLE PRECISION, later BIGINT)");
        return 0;
}

enum err thing_insert(struct ctx *ctx, int64_t id, const char *word, int64_t number)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_run(ctx, NULL, THINGS_INSERT, "itidz", id, word, number, 0.5, INT64_C(0));
        return rc == OK ? db_commit(&tx) : rc;
}

struct db_stmt *thing_read(struct ctx *ctx, int64_t id)
{
        struct db_stmt *stmt = NULL;

        assert_ok(ctx, db_first(ctx, &stmt, THINGS_READ, "i", id));
        return stmt;
}

int64_t things_count(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM things");
}
