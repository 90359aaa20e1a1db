#include "core/store/store_leftovers.h"
#include "tests/fixture_db.h"

static void put(struct ctx *ctx, const struct leftover *leftover)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_leftover_put(ctx, leftover));
        assert_ok(ctx, db_commit(&tx));
}

static void forget(struct ctx *ctx, const char *url)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_leftover_forget(ctx, url));
        assert_ok(ctx, db_commit(&tx));
}

static void what_is_due_first_comes_first(void **state)
{
        struct ctx *ctx = *state;
        struct leftover due;

        put(ctx, &(struct leftover){ .url = "s3://b/later", .due_at_us = 20 });
        put(ctx, &(struct leftover){ .url = "s3://b/first", .remote_id = "id", .due_at_us = 10 });
        assert_int_equal(store_leftover_due(ctx, 10, &due), ERR_NOT_FOUND);
        assert_ok(ctx, store_leftover_due(ctx, 100, &due));
        assert_string_equal(due.url, "s3://b/first");
        assert_string_equal(due.remote_id, "id");
        assert_true(due.due_at_us == 10);
        forget(ctx, "s3://b/first");
        assert_ok(ctx, store_leftover_due(ctx, 100, &due));
        assert_string_equal(due.url, "s3://b/later");
        assert_string_equal(due.remote_id, "");
}

static void a_second_note_replaces_the_first(void **state)
{
        struct ctx *ctx = *state;
        struct leftover due;

        put(ctx, &(struct leftover){ .url = "s3://b/a", .due_at_us = 10 });
        put(ctx, &(struct leftover){ .url = "s3://b/a", .due_at_us = 50 });
        assert_int_equal(store_leftover_due(ctx, 20, &due), ERR_NOT_FOUND);
        forget(ctx, "s3://b/a");
        forget(ctx, "s3://b/a"); /* which is not there any more */
        assert_int_equal(store_leftover_due(ctx, 100, &due), ERR_NOT_FOUND);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(what_is_due_first_comes_first),
                FIXTURE_DB_TEST(a_second_note_replaces_the_first),
        };

        return FIXTURE_RUN("store leftovers", tests);
}
