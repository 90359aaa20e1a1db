#include <string.h>

#include "core/cloud/job_request.h"
#include "core/cloud/seal.h"
#include "tests/fixture_db.h"

static const json_t *json(struct ctx *ctx, const char *text)
{
        json_t *parsed = json_loads(text, 0, NULL);

        assert_non_null(parsed);
        assert_ok(ctx, json_keep(ctx, parsed));
        return parsed;
}

/* A stored job with this request. */
static struct job job_with(struct ctx *ctx, const char *job_id, const char *sealed)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job = { .job_id = job_id,
                           .provider = "replicate",
                           .status = JOB_UPLOADING,
                           .metadata = "{}",
                           .owner = "local",
                           .attempt = 1,
                           .created_at_us = FIXTURE_TIME_US };
        const struct job_secrets secrets = { .request = sealed };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job, &secrets));
        assert_ok(ctx, db_commit(&tx));
        return job;
}

static const char *sealed_for(struct ctx *ctx, const char *job_id,
                              const struct job_request *request)
{
        struct job job = { .job_id = job_id, .provider = "replicate" };
        const char *sealed = NULL;

        assert_ok(ctx, job_request_seal(ctx, &job, request, &sealed));
        return sealed;
}

static struct job_request whole(struct ctx *ctx)
{
        return (struct job_request){ .config = json(ctx, "{\"b\":1,\"a\":\"s3cret\"}"),
                                     .dataloader_config = json(ctx, "[{\"id\":\"x\"}]"),
                                     .config_name = "my config",
                                     .webhook_url = "https://hook.example",
                                     .hardware_profile = "l40s",
                                     .tracker_run_name = "run",
                                     .data_consent = true };
}

static void a_request_opens_as_it_was_sealed(void **state)
{
        struct ctx *ctx = *state;
        const struct job_request written = whole(ctx);
        struct job_request read;

        job_with(ctx, "a", sealed_for(ctx, "a", &written));
        assert_ok(ctx, job_request_open(ctx, "a", &read));
        assert_true(json_equal(read.config, written.config));
        assert_true(json_equal(read.dataloader_config, written.dataloader_config));
        assert_string_equal(read.config_name, "my config");
        assert_string_equal(read.webhook_url, "https://hook.example");
        assert_string_equal(read.hardware_profile, "l40s");
        assert_string_equal(read.tracker_run_name, "run");
        assert_true(read.data_consent);
}

static void what_was_not_said_stays_unsaid(void **state)
{
        struct ctx *ctx = *state;
        const struct job_request written = { .config = json(ctx, "{\"a\":1}") };
        struct job_request read;

        job_with(ctx, "a", sealed_for(ctx, "a", &written));
        assert_ok(ctx, job_request_open(ctx, "a", &read));
        assert_null(read.dataloader_config);
        assert_null(read.config_name);
        assert_null(read.webhook_url);
        assert_false(read.data_consent);
}

static void the_text_is_canonical_and_sealed_for_its_job(void **state)
{
        struct ctx *ctx = *state;
        const struct job_request written = whole(ctx);
        const char *sealed = sealed_for(ctx, "a", &written);
        struct job_request read;
        struct secret plain;

        assert_null(strstr(sealed, "s3cret"));
        assert_ok(ctx, seal_open(ctx, "jobs.request/a", sealed, &plain));
        assert_string_equal(
                plain.bytes,
                "{\"config\":{\"a\":\"s3cret\",\"b\":1},\"config_name\":\"my config\","
                "\"data_consent\":true,\"dataloader_config\":[{\"id\":\"x\"}],"
                "\"hardware_profile\":\"l40s\",\"provider\":\"replicate\","
                "\"tracker_run_name\":\"run\",\"webhook_url\":\"https://hook.example\"}");
        job_with(ctx, "b", sealed);
        assert_rc(ctx, ERR_UNAVAILABLE, job_request_open(ctx, "b", &read));
}

static void a_job_without_a_request_has_none(void **state)
{
        struct ctx *ctx = *state;
        struct job_request read;

        job_with(ctx, "a", NULL);
        assert_rc(ctx, ERR_NOT_FOUND, job_request_open(ctx, "a", &read));
        assert_rc(ctx, ERR_NOT_FOUND, job_request_open(ctx, "nobody", &read));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_request_opens_as_it_was_sealed),
                FIXTURE_CLOUD_TEST(what_was_not_said_stays_unsaid),
                FIXTURE_CLOUD_TEST(the_text_is_canonical_and_sealed_for_its_job),
                FIXTURE_CLOUD_TEST(a_job_without_a_request_has_none),
        };

        return cmocka_run_group_tests_name("job request", tests, NULL, NULL);
}
