#include <stdatomic.h>
#include <string.h>

#include "core/cloud/s3/s3_credential.h"
#include "tests/fixture_db.h"

#define LIVE_MAX 20

/* A user that is no administrator. */
static void act_as(struct ctx *ctx, const char *name)
{
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS, .name = name };
}

static void act_as_administrator(struct ctx *ctx)
{
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
}

static struct s3_credential_made made(struct ctx *ctx, const char *owner, int64_t days)
{
        const struct s3_credential_given given = { .name = "laptop", .expires_in_days = days };
        struct s3_credential_made made = { 0 };

        act_as(ctx, owner);
        assert_ok(ctx, s3_credential_new(ctx, &given, &made));
        return made;
}

static enum err opened(struct ctx *ctx, const char *id)
{
        struct s3_credential row;
        struct secret secret;

        return s3_credential_open(ctx, id, &row, &secret);
}

static void a_pair_has_the_form_of_those_of_aws(void **state)
{
        const struct s3_credential_made one = made(*state, "ann", 0), two = made(*state, "ann", 0);

        assert_int_equal(strlen(one.access_key_id), 20);
        assert_int_equal(strncmp(one.access_key_id, "STC", 3), 0);
        assert_int_equal(strspn(one.access_key_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 20);
        assert_int_equal(strlen(one.secret_access_key), 40);
        assert_int_equal(strspn(one.secret_access_key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                       "abcdefghijklmnopqrstuvwxyz0123456789"),
                         40);
        assert_string_not_equal(one.access_key_id, two.access_key_id);
        assert_string_not_equal(one.secret_access_key, two.secret_access_key);
}

static void it_opens_as_it_was_made(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, "ann", 0);
        struct s3_credential row;
        struct secret secret;

        assert_ok(ctx, s3_credential_open(ctx, pair.access_key_id, &row, &secret));
        assert_string_equal(row.owner, "ann");
        assert_int_equal(secret.len, 40);
        assert_string_equal(secret.bytes, pair.secret_access_key);
}

static void the_unknown_the_revoked_and_the_expired_are_refused_alike(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made expired = made(ctx, "ann", 1);
        const struct s3_credential_made revoked = made(ctx, "ann", 0);
        const char *const ids[] = {
                revoked.access_key_id,
                expired.access_key_id,
                "STCAAAAAAAAAAAAAAAAA",
                "stcaaaaaaaaaaaaaaaaa",
                "STC",
                "",
                "STC\xff\xfe AAAAAAAAAAAA",
                "STC' OR '1'='1' -- x",
                revoked.secret_access_key,
        };

        assert_ok(ctx, opened(ctx, expired.access_key_id));
        fixture_advance_us(ctx, US_PER_DAY - 1);
        assert_ok(ctx, opened(ctx, expired.access_key_id));
        fixture_advance_us(ctx, 1);
        assert_ok(ctx, s3_credential_revoke(ctx, revoked.access_key_id));
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                assert_rc(ctx, ERR_UNAUTHENTICATED, opened(ctx, ids[i]));
                assert_string_equal(ctx->detail, "Invalid S3 credential");
        }
}

static void a_secret_is_sealed_for_its_own_row(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made one = made(ctx, "ann", 0), two = made(ctx, "bob", 0);

        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM s3_credentials "
                                             "WHERE secret_sealed LIKE 'v1.%'"),
                         2);
        fixture_sql(ctx, "UPDATE s3_credentials SET secret_sealed = (SELECT secret_sealed "
                         "FROM s3_credentials WHERE owner = 'ann')");
        assert_ok(ctx, opened(ctx, one.access_key_id));
        assert_rc(ctx, ERR_UNAVAILABLE, opened(ctx, two.access_key_id));
        assert_null(strstr(ctx->detail, one.secret_access_key));
}

static void a_change_and_its_audit_row_come_together(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, "ann", 0);

        assert_ok(ctx, s3_credential_revoke(ctx, pair.access_key_id));
        assert_rc(ctx, ERR_NOT_FOUND, s3_credential_revoke(ctx, pair.access_key_id));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log a "
                                             "JOIN s3_credentials c ON target_id = access_key_id "
                                             "WHERE actor = 'ann' "
                                             "AND event_type = 's3_credential.created'"),
                         1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log a "
                                             "JOIN s3_credentials c ON target_id = access_key_id "
                                             "WHERE actor = 'ann' "
                                             "AND event_type = 's3_credential.revoked'"),
                         1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log"), 2);
}

static void what_is_not_allowed_is_named(void **state)
{
        static const struct s3_credential_given wrong[] = {
                { .name = "two\nlines" }, { .name = "\x1b[2J" },       { .name = "\x7f" },
                { .name = "\xff" },       { .expires_in_days = 3651 }, { .expires_in_days = -1 },
        };
        struct s3_credential_made untouched = { .access_key_id = "x" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_rc(ctx, ERR_INVALID, s3_credential_new(ctx, &wrong[i], &untouched));
                assert_non_null(strstr(ctx->detail, wrong[i].name ? "name" : "expires_in_days"));
        }
        assert_string_equal(untouched.access_key_id, "x");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM s3_credentials"), 0);
}

static void only_so_many_are_live_for_each_owner(void **state)
{
        const struct s3_credential_given given = { 0 };
        struct s3_credential_made pair, last;
        struct ctx *ctx = *state;

        last = made(ctx, "ann", 1);
        for (int i = 1; i < LIVE_MAX; i++)
                made(ctx, "ann", 0);
        assert_rc(ctx, ERR_CONFLICT, s3_credential_new(ctx, &given, &pair));
        assert_non_null(strstr(ctx->detail, "20"));
        made(ctx, "bob", 0);
        act_as(ctx, "ann");
        assert_ok(ctx, s3_credential_revoke(ctx, last.access_key_id));
        made(ctx, "ann", 0);
        assert_rc(ctx, ERR_CONFLICT, s3_credential_new(ctx, &given, &pair));
}

static void an_expired_one_makes_room(void **state)
{
        const struct s3_credential_given given = { 0 };
        struct s3_credential_made pair;
        struct ctx *ctx = *state;

        for (int i = 0; i < LIVE_MAX; i++)
                made(ctx, "ann", 1);
        assert_rc(ctx, ERR_CONFLICT, s3_credential_new(ctx, &given, &pair));
        fixture_advance_us(ctx, US_PER_DAY);
        assert_ok(ctx, s3_credential_new(ctx, &given, &pair));
}

static bool make_many(struct ctx *ctx, unsigned index, void *arg)
{
        const struct s3_credential_given given = { 0 };
        struct s3_credential_made pair;
        atomic_int *count = arg;

        (void)index;
        act_as(ctx, "ann");
        for (int i = 0; i < LIVE_MAX / 2; i++) {
                enum err rc = s3_credential_new(ctx, &given, &pair);

                if (rc != OK && rc != ERR_CONFLICT)
                        return false;
                *count += rc == OK;
        }
        return true;
}

static void the_limit_holds_for_those_who_come_at_once(void **state)
{
        struct ctx *ctx = *state;
        atomic_int count = 0;

        fixture_strangers(ctx, 4, make_many, &count);
        assert_int_equal(count, LIVE_MAX);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM s3_credentials"), LIVE_MAX);
}

static void count_row(void *arg, const struct s3_credential *row)
{
        unsigned *count = arg;

        (void)row;
        (*count)++;
}

static void an_owner_sees_and_ends_those_of_no_other(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made anns = made(ctx, "ann", 0), bobs = made(ctx, "bob", 0);
        unsigned count = 0;

        act_as(ctx, "bob");
        assert_ok(ctx, s3_credential_list(ctx, false, count_row, &count));
        assert_int_equal(count, 1);
        assert_int_not_equal(s3_credential_list(ctx, true, count_row, &count), OK);
        assert_int_equal(count, 1);
        assert_rc(ctx, ERR_NOT_FOUND, s3_credential_revoke(ctx, anns.access_key_id));
        assert_ok(ctx, opened(ctx, anns.access_key_id));
        assert_ok(ctx, s3_credential_revoke(ctx, bobs.access_key_id));
}

static void an_administrator_sees_and_ends_those_of_all(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, "ann", 0);
        unsigned own = 0, all = 0;

        act_as_administrator(ctx);
        assert_ok(ctx, s3_credential_list(ctx, false, count_row, &own));
        assert_ok(ctx, s3_credential_list(ctx, true, count_row, &all));
        assert_int_equal(own, 0);
        assert_int_equal(all, 1);
        assert_ok(ctx, s3_credential_revoke(ctx, pair.access_key_id));
        assert_rc(ctx, ERR_UNAUTHENTICATED, opened(ctx, pair.access_key_id));
}

static int64_t used_at(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COALESCE(last_used_at_us, 0) FROM s3_credentials");
}

static void use(struct ctx *ctx, const char *id)
{
        struct s3_credential row;
        struct secret secret;

        assert_ok(ctx, s3_credential_open(ctx, id, &row, &secret));
        s3_credential_note_use(ctx, &row);
}

static void use_is_noted_at_most_once_a_minute(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, "ann", 0);

        assert_int_equal(used_at(ctx), 0);
        use(ctx, pair.access_key_id);
        fixture_advance_us(ctx, 59 * US_PER_S);
        use(ctx, pair.access_key_id);
        assert_true(used_at(ctx) == FIXTURE_TIME_US);
        fixture_advance_us(ctx, 2 * US_PER_S);
        use(ctx, pair.access_key_id);
        assert_true(used_at(ctx) == FIXTURE_TIME_US + 61 * US_PER_S);
}

static void it_opens_although_its_use_cannot_be_written(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, "ann", 0);

        fixture_only_on(ctx, "sqlite");
        fixture_sql(ctx, "CREATE TRIGGER no_use BEFORE UPDATE ON s3_credentials "
                         "BEGIN SELECT RAISE(ABORT, 'no'); END");
        use(ctx, pair.access_key_id);
        assert_int_equal(used_at(ctx), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_pair_has_the_form_of_those_of_aws),
                FIXTURE_CLOUD_TEST(it_opens_as_it_was_made),
                FIXTURE_CLOUD_TEST(the_unknown_the_revoked_and_the_expired_are_refused_alike),
                FIXTURE_CLOUD_TEST(a_secret_is_sealed_for_its_own_row),
                FIXTURE_CLOUD_TEST(a_change_and_its_audit_row_come_together),
                FIXTURE_CLOUD_TEST(what_is_not_allowed_is_named),
                FIXTURE_CLOUD_TEST(only_so_many_are_live_for_each_owner),
                FIXTURE_CLOUD_TEST(an_expired_one_makes_room),
                FIXTURE_CLOUD_TEST(the_limit_holds_for_those_who_come_at_once),
                FIXTURE_CLOUD_TEST(an_owner_sees_and_ends_those_of_no_other),
                FIXTURE_CLOUD_TEST(an_administrator_sees_and_ends_those_of_all),
                FIXTURE_CLOUD_TEST(use_is_noted_at_most_once_a_minute),
                FIXTURE_CLOUD_TEST(it_opens_although_its_use_cannot_be_written),
        };

        return FIXTURE_RUN("S3 credential", tests);
}
