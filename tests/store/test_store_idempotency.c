#include <string.h>

#include "core/store/store_idempotency.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

#define CLAIMERS 8

static struct idempotency_key key_of(struct ctx *ctx, const char *owner, const char *job_id)
{
        return (struct idempotency_key){
                .owner = owner,
                .key = "k",
                .request_sha256 = job_id, /* tells whose it is */
                .job_id = job_id,
                .expires_at_us = clock_wall_us(ctx->clock) + US_PER_DAY,
        };
}

/* A job with a key, in one transaction, as a submission does it. */
static enum err claim(struct ctx *ctx, const char *owner, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct idempotency_key key = key_of(ctx, owner, job_id);
        const struct job job = { .job_id = job_id,
                                 .status = JOB_PENDING,
                                 .provider = "replicate",
                                 .metadata = "{}",
                                 .owner = owner,
                                 .created_at_us = clock_wall_us(ctx->clock) };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_idempotency_claim(ctx, &key);
        if (rc == OK)
                rc = store_job_insert(ctx, &job, &(struct job_secrets){ 0 });
        return rc == OK ? db_commit(&tx) : rc;
}

static struct idempotency_key found(struct ctx *ctx, const char *owner)
{
        struct idempotency_key key;

        assert_ok(ctx, store_idempotency_get(ctx, owner, "k", &key));
        return key;
}

static void a_key_stands_for_the_first_job(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, claim(ctx, "ada", "job1"));
        assert_rc(ctx, ERR_CONFLICT, claim(ctx, "ada", "job2"));
        assert_string_equal(found(ctx, "ada").job_id, "job1");
        assert_string_equal(found(ctx, "ada").request_sha256, "job1");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs"), 1);
}

static void everybody_has_keys_of_his_own(void **state)
{
        struct idempotency_key key;
        struct ctx *ctx = *state;

        assert_ok(ctx, claim(ctx, "ada", "job1"));
        assert_rc(ctx, ERR_NOT_FOUND, store_idempotency_get(ctx, "bob", "k", &key));
        assert_ok(ctx, claim(ctx, "bob", "job2"));
        assert_string_equal(found(ctx, "ada").job_id, "job1");
        assert_string_equal(found(ctx, "bob").job_id, "job2");
}

static void a_key_that_is_out_of_date_is_free(void **state)
{
        struct idempotency_key key;
        struct ctx *ctx = *state;

        assert_ok(ctx, claim(ctx, "ada", "job1"));
        fixture_advance_us(ctx, US_PER_DAY - 1);
        assert_string_equal(found(ctx, "ada").job_id, "job1");
        fixture_advance_us(ctx, 1);
        assert_rc(ctx, ERR_NOT_FOUND, store_idempotency_get(ctx, "ada", "k", &key));
        assert_ok(ctx, claim(ctx, "ada", "job2"));
        assert_string_equal(found(ctx, "ada").job_id, "job2");
        assert_string_equal(found(ctx, "ada").request_sha256, "job2");
}

static void forget(struct ctx *ctx, const char *owner, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_idempotency_forget(ctx, owner, job_id));
        assert_ok(ctx, db_commit(&tx));
}

static void a_key_that_is_forgotten_with_its_job_is_free(void **state)
{
        struct idempotency_key key;
        struct ctx *ctx = *state;

        assert_ok(ctx, claim(ctx, "ada", "job1"));
        forget(ctx, "bob", "job1");
        forget(ctx, "ada", "job2");
        assert_string_equal(found(ctx, "ada").job_id, "job1");
        forget(ctx, "ada", "job1");
        assert_rc(ctx, ERR_NOT_FOUND, store_idempotency_get(ctx, "ada", "k", &key));
        assert_ok(ctx, claim(ctx, "ada", "job2"));
}

static void a_transaction_that_fails_leaves_the_key_free(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, claim(ctx, "ada", "job1"));
        assert_rc(ctx, ERR_CONFLICT, claim(ctx, "bob", "job1")); /* the job's id is taken */
        assert_ok(ctx, claim(ctx, "bob", "job2"));
}

static bool claim_as(struct ctx *ctx, unsigned index, void *arg)
{
        enum err *results = arg;
        char job_id[] = "job-x";

        job_id[4] = (char)('a' + index);
        results[index] = claim(ctx, "ada", job_id);
        return results[index] == OK || results[index] == ERR_CONFLICT;
}

static void assert_one_won(struct ctx *ctx, const enum err results[CLAIMERS])
{
        unsigned won = 0;

        for (unsigned i = 0; i < CLAIMERS; i++)
                won += results[i] == OK;
        assert_int_equal(won, 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs"), 1);
}

static void of_many_threads_at_once_one_gets_the_key(void **state)
{
        enum err results[CLAIMERS];
        struct ctx *ctx = *state;

        fixture_threads(ctx, CLAIMERS, claim_as, results);
        assert_one_won(ctx, results);
}

static void of_many_processes_at_once_one_gets_the_key(void **state)
{
        enum err results[CLAIMERS];
        struct ctx *ctx = *state;

        fixture_strangers(ctx, CLAIMERS, claim_as, results);
        assert_one_won(ctx, results);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_key_stands_for_the_first_job),
                FIXTURE_DB_TEST(everybody_has_keys_of_his_own),
                FIXTURE_DB_TEST(a_key_that_is_out_of_date_is_free),
                FIXTURE_DB_TEST(a_key_that_is_forgotten_with_its_job_is_free),
                FIXTURE_DB_TEST(a_transaction_that_fails_leaves_the_key_free),
                FIXTURE_DB_TEST(of_many_threads_at_once_one_gets_the_key),
                FIXTURE_DB_TEST(of_many_processes_at_once_one_gets_the_key),
        };

        return FIXTURE_RUN("store idempotency", tests);
}
