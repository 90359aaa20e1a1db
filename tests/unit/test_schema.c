#include <string.h>

#include "core/cloud/database/schema.h"
#include "tests/fixture_db.h"

static struct schema_info info(struct ctx *ctx)
{
        struct schema_info read;

        assert_ok(ctx, schema_info(ctx, &read));
        return read;
}

static void the_schema_is_described(void **state)
{
        struct ctx *ctx = *state;
        struct schema_info read = info(ctx);

        assert_string_equal(read.kind, fixture_is_sqlite(ctx) ? "sqlite" : "postgresql");
        assert_true(read.version > 0);
        assert_int_equal(read.version, read.newest);
        assert_true(read.size_bytes > 0);
        if (fixture_is_sqlite(ctx))
                assert_string_equal(read.path, fixture_path(ctx, "jobs.db"));
        else
                assert_null(read.path);
}

static void a_current_schema_has_nothing_to_migrate(void **state)
{
        struct schema_move move = { .applied = 42 };
        struct ctx *ctx = *state;

        assert_ok(ctx, schema_migrate(ctx, &move));
        assert_int_equal(move.applied, 0);
        assert_int_equal(move.from, move.to);
        assert_null(move.copy);
}

static void an_older_schema_is_copied_aside_and_moved_on(void **state)
{
        struct schema_move move = { .applied = 0 };
        struct ctx *ctx = *state;
        unsigned newest = info(ctx).newest;

        fixture_migrate_to(ctx, newest - 1);
        fixture_sql(ctx, "INSERT INTO providers VALUES ('p', '{}', 1)");
        assert_ok(ctx, schema_migrate(ctx, &move));
        assert_int_equal(move.applied, 1);
        assert_int_equal(move.from, newest - 1);
        assert_int_equal(move.to, newest);
        assert_int_equal(info(ctx).version, newest);
        if (fixture_is_sqlite(ctx)) {
                CLEANUP(database_closep) struct database *copy = NULL;
                struct db *own = ctx->db;

                assert_non_null(move.copy);
                assert_ok(ctx,
                          database_open(ctx, arena_printf(ctx->arena, "sqlite://%s", move.copy),
                                        &copy));
                ctx->db = db_new(copy);
                assert_int_equal(fixture_number(ctx, "SELECT MAX(version) FROM schema_migrations"),
                                 newest - 1);
                assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM providers"), 1);
                db_free(ctx->db);
                ctx->db = own;
        } else {
                assert_null(move.copy);
        }
}

static void a_newer_schema_is_refused_and_not_copied(void **state)
{
        struct schema_move move = { .copy = "untouched" };
        struct ctx *ctx = *state;

        fixture_sql(ctx, "INSERT INTO schema_migrations VALUES (9999, '9999_future', 'x', 1)");
        assert_rc(ctx, ERR_CONFLICT, schema_migrate(ctx, &move));
        assert_non_null(strstr(ctx->detail, "9999_future"));
        assert_string_equal(move.copy, "untouched");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_schema_is_described),
                FIXTURE_CLOUD_TEST(a_current_schema_has_nothing_to_migrate),
                FIXTURE_EMPTY_CLOUD_TEST(an_older_schema_is_copied_aside_and_moved_on),
                FIXTURE_CLOUD_TEST(a_newer_schema_is_refused_and_not_copied),
        };

        return FIXTURE_RUN("schema", tests);
}
