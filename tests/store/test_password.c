#include <string.h>

#include "core/cloud/auth/password.h"
#include "tests/fixture_db.h"

static struct secret secret(const char *text)
{
        return (struct secret){ text, strlen(text) };
}

static const char *hash_of(struct ctx *ctx, const char *password)
{
        const char *hash = NULL;

        fixture_config(ctx)->password_cost = 10;
        assert_ok(ctx, password_hash(ctx, secret(password), &hash));
        return hash;
}

static bool matches(struct ctx *ctx, const char *password, const char *hash)
{
        struct password_verdict verdict = { 0 };

        assert_ok(ctx, password_verify(ctx, secret(password), hash, &verdict));
        return verdict.matches;
}

static void a_hash_tells_how_it_was_made(void **state)
{
        const char *hash = hash_of(*state, "correct horse");

        assert_int_equal(strncmp(hash, "$scrypt$ln=10,r=8,p=3$", 22), 0);
        assert_null(strstr(hash, "correct"));
}

static void the_same_password_is_never_hashed_alike(void **state)
{
        assert_string_not_equal(hash_of(*state, "correct horse"), hash_of(*state, "correct horse"));
}

static void only_the_password_matches(void **state)
{
        const char *hash = hash_of(*state, "correct horse");

        assert_true(matches(*state, "correct horse", hash));
        assert_false(matches(*state, "correct horsf", hash));
        assert_false(matches(*state, "", hash));
        assert_false(matches(*state, "correct horse ", hash));
}

static void a_known_hash_of_another_program_is_read(void **state)
{
        /* scrypt("pleaseletmein", "SodiumChlorideNa", N=1024, r=8, p=1, 32), salt of 16 bytes. */
        static const char hash[] = "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGVOYQ==$"
                                   "PJCw1x+sal8bbJSpOcsV2yNn7esl6GzSihnPu2N3cXg=";

        assert_true(matches(*state, "pleaseletmein", hash));
}

static void a_password_of_nobody_never_matches(void **state)
{
        fixture_config(*state)->password_cost = 10;
        assert_false(matches(*state, "correct horse", NULL));
        assert_false(matches(*state, "", NULL));
}

static void a_hash_of_other_parameters_matches_and_is_stale(void **state)
{
        struct ctx *ctx = *state;
        const char *hash = hash_of(ctx, "correct horse");
        struct password_verdict verdict;

        assert_ok(ctx, password_verify(ctx, secret("correct horse"), hash, &verdict));
        assert_false(verdict.is_stale);
        fixture_config(ctx)->password_cost = 11;
        assert_ok(ctx, password_verify(ctx, secret("correct horse"), hash, &verdict));
        assert_true(verdict.matches && verdict.is_stale);
        assert_ok(ctx, password_verify(ctx, secret("wrong horse"), hash, &verdict));
        assert_false(verdict.matches || verdict.is_stale);
}

static void what_is_no_hash_of_ours_is_a_fault(void **state)
{
        static const char *const bad[] = {
                "",
                "x",
                "$scrypt$ln=10,r=8,p=1$$",
                "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGVOYQ==$AAAA",
                "$scrypt$ln=99,r=8,p=1$U29kaXVtQ2hsb3JpZGVOYQ==$"
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "$scrypt$ln=10,r=0,p=1$U29kaXVtQ2hsb3JpZGVOYQ==$"
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGVOYQ==$"
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=x",
        };
        struct password_verdict verdict;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_rc(*state, ERR_INTERNAL,
                          password_verify(*state, secret("x"), bad[i], &verdict));
}

static void a_password_has_a_length_and_is_text(void **state)
{
        struct ctx *ctx = *state;
        char long_one[PASSWORD_MAX + 2];

        memset(long_one, 'x', sizeof(long_one) - 1);
        long_one[sizeof(long_one) - 1] = '\0';
        assert_rc(ctx, ERR_INVALID, password_check_rules(ctx, "password", "seven77"));
        assert_non_null(strstr(ctx->detail, "password must be text of 8 to 1024 bytes"));
        assert_rc(ctx, ERR_INVALID, password_check_rules(ctx, "password", long_one));
        assert_rc(ctx, ERR_INVALID,
                  password_check_rules(ctx, "password",
                                       "\xff\xff\xff\xff\xff"
                                       "\xff\xff\xff"));
        assert_ok(ctx, password_check_rules(ctx, "password", long_one + 1));
        assert_ok(ctx, password_check_rules(ctx, "password", "8 bytes!"));
}

static void only_some_are_hashed_at_once(void **state)
{
        struct ctx *ctx = *state;
        struct password_verdict verdict;

        fixture_config(ctx)->password_cost = 10;
        atomic_store(&ctx->cloud->hashing, 4);
        assert_rc(ctx, ERR_LIMITED, password_verify(ctx, secret("x"), NULL, &verdict));
        assert_int_equal(ctx->retry_after_s, 1);
        assert_int_equal(atomic_load(&ctx->cloud->hashing), 4);
        atomic_store(&ctx->cloud->hashing, 3);
        ctx->retry_after_s = 0;
        assert_ok(ctx, password_verify(ctx, secret("x"), NULL, &verdict));
        assert_int_equal(atomic_load(&ctx->cloud->hashing), 3);
}

static void nothing_is_hashed_while_others_wait_for_a_transaction(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = *state;
        struct password_verdict verdict;
        const char *hash;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_rc(ctx, ERR_INTERNAL, password_hash(ctx, secret("correct horse"), &hash));
        assert_rc(ctx, ERR_INTERNAL, password_verify(ctx, secret("x"), NULL, &verdict));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_hash_tells_how_it_was_made),
                FIXTURE_CLOUD_TEST(the_same_password_is_never_hashed_alike),
                FIXTURE_CLOUD_TEST(only_the_password_matches),
                FIXTURE_CLOUD_TEST(a_known_hash_of_another_program_is_read),
                FIXTURE_CLOUD_TEST(a_password_of_nobody_never_matches),
                FIXTURE_CLOUD_TEST(a_hash_of_other_parameters_matches_and_is_stale),
                FIXTURE_CLOUD_TEST(what_is_no_hash_of_ours_is_a_fault),
                FIXTURE_CLOUD_TEST(a_password_has_a_length_and_is_text),
                FIXTURE_CLOUD_TEST(only_some_are_hashed_at_once),
                FIXTURE_CLOUD_TEST(nothing_is_hashed_while_others_wait_for_a_transaction),
        };

        return FIXTURE_RUN("password", tests);
}
