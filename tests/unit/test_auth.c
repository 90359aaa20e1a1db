#include <string.h>

#include "core/cloud/auth/auth.h"
#include "core/cloud/storage/upload_token.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

#define JOB "01hm3v00000000000000000001"

static struct credentials from(const char *peer)
{
        struct credentials credentials = { .forwarded = false };

        if (peer)
                assert_true(ipaddr_parse(peer, strlen(peer), &credentials.peer));
        return credentials;
}

/* A live token of JOB. */
static const char *job_token(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = { .job_id = JOB,
                                 .status = JOB_PENDING,
                                 .provider = "replicate",
                                 .owner = "local",
                                 .metadata = "{}" };
        struct upload_token token;

        assert_ok(ctx, upload_token_new(ctx, &token));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job,
                                        &(struct job_secrets){ .token_sha256 = token.sha256 }));
        assert_ok(ctx, db_commit(&tx));
        return token.token;
}

static void assert_is_job(struct ctx *ctx, const struct credentials *credentials)
{
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        ctx_set_job(ctx, NULL);
        assert_ok(ctx, auth_identify(ctx, credentials));
        assert_int_equal(ctx->actor.kind, ACTOR_JOB);
        assert_string_equal(ctx->actor.job_id, JOB);
        assert_string_equal(ctx->job_id, JOB);
}

static void a_direct_request_from_the_machine_itself_is_its_administrator(void **state)
{
        static const char *const peers[] = { "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
                struct credentials credentials = from(peers[i]);

                assert_ok(ctx, auth_identify(ctx, &credentials));
                assert_int_equal(ctx->actor.kind, ACTOR_LOCAL_ADMIN);
        }
}

static void everybody_else_without_a_credential_is_anonymous(void **state)
{
        struct credentials others[] = { from("10.0.0.7"), from("2001:db8::1"), from(NULL),
                                        from("127.0.0.1") };
        struct ctx *ctx = *state;

        others[3].forwarded = true; /* through a proxy on this machine */
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                ctx->actor.kind = ACTOR_LOCAL_ADMIN;
                assert_ok(ctx, auth_identify(ctx, &others[i]));
                assert_int_equal(ctx->actor.kind, ACTOR_ANONYMOUS);
        }
}

static void a_bad_credential_never_falls_back_to_a_weaker_one(void **state)
{
        struct credentials cases[8];
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                cases[i] = from("127.0.0.1");
        cases[0].api_key = "st_x";
        cases[1].api_key = "";
        cases[2].authorization = "Bearer st_x";
        cases[3].authorization = "Bearer x";
        cases[4].authorization = "Basic dTpw";
        cases[5].authorization = "";
        cases[6].upload_token = "x";
        cases[7].upload_token = "";
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ctx->actor.kind = ACTOR_LOCAL_ADMIN;
                assert_rc(ctx, ERR_UNAUTHENTICATED, auth_identify(ctx, &cases[i]));
                assert_int_equal(ctx->actor.kind, ACTOR_ANONYMOUS);
        }
}

static void a_job_is_known_by_its_token_from_anywhere(void **state)
{
        struct ctx *ctx = *state;
        const char *token = job_token(ctx);
        struct credentials header = from("203.0.113.9"), bearer = header, local = from("127.0.0.1");

        header.upload_token = token;
        header.forwarded = true;
        assert_is_job(ctx, &header);
        bearer.authorization = arena_printf(ctx->arena, "Bearer %s", token);
        assert_is_job(ctx, &bearer);
        bearer.authorization = arena_printf(ctx->arena, "bearer   %s", token);
        assert_is_job(ctx, &bearer);
        local.upload_token = token;
        assert_is_job(ctx, &local); /* who shows a token is no administrator */
}

static void an_api_key_beside_a_good_token_is_still_refused(void **state)
{
        struct ctx *ctx = *state;
        struct credentials both = from("203.0.113.9");

        both.upload_token = job_token(ctx);
        both.api_key = "st_x";
        assert_rc(ctx, ERR_UNAUTHENTICATED, auth_identify(ctx, &both));
        assert_int_equal(ctx->actor.kind, ACTOR_ANONYMOUS);
}

static void rights_depend_on_who_asks(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned p = PERM_PUBLIC; p < PERM_COUNT; p++) {
                enum permission permission = (enum permission)p;
                bool storage =
                        p == PERM_STORAGE_READ || p == PERM_STORAGE_WRITE || p == PERM_STORAGE_MAKE;
                bool open = p >= PERM_PUBLIC && p <= PERM_PROBE;

                ctx->actor.kind = ACTOR_LOCAL_ADMIN;
                assert_ok(ctx, auth_require(ctx, permission));
                ctx->actor.kind = ACTOR_JOB;
                assert_rc(ctx, storage || open ? OK : ERR_DENIED, auth_require(ctx, permission));
                ctx->actor.kind = ACTOR_ANONYMOUS;
                assert_rc(ctx, open ? OK : ERR_UNAUTHENTICATED, auth_require(ctx, permission));
        }
}

static void a_refusal_names_the_right_that_is_missing(void **state)
{
        struct ctx *ctx = *state;

        ctx->actor.kind = ACTOR_JOB;
        assert_rc(ctx, ERR_DENIED, auth_require(ctx, PERM_ADMIN_CONFIG));
        assert_non_null(strstr(ctx->detail, "admin.config"));
        for (unsigned p = 0; p < PERM_COUNT; p++)
                assert_non_null(permission_name((enum permission)p));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_direct_request_from_the_machine_itself_is_its_administrator),
                FIXTURE_CLOUD_TEST(everybody_else_without_a_credential_is_anonymous),
                FIXTURE_CLOUD_TEST(a_bad_credential_never_falls_back_to_a_weaker_one),
                FIXTURE_CLOUD_TEST(a_job_is_known_by_its_token_from_anywhere),
                FIXTURE_CLOUD_TEST(an_api_key_beside_a_good_token_is_still_refused),
                FIXTURE_CLOUD_TEST(rights_depend_on_who_asks),
                FIXTURE_CLOUD_TEST(a_refusal_names_the_right_that_is_missing),
        };

        return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
