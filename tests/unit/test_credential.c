#include <string.h>

#include "core/cloud/provider/credential.h"
#include "core/cloud/provider/provider.h"
#include "core/cloud/secrets/secrets.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

static void act_as(struct ctx *ctx, const char *name)
{
        ctx->actor.name = name;
}

static enum err save(struct ctx *ctx, const char *owner, const char *value)
{
        const struct credential_given given = { "replicate", CREDENTIAL_TOKEN, value, NULL };

        act_as(ctx, owner);
        return credential_save(ctx, &given);
}

static struct provider_session opened(struct ctx *ctx, const char *owner)
{
        struct provider_session session;

        assert_ok(ctx, provider_open_for(ctx, "replicate", owner, &session));
        return session;
}

static void the_owners_token_goes_before_the_global_one(void **state)
{
        struct provider_session session;
        struct ctx *ctx = *state;

        assert_ok(ctx, secrets_put(ctx, "REPLICATE_API_TOKEN", "r8_global"));
        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        assert_string_equal(opened(ctx, "ann").token.bytes, "r8_ann");
        assert_true(opened(ctx, "ann").token_is_owners);
        assert_string_equal(opened(ctx, "bob").token.bytes, "r8_global");
        assert_false(opened(ctx, "bob").token_is_owners);
        act_as(ctx, "ann");
        assert_ok(ctx, provider_open(ctx, "replicate", &session));
        assert_string_equal(session.token.bytes, "r8_ann");
        assert_ok(ctx, credential_delete(ctx, NULL, "replicate", CREDENTIAL_TOKEN));
        assert_string_equal(opened(ctx, "ann").token.bytes, "r8_global");
}

static void a_token_opens_for_its_owner_only(void **state)
{
        struct provider_session session;
        struct ctx *ctx = *state;

        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        fixture_sql(ctx, "UPDATE user_credentials SET owner = 'bob'");
        assert_rc(ctx, ERR_UNAVAILABLE, provider_open_for(ctx, "replicate", "bob", &session));
        assert_null(strstr(ctx->detail, "r8_"));
}

static void what_is_stored_is_sealed(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        /* With "_" as it is: as a wildcard it would be met in sealed text now and then. */
        assert_int_equal(fixture_number(ctx,
                                        "SELECT COUNT(*) FROM user_credentials WHERE value LIKE "
                                        "'v1.%' AND value NOT LIKE '%r8!_ann%' ESCAPE '!'"),
                         1);
}

static void a_change_and_its_audit_row_come_together(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        assert_ok(ctx, credential_delete(ctx, NULL, "replicate", CREDENTIAL_TOKEN));
        assert_rc(ctx, ERR_NOT_FOUND, credential_delete(ctx, NULL, "replicate", CREDENTIAL_TOKEN));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE actor = 'ann' "
                                             "AND event_type = 'credential.created'"),
                         1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE actor = 'ann' "
                                             "AND event_type = 'credential.deleted'"),
                         1);
}

static void insert_job(struct ctx *ctx, const char *owner)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = {
                .job_id = "01hm3v0000000000000000000a",
                .status = JOB_PENDING,
                .provider = "replicate",
                .metadata = "{}",
                .owner = owner,
                .attempt = 1,
                .created_at_us = FIXTURE_TIME_US,
        };
        const struct job_secrets secrets = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job, &secrets));
        assert_ok(ctx, db_commit(&tx));
}

static void a_first_token_waits_for_jobs_of_its_owner_alone(void **state)
{
        struct ctx *ctx = *state;

        insert_job(ctx, "ann");
        assert_rc(ctx, ERR_CONFLICT, save(ctx, "ann", "r8_ann"));
        assert_ok(ctx, save(ctx, "bob", "r8_bob"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM user_credentials"), 1);
}

static void a_token_stays_while_jobs_run_under_it(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        assert_ok(ctx, save(ctx, "bob", "r8_bob"));
        insert_job(ctx, "ann");
        assert_rc(ctx, ERR_CONFLICT, save(ctx, "ann", "r8_other"));
        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        assert_rc(ctx, ERR_CONFLICT, credential_delete(ctx, NULL, "replicate", CREDENTIAL_TOKEN));
        assert_non_null(strstr(ctx->detail, "1 job is active"));
        assert_string_equal(opened(ctx, "ann").token.bytes, "r8_ann");
        assert_ok(ctx, save(ctx, "bob", "r8_other"));
        assert_ok(ctx, credential_delete(ctx, NULL, "replicate", CREDENTIAL_TOKEN));
}

static int64_t used_at(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COALESCE(last_used_at_us, 0) FROM user_credentials");
}

static void use_is_noted_at_most_once_a_minute(void **state)
{
        struct provider_session session;
        struct ctx *ctx = *state;

        assert_ok(ctx, save(ctx, "ann", "r8_ann"));
        session = opened(ctx, "ann");
        assert_int_equal(used_at(ctx), 0);
        credential_note_use(ctx, &session);
        fixture_advance_us(ctx, 59 * US_PER_S);
        credential_note_use(ctx, &session);
        assert_true(used_at(ctx) == FIXTURE_TIME_US);
        fixture_advance_us(ctx, 2 * US_PER_S);
        credential_note_use(ctx, &session);
        assert_true(used_at(ctx) == FIXTURE_TIME_US + 61 * US_PER_S);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_owners_token_goes_before_the_global_one),
                FIXTURE_CLOUD_TEST(a_token_opens_for_its_owner_only),
                FIXTURE_CLOUD_TEST(what_is_stored_is_sealed),
                FIXTURE_CLOUD_TEST(a_change_and_its_audit_row_come_together),
                FIXTURE_CLOUD_TEST(a_first_token_waits_for_jobs_of_its_owner_alone),
                FIXTURE_CLOUD_TEST(a_token_stays_while_jobs_run_under_it),
                FIXTURE_CLOUD_TEST(use_is_noted_at_most_once_a_minute),
        };

        return FIXTURE_RUN("credential", tests);
}
