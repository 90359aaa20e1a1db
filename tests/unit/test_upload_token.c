#include <string.h>

#include "core/cloud/storage/upload_token.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct upload_token made(struct ctx *ctx)
{
        struct upload_token token;

        assert_ok(ctx, upload_token_new(ctx, &token));
        return token;
}

static struct job insert_job(struct ctx *ctx, const char *id, const char *sha256)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = { .job_id = id,
                                 .status = JOB_PENDING,
                                 .provider = "replicate",
                                 .owner = "local",
                                 .metadata = "{}" };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx,
                  store_job_insert(ctx, &job, &(struct job_secrets){ .token_sha256 = sha256 }));
        assert_ok(ctx, db_commit(&tx));
        return job;
}

static void a_token_and_its_key_are_43_safe_characters(void **state)
{
        struct upload_token token = made(*state);
        char sha256[SHA256_HEX_SIZE];

        assert_int_equal(strlen(token.token), 43);
        assert_int_equal(strspn(token.token, alphabet), 43);
        assert_int_equal(strlen(token.secret_key), 43);
        assert_int_equal(strspn(token.secret_key, alphabet), 43);
        assert_true(crypto_sha256_hex(token.token, 43, sha256));
        assert_string_equal(token.sha256, sha256);
}

static void no_two_tokens_are_alike(void **state)
{
        struct upload_token one = made(*state), two = made(*state);

        assert_string_not_equal(one.token, two.token);
        assert_string_not_equal(one.secret_key, two.secret_key);
        assert_string_not_equal(one.token, one.secret_key);
}

static void a_token_belongs_to_the_job_that_was_given_it(void **state)
{
        struct ctx *ctx = *state;
        struct upload_token one = made(ctx), two = made(ctx);
        const char *owner = NULL;

        insert_job(ctx, "j1", one.sha256);
        insert_job(ctx, "j2", two.sha256);
        insert_job(ctx, "j3", NULL);
        assert_ok(ctx, upload_token_owner(ctx, one.token, &owner));
        assert_string_equal(owner, "j1");
        assert_ok(ctx, upload_token_owner(ctx, two.token, &owner));
        assert_string_equal(owner, "j2");
}

static void a_token_dies_with_its_job(void **state)
{
        const struct job_news end = { .status = JOB_FAILED };
        struct ctx *ctx = *state;
        struct upload_token token = made(ctx);
        struct job job = insert_job(ctx, "j1", token.sha256);
        const char *owner = "untouched";
        bool moved;

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, store_job_apply(ctx, &job, &end, &moved, NULL));
                assert_ok(ctx, db_commit(&tx));
        }
        assert_rc(ctx, ERR_UNAUTHENTICATED, upload_token_owner(ctx, token.token, &owner));
        assert_string_equal(owner, "untouched");
}

static void what_is_not_the_token_opens_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct upload_token token = made(ctx);
        const char *const wrong[] = {
                "",
                "x",
                token.sha256, /* what a thief of the database has */
                token.secret_key,
                arena_printf(ctx->arena, "%s=", token.token),
                arena_printf(ctx->arena, "%.42s", token.token),
                arena_printf(ctx->arena, "%.42s%c", token.token,
                             token.token[42] == 'A' ? 'B' : 'A'),
                "' OR '1'='1' --                            ",
        };
        const char *owner;

        insert_job(ctx, "j1", token.sha256);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_rc(ctx, ERR_UNAUTHENTICATED, upload_token_owner(ctx, wrong[i], &owner));
}

static void the_key_of_a_token_is_found_again(void **state)
{
        struct ctx *ctx = *state;
        struct upload_token token = made(ctx);
        const char *owner = NULL;
        struct secret key;

        assert_rc(ctx, ERR_UNAUTHENTICATED, upload_token_secret(ctx, token.token, &owner, &key));
        assert_null(owner);
        insert_job(ctx, "j1", token.sha256);
        assert_ok(ctx, upload_token_secret(ctx, token.token, &owner, &key));
        assert_string_equal(owner, "j1");
        assert_int_equal(key.len, 43);
        assert_string_equal(key.bytes, token.secret_key);
}

static void the_token_itself_is_nowhere_in_the_database(void **state)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct ctx *ctx = *state;
        struct upload_token token = made(ctx);

        insert_job(ctx, "j1", token.sha256);
        assert_ok(ctx, db_query(ctx, &stmt, "SELECT upload_token_sha256, metadata FROM jobs", ""));
        assert_ok(ctx, db_step(ctx, stmt));
        assert_string_equal(db_text(stmt, 0), token.sha256);
        assert_null(strstr(db_text(stmt, 1), token.token));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_token_and_its_key_are_43_safe_characters),
                FIXTURE_CLOUD_TEST(no_two_tokens_are_alike),
                FIXTURE_CLOUD_TEST(a_token_belongs_to_the_job_that_was_given_it),
                FIXTURE_CLOUD_TEST(a_token_dies_with_its_job),
                FIXTURE_CLOUD_TEST(what_is_not_the_token_opens_nothing),
                FIXTURE_CLOUD_TEST(the_key_of_a_token_is_found_again),
                FIXTURE_CLOUD_TEST(the_token_itself_is_nowhere_in_the_database),
        };

        return FIXTURE_RUN("upload token", tests);
}
