#include <string.h>

#include "core/store/store_credentials.h"
#include "tests/fixture_db.h"

static const struct credential_key key = { "ann", "replicate", "api_token" };

static void put(struct ctx *ctx, struct credential_key of, const char *value)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct credential_row row = {
                .key = of,
                .value = value,
                .description = "a test",
                .created_at_us = clock_wall_us(ctx->clock),
        };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_credential_put(ctx, &row));
        assert_ok(ctx, db_commit(&tx));
}

static struct credential_row got(struct ctx *ctx, struct credential_key of)
{
        struct credential_row row = { 0 };

        assert_ok(ctx, store_credential_get(ctx, &of, &row));
        return row;
}

static void use(struct ctx *ctx, int64_t since_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_credential_used(ctx, &key, since_us));
        assert_ok(ctx, db_commit(&tx));
}

static void a_credential_reads_back_as_it_was_written(void **state)
{
        struct credential_row row, none;
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_NOT_FOUND, store_credential_get(ctx, &key, &none));
        put(ctx, key, "v1.x");
        row = got(ctx, key);
        assert_string_equal(row.key.owner, "ann");
        assert_string_equal(row.value, "v1.x");
        assert_string_equal(row.description, "a test");
        assert_true(row.created_at_us == FIXTURE_TIME_US);
        assert_int_equal(row.last_used_at_us, 0);
}

static void a_new_value_replaces_the_old_and_is_unused(void **state)
{
        struct ctx *ctx = *state;

        put(ctx, key, "first");
        use(ctx, 0);
        fixture_advance_us(ctx, US_PER_S);
        put(ctx, key, "second");
        assert_string_equal(got(ctx, key).value, "second");
        assert_int_equal(got(ctx, key).last_used_at_us, 0);
        assert_true(got(ctx, key).created_at_us == FIXTURE_TIME_US + US_PER_S);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM user_credentials"), 1);
}

static void use_is_written_again_only_after_a_while(void **state)
{
        struct ctx *ctx = *state;

        put(ctx, key, "x");
        use(ctx, FIXTURE_TIME_US - 60 * US_PER_S);
        fixture_advance_us(ctx, 30 * US_PER_S);
        use(ctx, FIXTURE_TIME_US - 30 * US_PER_S);
        assert_true(got(ctx, key).last_used_at_us == FIXTURE_TIME_US);
        fixture_advance_us(ctx, 31 * US_PER_S);
        use(ctx, FIXTURE_TIME_US + US_PER_S);
        assert_true(got(ctx, key).last_used_at_us == FIXTURE_TIME_US + 61 * US_PER_S);
        fixture_advance_us(ctx, -US_PER_HOUR); /* a clock that was set back */
        use(ctx, FIXTURE_TIME_US - US_PER_HOUR);
        assert_true(got(ctx, key).last_used_at_us < FIXTURE_TIME_US);
}

static void a_credential_is_removed_once(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = *state;

        put(ctx, key, "x");
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_credential_delete(ctx, &key));
        assert_rc(ctx, ERR_NOT_FOUND, store_credential_delete(ctx, &key));
        assert_ok(ctx, db_commit(&tx));
}

static void note_name(void *arg, const struct credential_row *row)
{
        char *names = arg;
        size_t len = strlen(names);

        snprintf(names + len, 64 - len, "%s/%s ", row->key.provider, row->key.name);
}

static void an_owner_sees_those_of_no_other(void **state)
{
        char names[64] = "";
        struct ctx *ctx = *state;

        put(ctx, key, "x");
        put(ctx, (struct credential_key){ "ann", "http", "api_token" }, "y");
        put(ctx, (struct credential_key){ "bob", "replicate", "api_token" }, "z");
        assert_ok(ctx, store_credentials_each(ctx, "ann", note_name, names));
        assert_string_equal(names, "http/api_token replicate/api_token ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_credential_reads_back_as_it_was_written),
                FIXTURE_DB_TEST(a_new_value_replaces_the_old_and_is_unused),
                FIXTURE_DB_TEST(use_is_written_again_only_after_a_while),
                FIXTURE_DB_TEST(a_credential_is_removed_once),
                FIXTURE_DB_TEST(an_owner_sees_those_of_no_other),
        };

        return FIXTURE_RUN("store credentials", tests);
}
