#include <stdlib.h>
#include <string.h>

#include "core/cloud/provider/replicate_prediction.h"
#include "tests/fixture.h"

static const json_t *json(struct ctx *ctx, const char *text)
{
        json_t *parsed = NULL;

        assert_int_equal(json_parse_object(ctx, "text", text, strlen(text), &parsed), OK);
        assert_int_equal(json_keep(ctx, parsed), OK);
        return parsed;
}

static struct provider_job read(struct ctx *ctx, const char *text)
{
        struct provider_job job = { 0 };

        assert_true(replicate_prediction_read(json(ctx, text), &job));
        return job;
}

static void assert_json(const json_t *value, const char *expected)
{
        char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

        assert_non_null(text);
        assert_string_equal(text, expected);
        free(text);
}

static void a_request_has_version_input_and_callback(void **state)
{
        const struct provider_submission submission = {
                .job_id = "j1",
                .config_json = "{\"a\":1}",
                .dataloader_json = "[]",
                .env = json(*state, "{\"SIMPLETUNER_JOB_ID\":\"j1\"}"),
                .webhook_url = "https://tuner.example/hook",
                .images_url = "https://provider.example/files/1",
        };
        CLEANUP(json_decrefp) json_t *body = replicate_prediction_request(&submission, "v9");

        assert_json(body,
                    "{\"input\":{\"config_json\":\"{\\\"a\\\":1}\",\"dataloader_json\":\"[]\","
                    "\"env\":{\"SIMPLETUNER_JOB_ID\":\"j1\"},"
                    "\"images\":\"https://provider.example/files/1\"},\"version\":\"v9\","
                    "\"webhook\":\"https://tuner.example/hook\","
                    "\"webhook_events_filter\":[\"start\",\"completed\"]}");
}

static void what_is_not_there_is_left_out_of_a_request(void **state)
{
        const struct provider_submission submission = { .config_json = "{}",
                                                        .env = json(*state, "{}") };
        CLEANUP(json_decrefp) json_t *body = replicate_prediction_request(&submission, "v9");

        assert_json(body, "{\"input\":{\"config_json\":\"{}\",\"env\":{}},\"version\":\"v9\"}");
}

static void a_prediction_is_read_whole(void **state)
{
        struct provider_job job =
                read(*state, "{\"id\":\"p1\",\"status\":\"succeeded\","
                             "\"started_at\":\"2024-01-15T10:30:00.000000Z\","
                             "\"completed_at\":\"2024-01-15T10:31:00Z\","
                             "\"output\":[\"https://x.example/1\",\"https://x.example/2\"],"
                             "\"metrics\":{\"predict_time\":60,\"total_time\":61},"
                             "\"input\":{\"env\":{\"SIMPLETUNER_JOB_ID\":\"j1\"}},"
                             "\"error\":\"\",\"unheard\":{\"of\":[]}}");

        assert_string_equal(job.external_id, "p1");
        assert_true(job.status_known);
        assert_int_equal(job.status, JOB_COMPLETED);
        assert_null(job.error);
        assert_string_equal(job.output_url, "https://x.example/1");
        assert_true(job.started_at_us == FIXTURE_TIME_US);
        assert_true(job.completed_at_us == FIXTURE_TIME_US + 60 * US_PER_S);
        assert_true(job.run_seconds == 60);
        assert_string_equal(job.our_job_id, "j1");
}

static void what_a_prediction_does_not_say_stays_unsaid(void **state)
{
        static const char *const bodies[] = {
                "{\"id\":\"p1\",\"status\":\"starting\"}",
                "{\"id\":\"p1\",\"status\":\"starting\",\"started_at\":null,\"completed_at\":null,"
                "\"output\":null,\"metrics\":null,\"input\":null,\"error\":null}",
                "{\"id\":\"p1\",\"status\":\"starting\",\"started_at\":7,\"completed_at\":\"soon\","
                "\"output\":{\"a\":1},\"metrics\":[],\"input\":\"x\",\"error\":[]}",
                "{\"id\":\"p1\",\"status\":\"starting\",\"output\":[],\"input\":{\"env\":[]},"
                "\"metrics\":{\"predict_time\":\"long\"}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                struct provider_job job = read(*state, bodies[i]);

                assert_int_equal(job.status, JOB_QUEUED);
                assert_null(job.error);
                assert_null(job.output_url);
                assert_null(job.our_job_id);
                assert_true(job.started_at_us == 0 && job.completed_at_us == 0);
                assert_true(job.run_seconds < 0);
        }
}

static void each_status_of_replicate_has_one_of_ours(void **state)
{
        static const struct {
                const char *word;
                enum job_status status;
        } words[] = {
                { "starting", JOB_QUEUED },     { "processing", JOB_RUNNING },
                { "succeeded", JOB_COMPLETED }, { "failed", JOB_FAILED },
                { "canceled", JOB_CANCELLED },  { "aborted", JOB_FAILED },
                { "pending", JOB_PENDING },     { "uploading", JOB_UPLOADING },
                { "queued", JOB_QUEUED },       { "running", JOB_RUNNING },
                { "completed", JOB_COMPLETED }, { "cancelled", JOB_CANCELLED },
        };
        enum job_status status;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                assert_true(replicate_status_parse(words[i].word, &status));
                assert_int_equal(status, words[i].status);
        }
        status = JOB_RUNNING;
        assert_false(replicate_status_parse("dancing", &status));
        assert_false(replicate_status_parse("", &status));
        assert_false(replicate_status_parse("Succeeded", &status));
        assert_int_equal(status, JOB_RUNNING);
}

static void an_unknown_status_moves_nothing(void **state)
{
        assert_false(read(*state, "{\"id\":\"p1\",\"status\":\"dancing\"}").status_known);
}

static void a_failure_has_the_reason_that_was_given(void **state)
{
        assert_string_equal(
                read(*state, "{\"id\":\"p\",\"status\":\"failed\",\"error\":\"no memory\"}").error,
                "no memory");
        assert_null(read(*state, "{\"id\":\"p\",\"status\":\"failed\"}").error);
        assert_null(read(*state, "{\"id\":\"p\",\"status\":\"failed\",\"error\":{}}").error);
        assert_non_null(
                strstr(read(*state, "{\"id\":\"p\",\"status\":\"aborted\"}").error, "deadline"));
        assert_null(read(*state, "{\"id\":\"p\",\"status\":\"canceled\",\"error\":\"x\"}").error);
}

static void only_a_web_address_is_an_output(void **state)
{
        static const char *const other[] = { "\"ftp://x.example\"", "\"data:text/html,x\"", "7",
                                             "[\"javascript:1\",\"https://x.example\"]" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(other); i++)
                assert_null(read(ctx, arena_printf(ctx->arena,
                                                   "{\"id\":\"p\",\"status\":\"succeeded\","
                                                   "\"output\":%s}",
                                                   other[i]))
                                    .output_url);
}

static void what_has_no_id_or_no_status_is_no_prediction(void **state)
{
        static const char *const bodies[] = { "{}",
                                              "{\"id\":\"p1\"}",
                                              "{\"status\":\"failed\"}",
                                              "{\"id\":\"\",\"status\":\"failed\"}",
                                              "{\"id\":7,\"status\":\"failed\"}",
                                              "{\"id\":\"p1\",\"status\":null}" };
        struct provider_job untouched = { .external_id = "untouched" };
        char long_id[130];
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
                assert_false(replicate_prediction_read(json(ctx, bodies[i]), &untouched));
        memset(long_id, 'x', sizeof(long_id) - 1);
        long_id[sizeof(long_id) - 1] = '\0';
        assert_false(replicate_prediction_read(
                json(ctx,
                     arena_printf(ctx->arena, "{\"id\":\"%s\",\"status\":\"failed\"}", long_id)),
                &untouched));
        assert_string_equal(untouched.external_id, "untouched");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_request_has_version_input_and_callback),
                FIXTURE_TEST(what_is_not_there_is_left_out_of_a_request),
                FIXTURE_TEST(a_prediction_is_read_whole),
                FIXTURE_TEST(what_a_prediction_does_not_say_stays_unsaid),
                FIXTURE_TEST(each_status_of_replicate_has_one_of_ours),
                FIXTURE_TEST(an_unknown_status_moves_nothing),
                FIXTURE_TEST(a_failure_has_the_reason_that_was_given),
                FIXTURE_TEST(only_a_web_address_is_an_output),
                FIXTURE_TEST(what_has_no_id_or_no_status_is_no_prediction),
        };

        return cmocka_run_group_tests_name("replicate prediction", tests, NULL, NULL);
}
