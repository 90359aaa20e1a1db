#include <string.h>

#include "core/cloud/s3/s3_auth.h"
#include "core/cloud/s3/s3_credential.h"
#include "core/cloud/storage/upload_token.h"
#include "tests/fixture_job.h"

#define UNKNOWN "The AWS Access Key Id you provided does not exist in our records."

static struct s3_credential_made made(struct ctx *ctx, const char *owner)
{
        const struct s3_credential_given given = { 0 };
        struct s3_credential_made pair = { 0 };

        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN, .name = owner };
        assert_ok(ctx, s3_credential_new(ctx, &given, &pair));
        return pair;
}

/* The token of a job that is stored and waits. */
static struct upload_token token_of(struct ctx *ctx, const struct job *job)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct upload_token token;

        assert_ok(ctx, upload_token_new(ctx, &token));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, job,
                                        &(struct job_secrets){ .token_sha256 = token.sha256 }));
        assert_ok(ctx, db_commit(&tx));
        return token;
}

static void assert_unknown(struct ctx *ctx, const char *access_key_id)
{
        struct s3_identity identity = { .actor = { .kind = ACTOR_JOB, .job_id = "untouched" } };

        assert_rc(ctx, ERR_UNAUTHENTICATED, s3_auth_secret(ctx, access_key_id, &identity));
        assert_string_equal(ctx->detail, UNKNOWN);
        assert_string_equal(identity.actor.job_id, "untouched");
        assert_null(identity.secret_key.bytes);
}

static void a_jobs_token_is_the_job_with_the_key_that_it_was_given(void **state)
{
        struct ctx *ctx = *state;
        const struct job job = fixture_job(ctx, 1);
        const struct upload_token token = token_of(ctx, &job);
        struct s3_identity identity;

        assert_ok(ctx, s3_auth_secret(ctx, token.token, &identity));
        assert_int_equal(identity.actor.kind, ACTOR_JOB);
        assert_string_equal(identity.actor.job_id, job.job_id);
        assert_int_equal(identity.secret_key.len, 43);
        assert_string_equal(identity.secret_key.bytes, token.secret_key);
}

static void a_users_credential_is_its_owner(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, NULL);
        struct s3_identity identity;

        assert_ok(ctx, s3_auth_secret(ctx, pair.access_key_id, &identity));
        assert_int_equal(identity.actor.kind, ACTOR_LOCAL_ADMIN);
        assert_string_equal(identity.actor.name, "local");
        assert_null(identity.actor.job_id);
        assert_string_equal(identity.secret_key.bytes, pair.secret_access_key);
}

static void looking_somebody_up_makes_nobody_of_the_caller(void **state)
{
        struct ctx *ctx = *state;
        const struct s3_credential_made pair = made(ctx, NULL);
        struct s3_identity identity;

        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        assert_ok(ctx, s3_auth_secret(ctx, pair.access_key_id, &identity));
        assert_int_equal(ctx->actor.kind, ACTOR_ANONYMOUS);
        assert_string_equal(ctx->job_id, "");
}

static void nobodys_key_is_refused_in_one_way(void **state)
{
        struct ctx *ctx = *state;
        const struct job job = fixture_job(ctx, 1);
        const struct upload_token token = token_of(ctx, &job);
        const struct s3_credential_made revoked = made(ctx, NULL);

        assert_ok(ctx, s3_credential_revoke(ctx, revoked.access_key_id));
        fixture_job_apply(ctx, &job, (struct job_news){ .status = JOB_CANCELLED });
        assert_unknown(ctx, revoked.access_key_id);
        assert_unknown(ctx, token.token);
        assert_unknown(ctx, token.secret_key);
        assert_unknown(ctx, "STCAAAAAAAAAAAAAAAAA");
        assert_unknown(ctx, "AKIAIOSFODNN7EXAMPLE");
        assert_unknown(ctx, "STC\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                            "\xff");
        assert_unknown(ctx, "");
}

static void a_credential_of_an_owner_that_is_nobody_is_refused(void **state)
{
        struct ctx *ctx = *state;

        assert_unknown(ctx, made(ctx, "ann").access_key_id);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_jobs_token_is_the_job_with_the_key_that_it_was_given),
                FIXTURE_CLOUD_TEST(a_users_credential_is_its_owner),
                FIXTURE_CLOUD_TEST(looking_somebody_up_makes_nobody_of_the_caller),
                FIXTURE_CLOUD_TEST(nobodys_key_is_refused_in_one_way),
                FIXTURE_CLOUD_TEST(a_credential_of_an_owner_that_is_nobody_is_refused),
        };

        return FIXTURE_RUN("S3 authentication", tests);
}
