#include "core/cloud/remote/remote_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "tests/fixture_db.h"

#define BUCKET "s3://b/prefix/job"

static const char *name_of(struct ctx *ctx, const char *bucket_url, const char *key)
{
        const char *url;

        assert_ok(ctx, remote_name(ctx, bucket_url, key, &url));
        return url;
}

/* The name without its id. */
static const char *readable(struct ctx *ctx, const char *key)
{
        const char *url = name_of(ctx, BUCKET, key);
        size_t len = strlen(url);

        assert_true(len > ULID_SIZE && url[len - ULID_SIZE] == '.');
        return arena_strndup(ctx->arena, url, len - ULID_SIZE);
}

static void a_name_shows_its_key_and_is_given_once(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(readable(ctx, "checkpoint-10/model_v1.5-a.bin"),
                            BUCKET "/checkpoint-10/model_v1.5-a.bin");
        assert_string_not_equal(name_of(ctx, BUCKET, "a"), name_of(ctx, BUCKET, "a"));
}

static void what_stores_or_signers_disagree_about_is_in_no_name(void **state)
{
        static const struct {
                const char *key, *name;
        } cases[] = {
                { "a b+c%d?e#f&g=h", "a_b_c_d_e_f_g_h" },
                { "\xc3\xa9", "__" },
                { "/a", "_a" },
                { "a//b", "a/_b" },
                { "dir/", "dir/" },
                { "a/.b", "a/_b" },
                { "...", "_.." },
                { "~", "_" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(readable(ctx, cases[i].key) + strlen(BUCKET "/"),
                                    cases[i].name);
}

static void long_keys_are_cut(void **state)
{
        char key[1025], bucket[2000] = "s3://b/";
        struct ctx *ctx = *state;
        const char *name;

        memset(key, 'x', 1024);
        key[1024] = '\0';
        name = readable(ctx, key) + strlen(BUCKET "/");
        assert_true(strlen(name) > 100 && strlen(name) + ULID_SIZE <= 255);
        for (size_t i = 100; i < 1024; i += 101)
                key[i] = '/';
        assert_true(strlen(name_of(ctx, BUCKET, key)) < 1024);
        memset(bucket + 7, 'p', 1500);
        assert_true(strlen(name_of(ctx, bucket, key)) == 1507 + 2 + ULID_SIZE - 1);
}

static void a_directory_is_no_url(void **state)
{
        (void)state;
        assert_true(remote_is_url(BUCKET));
        assert_false(remote_is_url("/var/s3://b"));
}

/* The parts of a prepared request. */
static const char *header_of(const struct remote_request *request, const char *name)
{
        for (size_t i = 0; request->headers[i]; i++) {
                if (strncmp(request->headers[i], name, strlen(name)) == 0)
                        return request->headers[i] + strlen(name);
        }
        return NULL;
}

static void prepare(struct ctx *ctx, const struct remote_ask *ask, struct remote_request *ret)
{
        setenv("SIMPLETUNER_STORAGE_ACCESS_KEY_ID", "id", 1);
        setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
        assert_ok(ctx, remote_prepare(ctx, ask, ret));
        unsetenv("SIMPLETUNER_STORAGE_ACCESS_KEY_ID");
        unsetenv("AWS_SECRET_ACCESS_KEY");
}

static void requests_are_path_style_and_say_what_is_signed(void **state)
{
        struct ctx *ctx = *state;
        const struct config *usual = ctx->config;
        struct config config = *usual;
        struct remote_request request;

        config.storage_endpoint = "";
        config.storage_region = "eu-central-1";
        ctx->config = &config;
        prepare(ctx, &(struct remote_ask){ .method = "GET", .url = BUCKET "/a", .query = "b=c" },
                &request);
        assert_string_equal(request.request.url,
                            "https://s3.eu-central-1.amazonaws.com/b/prefix/job/a?b=c");
        assert_string_equal(request.sign.access_key_id, "id");
        assert_string_equal(request.sign.secret.bytes, "secret");
        assert_string_equal(header_of(&request, "x-amz-content-sha256: "),
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        config.storage_endpoint = "http://ceph.example:7480/sub";
        prepare(ctx, &(struct remote_ask){ .method = "PUT", .url = "s3://b/a", .streamed = true },
                &request);
        assert_string_equal(request.request.url, "http://ceph.example:7480/sub/b/a");
        assert_string_equal(header_of(&request, "x-amz-content-sha256: "), "UNSIGNED-PAYLOAD");
        ctx->config = usual;
}

static void an_answer_is_a_result(void **state)
{
        static const struct {
                long status;
                enum err rc, outcome;
        } cases[] = {
                { 200, OK, OK },
                { 206, OK, OK },
                { 404, OK, ERR_NOT_FOUND },
                { 301, OK, ERR_UNAVAILABLE },
                { 403, OK, ERR_UNAVAILABLE },
                { 503, OK, ERR_UNAVAILABLE },
                { 0, ERR_PROVIDER, ERR_UNAVAILABLE },
                { 0, ERR_OUTCOME_UNKNOWN, ERR_UNAVAILABLE },
                { 0, ERR_NOMEM, ERR_NOMEM },
        };
        static const char body[] = "<Error><Code>SlowDown</Code></Error>";
        const struct remote_ask ask = { .method = "PUT", .url = "s3://b/a" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct http_answer answer = { .status = cases[i].status,
                                              .body = body,
                                              .body_len = strlen(body) };

                assert_int_equal(remote_outcome(ctx, &ask, cases[i].rc, &answer), cases[i].outcome);
                if (cases[i].status == 503)
                        assert_non_null(strstr(ctx->detail, "503 SlowDown to PUT s3://b/a"));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_name_shows_its_key_and_is_given_once),
                FIXTURE_CLOUD_TEST(what_stores_or_signers_disagree_about_is_in_no_name),
                FIXTURE_CLOUD_TEST(long_keys_are_cut),
                FIXTURE_CLOUD_TEST(a_directory_is_no_url),
                FIXTURE_CLOUD_TEST(requests_are_path_style_and_say_what_is_signed),
                FIXTURE_CLOUD_TEST(an_answer_is_a_result),
        };

        return cmocka_run_group_tests_name("remote store", tests, NULL, NULL);
}
