#include <string.h>

#include "core/cloud/provider/provider_http_job.h"
#include "tests/fixture.h"

static struct provider_job read_job(struct ctx *ctx, const char *text)
{
        struct provider_job job = { 0 };
        json_t *json = json_loads(text, 0, NULL);

        assert_non_null(json);
        assert_int_equal(json_keep(ctx, json), OK);
        if (!http_job_read(json, &job))
                fail_msg("%s is no job", text);
        return job;
}

static void a_job_says_all_there_is_to_know(void **state)
{
        struct provider_job job = read_job(
                *state, "{\"id\":\"x1\",\"job_id\":\"01h\",\"status\":\"completed\","
                        "\"logs\":\"done\\n\",\"output\":[\"https://x/a\"],\"run_seconds\":90.5,"
                        "\"started_at\":\"2024-01-15T10:30:00Z\",\"cost_usd\":0,"
                        "\"completed_at\":\"2024-01-15T10:31:30.5Z\",\"error\":\"not shown\"}");

        assert_string_equal(job.external_id, "x1");
        assert_string_equal(job.our_job_id, "01h");
        assert_true(job.status_known);
        assert_int_equal(job.status, JOB_COMPLETED);
        assert_string_equal(job.logs, "done\n");
        assert_string_equal(job.output_url, "https://x/a");
        assert_true(job.run_seconds == 90.5);
        assert_true(job.cost_known && job.cost_usd == 0);
        assert_true(job.started_at_us == FIXTURE_TIME_US);
        assert_true(job.completed_at_us == FIXTURE_TIME_US + 90500000);
        assert_null(job.error);
}

static void its_words_are_ours(void **state)
{
        /* clang-format off */
        static const struct { const char *word; bool known; enum job_status status; } cases[] = {
                { "queued", true, JOB_QUEUED },       { "running", true, JOB_RUNNING },
                { "completed", true, JOB_COMPLETED }, { "failed", true, JOB_FAILED },
                { "cancelled", true, JOB_CANCELLED }, { "canceled", true, JOB_CANCELLED },
                { "pending", false, 0 },              { "Running", false, 0 },
                { "", false, 0 },
        };
        /* clang-format on */
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *text =
                        arena_printf(ctx->arena, "{\"id\":\"x\",\"status\":\"%s\"}", cases[i].word);
                struct provider_job job = read_job(ctx, text);

                assert_int_equal(job.status_known, cases[i].known);
                if (cases[i].known)
                        assert_int_equal(job.status, cases[i].status);
        }
}

static void what_is_not_said_is_not_known(void **state)
{
        struct provider_job job = read_job(*state, "{\"id\":\"x\",\"status\":\"failed\","
                                                   "\"cost_usd\":\"1\",\"started_at\":\"soon\"}");

        assert_false(job.cost_known);
        assert_true(job.run_seconds < 0);
        assert_int_equal(job.started_at_us, 0);
        assert_string_equal(job.error, "The provider reported a failure without a reason");
        assert_null(job.logs);
}

static void what_has_no_id_or_no_status_is_no_job(void **state)
{
        static const char *const wrong[] = { "{}",
                                             "{\"id\":\"x\"}",
                                             "{\"status\":\"queued\"}",
                                             "{\"id\":7,\"status\":\"queued\"}",
                                             "{\"id\":\"\",\"status\":\"queued\"}",
                                             "[]" };
        struct provider_job job;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                CLEANUP(json_decrefp) json_t *json = json_loads(wrong[i], 0, NULL);

                assert_non_null(json);
                assert_false(http_job_read(json, &job));
        }
}

static void a_request_carries_what_was_submitted_as_json(void **state)
{
        CLEANUP(json_decrefp) json_t *env = json_pack("{s:s}", "SIMPLETUNER_JOB_ID", "01h");
        CLEANUP(json_decrefp) json_t *body = NULL;
        struct provider_submission submission = {
                .job_id = "01h",
                .config_json = "{\"steps\":10}",
                .hardware = { .profile = "a100" },
                .env = env,
        };
        struct ctx *ctx = *state;
        const char *text;

        assert_int_equal(http_job_request(ctx, &submission, &body), OK);
        assert_int_equal(json_text(ctx, body, &text), OK);
        assert_string_equal(text, "{\"config\":{\"steps\":10},\"env\":{\"SIMPLETUNER_JOB_ID\":"
                                  "\"01h\"},\"hardware_profile\":\"a100\",\"job_id\":\"01h\"}");
        json_decref(TAKE(body));

        submission.dataloader_json = "[{\"id\":\"a\"}]";
        submission.webhook_url = "https://x/hook";
        submission.max_runtime_s = 5400;
        assert_int_equal(http_job_request(ctx, &submission, &body), OK);
        assert_string_equal(json_string_at(body, "webhook_url"), "https://x/hook");
        assert_true(json_number_at(body, "max_runtime_seconds", 0) == 5400);
        assert_int_equal(json_array_size(json_object_get(body, "dataloader")), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_job_says_all_there_is_to_know),
                FIXTURE_TEST(its_words_are_ours),
                FIXTURE_TEST(what_is_not_said_is_not_known),
                FIXTURE_TEST(what_has_no_id_or_no_status_is_no_job),
                FIXTURE_TEST(a_request_carries_what_was_submitted_as_json),
        };

        return cmocka_run_group_tests_name("provider http job", tests, NULL, NULL);
}
