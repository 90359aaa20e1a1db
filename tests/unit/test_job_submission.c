#include <string.h>

#include "core/cloud/job/job.h"
#include "core/cloud/job/job_submission.h"
#include "tests/fixture_db.h"

static const json_t *json(struct ctx *ctx, const char *text)
{
        json_t *parsed = json_loads(text, 0, NULL);

        assert_non_null(parsed);
        assert_ok(ctx, json_keep(ctx, parsed));
        return parsed;
}

static struct provider_session session_of(struct ctx *ctx)
{
        struct provider_session session;

        assert_ok(ctx, provider_open(ctx, "replicate", &session));
        return session;
}

static struct job_plan planned(struct ctx *ctx, const struct provider_session *session,
                               const struct job_request *request)
{
        struct job_plan plan;

        assert_ok(ctx, job_plan_make(ctx, session, request, &plan));
        return plan;
}

/* A plan with the provider's settings as they are and a configuration. */
static struct job_plan simple_plan(struct ctx *ctx, const char *config)
{
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, config) };

        return planned(ctx, &session, &request);
}

static const char *env(const struct job_plan *plan, const char *name)
{
        return json_string_at(plan->submission.env, name);
}

static void the_row_is_a_pending_job_of_the_request(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, "{\"a\":1}"),
                                       .config_name = "my config",
                                       .hardware_profile = "L40S-x2",
                                       .tracker_run_name = "run 7" };
        struct job_plan plan = planned(ctx, &session, &request);
        const json_t *metadata = json(ctx, plan.job.metadata);

        assert_true(job_id_is_valid(plan.job.job_id));
        assert_string_equal(plan.submission.job_id, plan.job.job_id);
        assert_string_equal(plan.job.provider, "replicate");
        assert_int_equal(plan.job.status, JOB_PENDING);
        assert_string_equal(plan.job.config_name, "my config");
        assert_string_equal(plan.job.hardware_profile, "l40s-x2");
        assert_string_equal(plan.job.hardware_type, "2x L40S");
        assert_true(plan.job.price_usd_nanos_per_s == 2 * INT64_C(972222));
        assert_true(plan.job.cost_usd_micros == JOB_COST_UNKNOWN);
        assert_true(plan.job.created_at_us == FIXTURE_TIME_US);
        assert_string_equal(json_string_at(metadata, "tracker_run_name"), "run 7");
        assert_string_equal(json_string_at(metadata, "hardware_profile"), "l40s-x2");
}

static void the_environment_lets_the_job_send_files_back(void **state)
{
        struct ctx *ctx = *state;
        struct job_plan plan = simple_plan(ctx, "{\"a\":1}");
        const char *id = plan.job.job_id;

        assert_int_equal(json_object_size(plan.submission.env), 8);
        assert_string_equal(env(&plan, "SIMPLETUNER_JOB_ID"), id);
        assert_string_equal(env(&plan, "SIMPLETUNER_UPLOAD_TOKEN"), plan.token.token);
        assert_string_equal(
                env(&plan, "SIMPLETUNER_UPLOAD_URL"),
                arena_printf(ctx->arena, "https://tuner.example/api/cloud/storage/%s", id));
        assert_string_equal(env(&plan, "SIMPLETUNER_UPLOAD_PART_SIZE"), "16777216");
        assert_string_equal(env(&plan, "AWS_ACCESS_KEY_ID"), plan.token.token);
        assert_string_equal(env(&plan, "AWS_SECRET_ACCESS_KEY"), plan.token.secret_key);
        assert_string_equal(env(&plan, "AWS_ENDPOINT_URL_S3"),
                            "https://tuner.example/api/cloud/storage");
        assert_string_equal(env(&plan, "S3_BUCKET"), id);
        assert_string_equal(plan.bucket_directory,
                            fixture_path(ctx, arena_printf(ctx->arena, "outputs/%s", id)));
}

static void without_a_way_back_the_job_gets_its_id_only(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, "{\"a\":1}") };

        for (int i = 0; i < 2; i++) {
                struct job_plan plan;

                session.settings.s3_endpoint_enabled = i != 0;
                fixture_config(ctx)->public_url = i ? "" : "https://tuner.example";
                plan = planned(ctx, &session, &request);
                assert_int_equal(json_object_size(plan.submission.env), 1);
                assert_string_equal(env(&plan, "SIMPLETUNER_JOB_ID"), plan.job.job_id);
                assert_null(plan.bucket_directory);
                assert_null(plan.token.token);
                assert_null(strstr(plan.submission.config_json, "publishing_config"));
        }
}

static void storage_settings_of_the_provider_go_before_those_of_the_service(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, "{\"a\":1}") };
        struct job_plan plan;

        session.settings.s3_public_url = "http://tunnel.example/base";
        session.settings.s3_output_path = "/srv/outputs";
        plan = planned(ctx, &session, &request);
        assert_string_equal(env(&plan, "AWS_ENDPOINT_URL_S3"),
                            "http://tunnel.example/base/api/cloud/storage");
        assert_string_equal(plan.bucket_directory,
                            arena_printf(ctx->arena, "/srv/outputs/%s", plan.job.job_id));
}

static void the_trainer_is_told_to_publish_to_our_storage(void **state)
{
        struct ctx *ctx = *state;
        struct job_plan plan = simple_plan(ctx, "{\"a\":1}");
        const json_t *config = json(ctx, plan.submission.config_json);
        const json_t *list = json_object_get(config, "publishing_config");
        const json_t *entry = json_array_get(list, 0);

        assert_int_equal(json_array_size(list), 1);
        assert_int_equal(json_number_at(config, "a", 0), 1);
        assert_string_equal(json_string_at(entry, "provider"), "s3");
        assert_string_equal(json_string_at(entry, "bucket"), plan.job.job_id);
        assert_string_equal(json_string_at(entry, "endpoint_url"),
                            "https://tuner.example/api/cloud/storage");
        assert_string_equal(json_string_at(entry, "access_key"), plan.token.token);
        assert_string_equal(json_string_at(entry, "secret_key"), plan.token.secret_key);
        assert_true(json_is_true(json_object_get(entry, "use_ssl")));
}

static void a_configuration_that_publishes_elsewhere_is_left_alone(void **state)
{
        static const char *const configs[] = {
                "{\"publishing_config\":[{\"provider\":\"dropbox\"}]}",
                "{\"publishing_config\":null}",
                "{\"push_to_hub\":true}",
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(configs); i++)
                assert_string_equal(simple_plan(ctx, configs[i]).submission.config_json,
                                    configs[i]);
        assert_non_null(strstr(simple_plan(ctx, "{\"push_to_hub\":false}").submission.config_json,
                               "publishing_config"));
}

static void the_configuration_in_the_request_is_not_changed(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, "{\"a\":1}"),
                                       .dataloader_config = json(ctx, "[{\"id\":\"x\"}]"),
                                       .tracker_run_name = "run 7" };
        struct job_plan plan = planned(ctx, &session, &request);
        const json_t *sent = json(ctx, plan.submission.config_json);

        assert_int_equal(json_object_size(request.config), 1);
        assert_string_equal(json_string_at(sent, "tracker_run_name"), "run 7");
        assert_string_equal(plan.submission.dataloader_json, "[{\"id\":\"x\"}]");
        assert_null(simple_plan(ctx, "{\"a\":1}").submission.dataloader_json);
}

static void a_webhook_in_the_request_goes_before_the_settings_and_ours(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, "{\"a\":1}") };
        struct job_plan plan = planned(ctx, &session, &request);

        assert_string_equal(plan.submission.webhook_url,
                            arena_printf(ctx->arena,
                                         "https://tuner.example/api/webhooks/replicate?job_id=%s"
                                         "&correlation_id=abc123def456",
                                         plan.job.job_id));
        session.settings.webhook_url = "https://provider.example/hook";
        assert_string_equal(planned(ctx, &session, &request).submission.webhook_url,
                            "https://provider.example/hook");
        request.webhook_url = "https://request.example/hook";
        assert_string_equal(planned(ctx, &session, &request).submission.webhook_url,
                            "https://request.example/hook");
        request.webhook_url = NULL;
        session.settings.webhook_url = NULL;
        fixture_config(ctx)->public_url = "";
        assert_null(planned(ctx, &session, &request).submission.webhook_url);
}

static void hardware_in_the_request_goes_before_the_settings_and_the_default(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        struct job_request request = { .config = json(ctx, "{\"a\":1}") };

        assert_string_equal(planned(ctx, &session, &request).job.hardware_profile,
                            HARDWARE_DEFAULT);
        session.settings.hardware_profile = "l40s";
        assert_string_equal(planned(ctx, &session, &request).job.hardware_profile, "l40s");
        request.hardware_profile = "h100-x4";
        assert_string_equal(planned(ctx, &session, &request).job.hardware_profile, "h100-x4");
}

static void a_request_that_makes_no_job_is_refused(void **state)
{
        struct ctx *ctx = *state;
        struct provider_session session = session_of(ctx);
        const struct job_request wrong[] = {
                { .config = NULL },
                { .config = json(ctx, "{}") },
                { .config = json(ctx, "{\"a\":1}"), .dataloader_config = json(ctx, "[{},1]") },
                { .config = json(ctx, "{\"a\":1}"), .hardware_profile = "a100" },
        };
        static const char *const named[] = { "config", "config", "dataloader_config[1]",
                                             "hardware_profile" };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct job_request request = wrong[i];
                struct job_plan plan;
                enum err rc = job_request_resolve(ctx, &request);

                if (rc == OK)
                        rc = job_plan_make(ctx, &session, &request, &plan);
                assert_rc(ctx, ERR_INVALID, rc);
                assert_non_null(strstr(ctx->detail, named[i]));
        }
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs"), 0);
}

static void each_job_has_an_id_and_a_token_of_its_own(void **state)
{
        struct ctx *ctx = *state;
        struct job_plan one = simple_plan(ctx, "{\"a\":1}"), two = simple_plan(ctx, "{\"a\":1}");

        assert_string_not_equal(one.job.job_id, two.job.job_id);
        assert_string_not_equal(one.token.token, two.token.token);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_row_is_a_pending_job_of_the_request),
                FIXTURE_CLOUD_TEST(the_environment_lets_the_job_send_files_back),
                FIXTURE_CLOUD_TEST(without_a_way_back_the_job_gets_its_id_only),
                FIXTURE_CLOUD_TEST(storage_settings_of_the_provider_go_before_those_of_the_service),
                FIXTURE_CLOUD_TEST(the_trainer_is_told_to_publish_to_our_storage),
                FIXTURE_CLOUD_TEST(a_configuration_that_publishes_elsewhere_is_left_alone),
                FIXTURE_CLOUD_TEST(the_configuration_in_the_request_is_not_changed),
                FIXTURE_CLOUD_TEST(a_webhook_in_the_request_goes_before_the_settings_and_ours),
                FIXTURE_CLOUD_TEST(
                        hardware_in_the_request_goes_before_the_settings_and_the_default),
                FIXTURE_CLOUD_TEST(a_request_that_makes_no_job_is_refused),
                FIXTURE_CLOUD_TEST(each_job_has_an_id_and_a_token_of_its_own),
        };

        return cmocka_run_group_tests_name("job submission", tests, NULL, NULL);
}
