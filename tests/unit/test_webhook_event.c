#include <string.h>

#include "core/cloud/webhook/webhook_event.h"
#include "tests/fixture.h"

/* The body, read as one of Replicate's; its texts live as long as the ctx. */
static struct webhook_event event(struct ctx *ctx, const char *body)
{
        struct webhook_event read = { 0 };
        json_t *json = NULL;

        assert_int_equal(json_parse_object(ctx, "body", body, strlen(body), &json), OK);
        assert_int_equal(json_keep(ctx, json), OK);
        assert_int_equal(webhook_event_read(ctx, &provider_replicate, json, &read), OK);
        return read;
}

static void the_object_of_the_provider_is_about_its_id(void **state)
{
        struct webhook_event read =
                event(*state,
                      "{\"id\":\"p1\",\"status\":\"succeeded\",\"output\":\"https://x.example/1\","
                      "\"input\":{\"env\":{\"SIMPLETUNER_JOB_ID\":\"j1\"}},"
                      "\"metrics\":{\"predict_time\":2.5}}");

        assert_string_equal(read.subject, "p1");
        assert_true(read.news.status_known);
        assert_int_equal(read.news.status, JOB_COMPLETED);
        assert_string_equal(read.news.our_job_id, "j1");
        assert_string_equal(read.news.output_url, "https://x.example/1");
        assert_true(read.news.run_seconds == 2.5);
}

static void an_event_of_the_trainer_names_its_job(void **state)
{
        assert_string_equal(event(*state, "{\"event_type\":\"x\",\"job_id\":\"j1\"}").subject,
                            "j1");
        assert_string_equal(event(*state, "{\"type\":\"x\",\"prediction_id\":\"p1\"}").subject,
                            "p1");
        assert_string_equal(event(*state, "{\"type\":\"x\",\"job_id\":\"j1\","
                                          "\"prediction_id\":\"p1\"}")
                                    .subject,
                            "j1");
        assert_null(event(*state, "{\"event_type\":\"completed\"}").subject);
        assert_null(event(*state, "{}").subject);
}

static void the_name_of_an_event_may_end_the_job(void **state)
{
        static const struct {
                const char *body;
                enum job_status status;
        } cases[] = {
                { "{\"event_type\":\"completed\"}", JOB_COMPLETED },
                { "{\"event_type\":\"failed\"}", JOB_FAILED },
                { "{\"type\":\"error\"}", JOB_FAILED },
                { "{\"type\":\"canceled\"}", JOB_CANCELLED },
                { "{\"type\":\"cancelled\"}", JOB_CANCELLED },
                { "{\"type\":\"lifecycle.stage\",\"status\":\"running\"}", JOB_RUNNING },
                { "{\"type\":\"lifecycle.stage\",\"status\":\"failed\"}", JOB_FAILED },
                { "{\"type\":\"training.status\",\"status\":\"completed\"}", JOB_COMPLETED },
                { "{\"type\":\"training.status\",\"status\":\"processing\"}", JOB_RUNNING },
                { "{\"event_type\":\"completed\",\"type\":\"failed\"}", JOB_COMPLETED },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct webhook_event read = event(*state, cases[i].body);

                assert_true(read.news.status_known);
                assert_int_equal(read.news.status, cases[i].status);
                assert_true(read.news.run_seconds < 0);
        }
}

static void an_event_of_another_name_moves_nothing(void **state)
{
        static const char *const bodies[] = {
                "{\"event_type\":\"training.progress\",\"job_id\":\"j\",\"status\":\"failed\"}",
                "{\"event_type\":\"\",\"status\":\"completed\"}",
                "{\"event_type\":\"Completed\"}",
                "{\"event_type\":\"lifecycle.stage\",\"status\":\"dancing\"}",
                "{\"event_type\":\"training.status\"}",
                "{\"job_id\":\"j\",\"status\":\"completed\"}", /* no event, no prediction */
                "{\"job_id\":\"j\"}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
                assert_false(event(*state, bodies[i]).news.status_known);
}

static void a_failure_takes_its_reason_along(void **state)
{
        assert_string_equal(event(*state, "{\"event_type\":\"failed\",\"error\":\"no memory\","
                                          "\"message\":\"other\"}")
                                    .news.error,
                            "no memory");
        assert_string_equal(
                event(*state, "{\"event_type\":\"error\",\"message\":\"other\"}").news.error,
                "other");
        assert_string_equal(event(*state, "{\"event_type\":\"error\",\"error\":{\"a\":1},"
                                          "\"message\":\"other\"}")
                                    .news.error,
                            "other");
        assert_null(event(*state, "{\"event_type\":\"failed\"}").news.error);
        assert_null(
                event(*state, "{\"event_type\":\"completed\",\"message\":\"done\"}").news.error);
}

static void only_a_web_address_is_an_output(void **state)
{
        static const char *const other[] = {
                "{\"event_type\":\"x\",\"output\":\"javascript:alert(1)\"}",
                "{\"event_type\":\"x\",\"output\":\"/tmp/x\"}",
                "{\"event_type\":\"x\",\"output\":7}",
                "{\"event_type\":\"x\",\"output\":{\"href\":\"https://x.example\"}}",
                "{\"event_type\":\"x\"}",
        };

        assert_string_equal(
                event(*state, "{\"event_type\":\"x\",\"output\":\"https://x.example/1\"}")
                        .news.output_url,
                "https://x.example/1");
        assert_string_equal(
                event(*state, "{\"event_type\":\"x\",\"output\":{\"url\":\"http://x.example/1\"}}")
                        .news.output_url,
                "http://x.example/1");
        for (size_t i = 0; i < ARRAY_SIZE(other); i++)
                assert_null(event(*state, other[i]).news.output_url);
}

static void a_member_of_a_wrong_type_is_named(void **state)
{
        static const char *const names[] = { "event_type", "type",   "job_id", "prediction_id",
                                             "id",         "status", "message" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                CLEANUP(json_decrefp) json_t *json = json_pack("{s:i}", names[i], 7);
                struct webhook_event read = { .subject = "untouched" };

                assert_int_equal(webhook_event_read(ctx, &provider_replicate, json, &read),
                                 ERR_INVALID);
                assert_non_null(strstr(ctx->detail, names[i]));
                assert_string_equal(read.subject, "untouched");
        }
}

static void a_null_member_counts_as_absent(void **state)
{
        struct webhook_event read =
                event(*state, "{\"event_type\":null,\"type\":\"completed\",\"job_id\":null,"
                              "\"prediction_id\":\"p1\",\"message\":null,\"status\":null}");

        assert_string_equal(read.subject, "p1");
        assert_int_equal(read.news.status, JOB_COMPLETED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(the_object_of_the_provider_is_about_its_id),
                FIXTURE_TEST(an_event_of_the_trainer_names_its_job),
                FIXTURE_TEST(the_name_of_an_event_may_end_the_job),
                FIXTURE_TEST(an_event_of_another_name_moves_nothing),
                FIXTURE_TEST(a_failure_takes_its_reason_along),
                FIXTURE_TEST(only_a_web_address_is_an_output),
                FIXTURE_TEST(a_member_of_a_wrong_type_is_named),
                FIXTURE_TEST(a_null_member_counts_as_absent),
        };

        return cmocka_run_group_tests_name("webhook event", tests, NULL, NULL);
}
