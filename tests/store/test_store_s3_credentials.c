#include <string.h>

#include "core/store/store_s3_credentials.h"
#include "tests/fixture_db.h"

#define ID "STCAAAAAAAAAAAAAAAAA"

static enum err put(struct ctx *ctx, const char *id, const char *owner, int64_t expires_at_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct s3_credential row = {
                .access_key_id = id,
                .owner = owner,
                .name = "a test",
                .secret_sealed = "v1.x",
                .created_at_us = clock_wall_us(ctx->clock),
                .expires_at_us = expires_at_us,
        };
        enum err rc;

        assert_ok(ctx, db_begin(ctx, &tx));
        rc = store_s3_credential_insert(ctx, &row);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err revoke(struct ctx *ctx, const char *id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        assert_ok(ctx, db_begin(ctx, &tx));
        rc = store_s3_credential_revoke(ctx, id);
        return rc == OK ? db_commit(&tx) : rc;
}

static void use(struct ctx *ctx, int64_t since_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_s3_credential_used(ctx, ID, since_us));
        assert_ok(ctx, db_commit(&tx));
}

static struct s3_credential got(struct ctx *ctx)
{
        struct s3_credential row = { 0 };

        assert_ok(ctx, store_s3_credential_get(ctx, ID, &row));
        return row;
}

static int64_t live(struct ctx *ctx, const char *owner)
{
        int64_t count = -1;

        assert_ok(ctx, store_s3_credentials_live(ctx, owner, &count));
        return count;
}

static void a_credential_reads_back_as_it_was_written(void **state)
{
        struct s3_credential row;
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_NOT_FOUND, store_s3_credential_get(ctx, ID, &row));
        assert_ok(ctx, put(ctx, ID, "ann", FIXTURE_TIME_US + US_PER_DAY));
        row = got(ctx);
        assert_string_equal(row.access_key_id, ID);
        assert_string_equal(row.owner, "ann");
        assert_string_equal(row.name, "a test");
        assert_string_equal(row.secret_sealed, "v1.x");
        assert_true(row.created_at_us == FIXTURE_TIME_US);
        assert_true(row.expires_at_us == FIXTURE_TIME_US + US_PER_DAY);
        assert_int_equal(row.last_used_at_us, 0);
        assert_int_equal(row.revoked_at_us, 0);
}

static void an_id_is_given_once(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, put(ctx, ID, "ann", 0));
        assert_rc(ctx, ERR_CONFLICT, put(ctx, ID, "bob", 0));
        assert_string_equal(got(ctx).owner, "ann");
}

static void a_revoked_one_has_no_secret_and_is_not_revoked_again(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, put(ctx, ID, "ann", 0));
        assert_ok(ctx, revoke(ctx, ID));
        fixture_advance_us(ctx, US_PER_S);
        assert_rc(ctx, ERR_NOT_FOUND, revoke(ctx, ID));
        assert_rc(ctx, ERR_NOT_FOUND, revoke(ctx, "STCB"));
        assert_string_equal(got(ctx).secret_sealed, "");
        assert_true(got(ctx).revoked_at_us == FIXTURE_TIME_US);
}

static void the_revoked_and_the_expired_are_not_live(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, put(ctx, ID, "ann", 0));
        assert_ok(ctx, put(ctx, "STCB", "ann", FIXTURE_TIME_US + US_PER_S));
        assert_ok(ctx, put(ctx, "STCC", "bob", 0));
        assert_int_equal(live(ctx, "ann"), 2);
        fixture_advance_us(ctx, US_PER_S);
        assert_int_equal(live(ctx, "ann"), 1);
        assert_ok(ctx, revoke(ctx, ID));
        assert_int_equal(live(ctx, "ann"), 0);
        assert_int_equal(live(ctx, "bob"), 1);
}

static void use_is_written_again_only_after_a_while(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, put(ctx, ID, "ann", 0));
        use(ctx, FIXTURE_TIME_US - 60 * US_PER_S);
        fixture_advance_us(ctx, 30 * US_PER_S);
        use(ctx, FIXTURE_TIME_US - 30 * US_PER_S);
        assert_true(got(ctx).last_used_at_us == FIXTURE_TIME_US);
        fixture_advance_us(ctx, 31 * US_PER_S);
        use(ctx, FIXTURE_TIME_US + US_PER_S);
        assert_true(got(ctx).last_used_at_us == FIXTURE_TIME_US + 61 * US_PER_S);
        fixture_advance_us(ctx, -US_PER_HOUR); /* a clock that was set back */
        use(ctx, FIXTURE_TIME_US - US_PER_HOUR);
        assert_true(got(ctx).last_used_at_us < FIXTURE_TIME_US);
}

static void note_id(void *arg, const struct s3_credential *row)
{
        char *ids = arg;
        size_t len = strlen(ids);

        snprintf(ids + len, 64 - len, "%s ", row->access_key_id);
}

static void a_list_has_those_of_one_owner_or_of_all_but_none_that_is_revoked(void **state)
{
        char one[64] = "", all[64] = "";
        struct ctx *ctx = *state;

        assert_ok(ctx, put(ctx, "STC3", "bob", 0));
        assert_ok(ctx, put(ctx, "STC2", "ann", FIXTURE_TIME_US)); /* expired */
        assert_ok(ctx, put(ctx, "STC9", "ann", 0));
        fixture_advance_us(ctx, US_PER_S);
        assert_ok(ctx, put(ctx, "STC1", "ann", 0));
        assert_ok(ctx, revoke(ctx, "STC9"));
        assert_ok(ctx, store_s3_credentials_each(ctx, "ann", note_id, one));
        assert_string_equal(one, "STC2 STC1 ");
        assert_ok(ctx, store_s3_credentials_each(ctx, NULL, note_id, all));
        assert_string_equal(all, "STC2 STC1 STC3 ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_credential_reads_back_as_it_was_written),
                FIXTURE_DB_TEST(an_id_is_given_once),
                FIXTURE_DB_TEST(a_revoked_one_has_no_secret_and_is_not_revoked_again),
                FIXTURE_DB_TEST(the_revoked_and_the_expired_are_not_live),
                FIXTURE_DB_TEST(use_is_written_again_only_after_a_while),
                FIXTURE_DB_TEST(a_list_has_those_of_one_owner_or_of_all_but_none_that_is_revoked),
        };

        return FIXTURE_RUN("store S3 credentials", tests);
}
