#include <string.h>

#include "tests/fixture_things.h"

static void every_letter_binds_its_kind_of_value(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct ctx *ctx = *state;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_run(ctx, NULL, THINGS_INSERT, "itidz", INT64_C(1), "word", INT64_C(-7),
                              0.1, INT64_C(9)));
        assert_ok(ctx, db_commit(&tx));
        stmt = thing_read(ctx, 1);
        assert_string_equal(db_text(stmt, 0), "word");
        assert_true(db_int(stmt, 1) == -7);
        assert_true(db_real(stmt, 2) == 0.1);
        assert_true(db_int(stmt, 3) == 9);
        assert_rc(ctx, ERR_NOT_FOUND, db_step(ctx, stmt));
}

static void placeholders_are_bound_by_their_number_not_their_place(void **state)
{
        static const char sql[] = "INSERT INTO things (word, number, id, later, amount) "
                                  "VALUES ($3, $2, $1, $2, $4)";
        static const char swapped[] = "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT)";
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL, *other = NULL;
        struct ctx *ctx = *state;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_run(ctx, NULL, sql, "iitd", INT64_C(1), INT64_C(2), "three", 4.0));
        assert_ok(ctx, db_commit(&tx));
        stmt = thing_read(ctx, 1);
        assert_string_equal(db_text(stmt, 0), "three");
        assert_true(db_int(stmt, 1) == 2 && db_int(stmt, 3) == 2);
        assert_true(db_real(stmt, 2) == 4.0);

        assert_ok(ctx, db_query(ctx, &other, swapped, "tt", "one", "two"));
        assert_ok(ctx, db_step(ctx, other));
        assert_string_equal(db_text(other, 0), "two");
        assert_string_equal(db_text(other, 1), "one");
}

static void an_absent_value_reads_as_null_and_as_zero(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct ctx *ctx = *state;
        const char *copy = "untouched";

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_run(ctx, NULL, "INSERT INTO things (id, word, later) VALUES ($1, $2, $3)",
                              "itz", INT64_C(1), NULL, INT64_C(0)));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM things WHERE word IS NULL AND "
                                             "number IS NULL AND later IS NULL"),
                         1);
        stmt = thing_read(ctx, 1);
        for (unsigned i = 0; i < 4; i++) {
                assert_null(db_text(stmt, i));
                assert_true(db_int(stmt, i) == 0);
                assert_true(db_real(stmt, i) == 0.0);
        }
        assert_ok(ctx, db_text_dup(ctx, stmt, 0, &copy));
        assert_null(copy);
}

static void zero_is_a_number_and_the_empty_text_is_a_text(void **state)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct ctx *ctx = *state;

        assert_ok(ctx, thing_insert(ctx, 1, "", 0));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM things WHERE number = 0"), 1);
        stmt = thing_read(ctx, 1);
        assert_string_equal(db_text(stmt, 0), "");
}

static void the_largest_numbers_come_back_unchanged(void **state)
{
        static const int64_t numbers[] = { INT64_MIN, INT64_MAX, INT64_C(1) << 53,
                                           (INT64_C(1) << 53) + 1, -1 };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;

                assert_ok(ctx, thing_insert(ctx, (int64_t)i, NULL, numbers[i]));
                stmt = thing_read(ctx, (int64_t)i);
                assert_true(db_int(stmt, 1) == numbers[i]);
        }
}

static void text_keeps_every_character(void **state)
{
        static const char *const words[] = { "\x01\x1f\x7f", "a\nb\\n'\"$1 %s",
                                             "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x89",
                                             "'); DROP TABLE things; --" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;

                assert_ok(ctx, thing_insert(ctx, (int64_t)i, words[i], 0));
                stmt = thing_read(ctx, (int64_t)i);
                assert_string_equal(db_text(stmt, 0), words[i]);
        }
}

static void long_text_comes_back_whole(void **state)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct ctx *ctx = *state;
        char *text = arena_alloc(ctx->arena, MiB + 1);
        const char *copy;

        memset(text, 'x', MiB);
        fixture_sql(ctx, "CREATE TABLE notes (note TEXT)");
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, db_run(ctx, NULL, "INSERT INTO notes VALUES ($1)", "t", text));
                assert_ok(ctx, db_commit(&tx));
        }
        assert_ok(ctx, db_query(ctx, &stmt, "SELECT note FROM notes", ""));
        assert_ok(ctx, db_step(ctx, stmt));
        assert_ok(ctx, db_text_dup(ctx, stmt, 0, &copy));
        assert_string_equal(copy, text);
}

static void a_bound_text_may_go_after_the_first_step(void **state)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct ctx *ctx = *state;
        char label[] = "label";

        for (int64_t id = 1; id <= 3; id++)
                assert_ok(ctx, thing_insert(ctx, id, NULL, 0));
        assert_ok(ctx, db_query(ctx, &stmt, "SELECT CAST($1 AS TEXT) FROM things", "t", label));
        assert_ok(ctx, db_step(ctx, stmt));
        memset(label, '!', sizeof(label) - 1);
        for (int i = 0; i < 2; i++) {
                assert_ok(ctx, db_step(ctx, stmt));
                assert_string_equal(db_text(stmt, 0), "label");
        }
}

static void a_run_tells_how_many_rows_it_wrote(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = *state;
        int64_t changed = -1;

        for (int64_t id = 1; id <= 3; id++)
                assert_ok(ctx, thing_insert(ctx, id, NULL, id));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_run(ctx, &changed, "UPDATE things SET number = 9 WHERE id > $1", "i",
                              INT64_C(1)));
        assert_int_equal(changed, 2);
        assert_ok(ctx, db_run(ctx, &changed, "UPDATE things SET number = 8 WHERE id = $1", "i",
                              INT64_C(99)));
        assert_int_equal(changed, 0);
        assert_ok(ctx, db_run(ctx, &changed,
                              "INSERT INTO things (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
                              "i", INT64_C(1)));
        assert_int_equal(changed, 0);
}

static void a_statement_may_run_while_the_same_one_is_being_stepped(void **state)
{
        static const char sql[] = "SELECT id FROM things WHERE id >= $1 ORDER BY id";
        CLEANUP(db_stmt_freep) struct db_stmt *outer = NULL;
        struct ctx *ctx = *state;
        int seen = 0;

        for (int64_t id = 1; id <= 3; id++)
                assert_ok(ctx, thing_insert(ctx, id, NULL, id));
        assert_ok(ctx, db_query(ctx, &outer, sql, "i", INT64_C(1)));
        while (db_step(ctx, outer) == OK) {
                CLEANUP(db_stmt_freep) struct db_stmt *inner = NULL;
                int64_t id = db_int(outer, 0);

                assert_ok(ctx, db_query(ctx, &inner, sql, "i", id));
                assert_ok(ctx, db_step(ctx, inner));
                assert_true(db_int(inner, 0) == id);
                assert_true(db_int(outer, 0) == id);
                seen++;
        }
        assert_int_equal(seen, 3);
}

static void a_statement_left_half_way_starts_anew_the_next_time(void **state)
{
        struct ctx *ctx = *state;

        for (int64_t id = 1; id <= 3; id++)
                assert_ok(ctx, thing_insert(ctx, id, NULL, id));
        for (int i = 0; i < 3; i++) {
                CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;

                assert_ok(ctx, db_query(ctx, &stmt, "SELECT id FROM things ORDER BY id", ""));
                assert_ok(ctx, db_step(ctx, stmt));
                assert_true(db_int(stmt, 0) == 1);
        }
}

static void wrong_sql_is_a_fault_and_the_connection_goes_on(void **state)
{
        struct ctx *ctx = *state;
        struct db_stmt *stmt = NULL;

        assert_rc(ctx, ERR_INTERNAL, db_query(ctx, &stmt, "SELECT nonsense FROM nowhere", ""));
        assert_null(stmt);
        assert_rc(ctx, ERR_INTERNAL, db_query(ctx, &stmt, "SELECT 1", "?", INT64_C(1)));
        assert_int_equal(things_count(ctx), 0);
}

static void a_table_is_found_by_its_name(void **state)
{
        struct ctx *ctx = *state;
        bool exists = false;

        assert_ok(ctx, db_has_table(ctx, "things", &exists));
        assert_true(exists);
        assert_ok(ctx, db_has_table(ctx, "thing", &exists));
        assert_false(exists);
}

static void a_url_of_no_known_kind_is_refused(void **state)
{
        static const char *const wrong[] = { "", "sqlite://relative.db", "mysql://host/name",
                                             "/path/to/jobs.db" };
        struct database *database = NULL;
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_rc(ctx, ERR_INVALID, database_open(ctx, wrong[i], &database));
        assert_null(database);
}

static void a_database_that_cannot_be_reached_is_unavailable(void **state)
{
        static const char *const away[] = { "sqlite:///dev/null/jobs.db",
                                            "postgresql://nobody@127.0.0.1:1/nothing" };
        struct ctx *ctx = *state;
        struct db *own = ctx->db;

        for (size_t i = 0; i < ARRAY_SIZE(away); i++) {
                CLEANUP(database_closep) struct database *database = NULL;
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
                struct db_stmt *stmt = NULL;

                assert_ok(ctx, database_open(ctx, away[i], &database));
                ctx->db = db_new(database);
                assert_rc(ctx, ERR_UNAVAILABLE, db_query(ctx, &stmt, "SELECT 1", ""));
                assert_rc(ctx, ERR_UNAVAILABLE, db_begin(ctx, &tx));
                db_free(ctx->db);
        }
        ctx->db = own;
}

static void a_copy_holds_what_was_committed(void **state)
{
        CLEANUP(database_closep) struct database *copy = NULL;
        struct ctx *ctx = *state;
        const char *path = fixture_path(ctx, "copy.db");
        struct db *own = ctx->db;

        fixture_only_on(ctx, "sqlite");
        assert_ok(ctx, thing_insert(ctx, 1, "one", 1));
        assert_ok(ctx, db_copy_to(ctx, path));
        assert_int_not_equal(db_copy_to(ctx, path), OK); /* it is not overwritten */
        assert_ok(ctx, thing_insert(ctx, 2, "two", 2));
        assert_ok(ctx, database_open(ctx, arena_printf(ctx->arena, "sqlite://%s", path), &copy));
        ctx->db = db_new(copy);
        assert_int_equal(things_count(ctx), 1);
        db_free(ctx->db);
        ctx->db = own;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_THINGS_TEST(every_letter_binds_its_kind_of_value),
                FIXTURE_THINGS_TEST(placeholders_are_bound_by_their_number_not_their_place),
                FIXTURE_THINGS_TEST(an_absent_value_reads_as_null_and_as_zero),
                FIXTURE_THINGS_TEST(zero_is_a_number_and_the_empty_text_is_a_text),
                FIXTURE_THINGS_TEST(the_largest_numbers_come_back_unchanged),
                FIXTURE_THINGS_TEST(text_keeps_every_character),
                FIXTURE_THINGS_TEST(long_text_comes_back_whole),
                FIXTURE_THINGS_TEST(a_bound_text_may_go_after_the_first_step),
                FIXTURE_THINGS_TEST(a_run_tells_how_many_rows_it_wrote),
                FIXTURE_THINGS_TEST(a_statement_may_run_while_the_same_one_is_being_stepped),
                FIXTURE_THINGS_TEST(a_statement_left_half_way_starts_anew_the_next_time),
                FIXTURE_THINGS_TEST(wrong_sql_is_a_fault_and_the_connection_goes_on),
                FIXTURE_THINGS_TEST(a_table_is_found_by_its_name),
                FIXTURE_THINGS_TEST(a_url_of_no_known_kind_is_refused),
                FIXTURE_THINGS_TEST(a_database_that_cannot_be_reached_is_unavailable),
                FIXTURE_THINGS_TEST(a_copy_holds_what_was_committed),
        };

        return FIXTURE_RUN("db", tests);
}
