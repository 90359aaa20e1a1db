#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/job/job_request.h"
#include "core/cloud/job/named_config.h"
#include "tests/fixture_db.h"

static json_t *json(struct ctx *ctx, const char *text)
{
        json_t *parsed = json_loads(text, 0, NULL);

        assert_non_null(parsed);
        assert_ok(ctx, json_keep(ctx, parsed));
        return parsed;
}

static struct job_request decoded(struct ctx *ctx, const char *text)
{
        struct job_request request;

        assert_ok(ctx, job_request_decode(ctx, "replicate", json(ctx, text), &request));
        return request;
}

static void save(struct ctx *ctx, const char *name, const char *text)
{
        mkdir(fixture_path(ctx, "config"), 0700);
        mkdir(fixture_path(ctx, "config/jobs"), 0700);
        fixture_write(ctx, arena_printf(ctx->arena, "config/jobs/%s", name), text);
}

static struct job_request resolved(struct ctx *ctx, const char *text)
{
        struct job_request request = decoded(ctx, text);

        assert_ok(ctx, job_request_resolve(ctx, &request));
        return request;
}

static void assert_refused(struct ctx *ctx, const char *text, const char *mention)
{
        struct job_request request = decoded(ctx, text);

        assert_rc(ctx, ERR_INVALID, job_request_resolve(ctx, &request));
        assert_non_null(strstr(ctx->detail, mention));
}

/* Hashes under a key */

static const char *hash(struct ctx *ctx, const char *body)
{
        return decoded(ctx, body).sha256;
}

static void the_order_of_members_and_the_key_itself_do_not_change_the_hash(void **state)
{
        struct ctx *ctx = *state;
        const char *one = hash(ctx, "{\"config\":{\"a\":1,\"b\":[2]},\"config_name\":\"n\","
                                    "\"idempotency_key\":\"k\"}");

        assert_string_equal(one, hash(ctx, "{\"idempotency_key\":\"other\",  \"config_name\":\"n\","
                                           "\"config\":{\"b\":[2],\"a\":1},\"webhook_url\":null}"));
        assert_int_equal(strlen(one), SHA256_HEX_SIZE - 1);
}

static void another_value_anywhere_changes_the_hash(void **state)
{
        struct ctx *ctx = *state;
        const char *one = hash(ctx, "{\"config\":{\"a\":[1,2]},\"idempotency_key\":\"k\"}");
        struct job_request elsewhere;

        assert_string_not_equal(one,
                                hash(ctx, "{\"config\":{\"a\":[2,1]},\"idempotency_key\":\"k\"}"));
        assert_string_not_equal(one, hash(ctx, "{\"config\":{\"a\":[1,2]},\"upload_id\":\"u\","
                                               "\"idempotency_key\":\"k\"}"));
        assert_ok(ctx, job_request_decode(
                               ctx, "elsewhere",
                               json(ctx, "{\"config\":{\"a\":[1,2]},\"idempotency_key\":\"k\"}"),
                               &elsewhere));
        assert_string_not_equal(one, elsewhere.sha256);
}

static void without_a_key_there_is_no_hash(void **state)
{
        assert_null(decoded(*state, "{\"config\":{\"a\":1}}").sha256);
}

/* The kept form */

static void a_kept_request_is_the_same_when_it_is_opened(void **state)
{
        struct ctx *ctx = *state;
        struct job_request request = decoded(
                ctx, "{\"config\":{\"a\":1,\"hf_token\":\"secret\"},\"dataloader_config\":[{\"id\":"
                     "\"d\"}],\"config_name\":\"n\",\"webhook_url\":\"https://h/x\",\"snapshot_"
                     "name\":\"s\",\"snapshot_message\":\"m\",\"tracker_run_name\":\"t\",\"upload_"
                     "id\":\"u\",\"hardware_profile\":\"l40s\",\"max_runtime_minutes\":7,"
                     "\"data_consent\":true,\"idempotency_key\":\"k\"}");
        struct job_request opened;
        const char *sealed;

        assert_ok(ctx, job_request_seal(ctx, "01hm3v", &request, &sealed));
        assert_null(strstr(sealed, "secret"));
        assert_ok(ctx, job_request_open(ctx, "01hm3v", sealed, &opened));
        assert_string_equal(opened.provider_id, "replicate");
        assert_true(json_equal(opened.config, request.config));
        assert_true(json_equal(opened.dataloader_config, request.dataloader_config));
        assert_string_equal(opened.config_name, "n");
        assert_string_equal(opened.webhook_url, "https://h/x");
        assert_string_equal(opened.snapshot_name, "s");
        assert_string_equal(opened.snapshot_message, "m");
        assert_string_equal(opened.tracker_run_name, "t");
        assert_string_equal(opened.upload_id, "u");
        assert_string_equal(opened.hardware_profile, "l40s");
        assert_int_equal(opened.max_runtime_minutes, 7);
        assert_true(opened.data_consent);
        assert_null(opened.idempotency_key);
}

static void a_kept_request_opens_for_its_own_job_only(void **state)
{
        struct ctx *ctx = *state;
        struct job_request request = decoded(ctx, "{\"config\":{\"a\":1}}");
        const char *sealed;

        assert_ok(ctx, job_request_seal(ctx, "01hm3v", &request, &sealed));
        assert_rc(ctx, ERR_UNAVAILABLE, job_request_open(ctx, "01hm3w", sealed, &request));
}

/* Named configurations */

static void a_file_with_data_sets_gives_both(void **state)
{
        struct ctx *ctx = *state;
        struct job_request request;

        save(ctx, "my run-1.json", "{\"config\":{\"a\":1},\"dataloader_config\":[{\"id\":\"d\"}]}");
        request = resolved(ctx, "{\"config_name_to_load\":\"my run-1\"}");
        assert_int_equal(json_number_at(request.config, "a", 0), 1);
        assert_int_equal(json_array_size(request.dataloader_config), 1);
        assert_string_equal(request.config_name, "my run-1");
        assert_null(request.config_name_to_load);
}

static void a_file_may_be_the_configuration_itself(void **state)
{
        struct ctx *ctx = *state;
        struct job_request request;

        save(ctx, "bare.json", "{\"a\":2,\"config\":\"a text is no configuration\"}");
        request = resolved(ctx, "{\"config_name_to_load\":\"bare\",\"config_name\":\"mine\","
                                "\"dataloader_config\":[{}]}");
        assert_int_equal(json_number_at(request.config, "a", 0), 2);
        assert_int_equal(json_array_size(request.dataloader_config), 1);
        assert_string_equal(request.config_name, "mine");
}

static void a_name_cannot_lead_elsewhere(void **state)
{
        static const char *const names[] = { "../cloud", ".hidden", "a/b", "..", "a\\\\b", "ü" };
        struct ctx *ctx = *state;

        save(ctx, ".hidden.json", "{\"a\":1}");
        fixture_write(ctx, "config/cloud.json", "{\"a\":1}");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                assert_refused(
                        ctx, arena_printf(ctx->arena, "{\"config_name_to_load\":\"%s\"}", names[i]),
                        "config_name_to_load must be");
}

static void links_and_directories_are_no_configurations(void **state)
{
        struct ctx *ctx = *state;
        const char *const *names;
        size_t count;

        save(ctx, "real.json", "{\"a\":1}");
        assert_int_equal(symlink("real.json", fixture_path(ctx, "config/jobs/link.json")), 0);
        assert_int_equal(mkdir(fixture_path(ctx, "config/jobs/dir.json"), 0700), 0);
        assert_int_equal(mkfifo(fixture_path(ctx, "config/jobs/fifo.json"), 0600), 0);
        assert_refused(ctx, "{\"config_name_to_load\":\"link\"}", "there is no configuration");
        assert_refused(ctx, "{\"config_name_to_load\":\"dir\"}", "there is no configuration");
        assert_refused(ctx, "{\"config_name_to_load\":\"fifo\"}", "there is no configuration");
        assert_ok(ctx, named_config_list(ctx, &names, &count));
        assert_int_equal(count, 1);
        assert_string_equal(names[0], "real");
}

static void a_file_that_is_no_configuration_is_explained(void **state)
{
        struct ctx *ctx = *state;

        assert_refused(ctx, "{\"config_name_to_load\":\"none\"}", "there is no configuration");
        save(ctx, "broken.json", "{\"a\":");
        save(ctx, "list.json", "[]");
        save(ctx, "empty.json", "{}");
        save(ctx, "data.json", "{\"config\":{\"a\":1},\"dataloader_config\":{}}");
        save(ctx, "entry.json", "{\"config\":{\"a\":1},\"dataloader_config\":[1]}");
        assert_refused(ctx, "{\"config_name_to_load\":\"broken\"}", "not valid JSON");
        assert_refused(ctx, "{\"config_name_to_load\":\"list\"}", "must be a JSON object");
        assert_refused(ctx, "{\"config_name_to_load\":\"empty\"}", "No configuration");
        assert_refused(ctx, "{\"config_name_to_load\":\"data\"}", "must be an array");
        assert_refused(ctx, "{\"config_name_to_load\":\"entry\"}", "dataloader_config[0]");
        assert_refused(ctx, "{\"config_name_to_load\":\"data\",\"config\":{\"a\":1}}", "together");
}

static void names_are_listed_in_order(void **state)
{
        struct ctx *ctx = *state;
        const char *const *names;
        size_t count = 7;

        assert_ok(ctx, named_config_list(ctx, &names, &count));
        assert_int_equal(count, 0);
        save(ctx, "b.json", "{}");
        save(ctx, "a.json", "{}");
        save(ctx, "notes.txt", "{}");
        save(ctx, ".json", "{}");
        assert_ok(ctx, named_config_list(ctx, &names, &count));
        assert_int_equal(count, 2);
        assert_string_equal(names[0], "a");
        assert_string_equal(names[1], "b");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_order_of_members_and_the_key_itself_do_not_change_the_hash),
                FIXTURE_CLOUD_TEST(another_value_anywhere_changes_the_hash),
                FIXTURE_CLOUD_TEST(without_a_key_there_is_no_hash),
                FIXTURE_CLOUD_TEST(a_kept_request_is_the_same_when_it_is_opened),
                FIXTURE_CLOUD_TEST(a_kept_request_opens_for_its_own_job_only),
                FIXTURE_CLOUD_TEST(a_file_with_data_sets_gives_both),
                FIXTURE_CLOUD_TEST(a_file_may_be_the_configuration_itself),
                FIXTURE_CLOUD_TEST(a_name_cannot_lead_elsewhere),
                FIXTURE_CLOUD_TEST(links_and_directories_are_no_configurations),
                FIXTURE_CLOUD_TEST(a_file_that_is_no_configuration_is_explained),
                FIXTURE_CLOUD_TEST(names_are_listed_in_order),
        };

        return cmocka_run_group_tests_name("job request", tests, NULL, NULL);
}
