#include <string.h>

#include "core/cloud/provider/provider_rest.h"
#include "tests/fixture.h"

/* clang-format off */
static const struct { const char *base, *url; bool below; } links[] = {
        { "https://h/v1", "https://h/v1", true },
        { "https://h/v1", "https://h/v1/jobs?cursor=a/../b", true },
        { "https://h/v1", "https://h/v1?cursor=x", true },
        { "https://h:94", "https://h:94/jobs", true },
        { "https://h:94", "https://h:9443/jobs", false },
        { "https://h:94", "https://h:94@evil.example/", false },
        { "https://h", "https://h.evil.example/", false },
        { "https://h", "https://h:9443/", false },
        { "https://h", "https://h@evil.example/", false },
        { "https://h/v1", "https://h/v10/jobs", false },
        { "https://h/v1", "https://h/v2/jobs", false },
        { "https://h/v1", "http://h/v1/jobs", false },
        { "https://h/v1", "https://h/v1/../admin", false },
        { "https://h/v1", "https://h/v1/%2e%2E/admin", false },
        { "https://h/v1", "https://h/v1/a%2f..%2fb", false },
        { "https://h/v1", "https://h/v1\\..\\admin", false },
        { "https://h/v1", "https://h/v1/./jobs", false },
        { "https://h/v1", "/v1/jobs", false },
        { "https://h/v1", "", false },
};
/* clang-format on */

static void a_link_stays_below_the_base_or_is_elsewhere(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                if (provider_rest_is_below(links[i].base, links[i].url) != links[i].below)
                        fail_msg("%s is%s below %s", links[i].url, links[i].below ? "" : " not",
                                 links[i].base);
        }
}

static enum err read_answer(struct ctx *ctx, struct http_answer answer, json_t **ret)
{
        answer.body_len = strlen(answer.body);
        return provider_rest_read(ctx, "Acme", &answer, ret);
}

static void a_refusal_says_why(void **state)
{
        /* clang-format off */
        static const struct { struct http_answer answer; enum err rc; const char *detail; } cases[] = {
                { { .status = 401, .body = "{\"title\":\"No\",\"detail\":\"Bad token\"}" },
                  ERR_PROVIDER, "Acme answered HTTP 401: Bad token" },
                { { .status = 429, .body = "{\"detail\":\"Slow down\"}", .retry_after_s = 7 },
                  ERR_PROVIDER, "Acme answered HTTP 429: Slow down (try again in 7 s)" },
                { { .status = 422, .body = "{\"detail\":\"- input: wrong\\n- x\\n\"}" },
                  ERR_PROVIDER, "Acme answered HTTP 422: - input: wrong" },
                { { .status = 400, .body = "{\"error\":\"No such thing\"}" },
                  ERR_PROVIDER, "Acme answered HTTP 400: No such thing" },
                { { .status = 404, .body = "{}" }, ERR_NOT_FOUND, "Acme: not found" },
                { { .status = 404, .body = "<html>" },
                  ERR_PROVIDER,
                  "Acme answered HTTP 404: no readable answer" },
                { { .status = 503, .body = "<html>" },
                  ERR_OUTCOME_UNKNOWN, "Acme answered HTTP 503: no readable answer" },
                { { .status = 501, .body = "{}" },
                  ERR_PROVIDER, "Acme answered HTTP 501: no reason given" },
                { { .status = 302, .body = "" },
                  ERR_PROVIDER, "Acme answered HTTP 302: no readable answer" },
                { { .status = 200, .body = "<html>" }, ERR_OUTCOME_UNKNOWN,
                  "Acme answered HTTP 200 with something that is not JSON" },
        };
        /* clang-format on */
        struct ctx *ctx = *state;
        json_t *json = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(read_answer(ctx, cases[i].answer, &json), cases[i].rc);
                assert_string_equal(ctx->detail, cases[i].detail);
                assert_null(json);
        }
}

static void a_success_may_have_no_body(void **state)
{
        struct ctx *ctx = *state;
        json_t *json = NULL;

        assert_int_equal(read_answer(ctx, (struct http_answer){ .status = 204, .body = "" }, &json),
                         OK);
        assert_null(json);
        assert_int_equal(
                read_answer(ctx, (struct http_answer){ .status = 201, .body = "{\"a\":1}" }, &json),
                OK);
        assert_true(json_number_at(json, "a", 0) == 1);
}

static void ids_that_could_bend_a_path_are_refused(void **state)
{
        static const char *const wrong[] = { "",    "..",   "a/b", "a?b",
                                             "a#b", "a%2f", "a b", "\xc3\xa9" };
        const struct provider_session session = { .provider = &provider_http,
                                                  .api_base = "https://h/v1" };
        struct ctx *ctx = *state;
        const char *url = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                const char *const parts[] = { "/jobs", wrong[i], "" };

                assert_int_equal(provider_rest_job_url(ctx, &session, parts, &url), ERR_PROVIDER);
        }
        assert_null(url);
        assert_int_equal(provider_rest_job_url(ctx, &session,
                                               (const char *const[]){ "/jobs", "aZ0-_", "/cancel" },
                                               &url),
                         OK);
        assert_string_equal(url, "https://h/v1/jobs/aZ0-_/cancel");
}

static void an_output_links_to_its_first_url(void **state)
{
        CLEANUP(json_decrefp)
        json_t *outputs = json_pack("[s, [s, s], [], s, {s:s}, n]", "https://x/a", "http://x/b",
                                    "https://x/c", "ftp://x/d", "url", "https://x/e");
        static const char *const expected[] = {
                "https://x/a", "http://x/b", NULL, NULL, NULL, NULL
        };

        (void)state;
        assert_non_null(outputs);
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                const char *url = provider_rest_output_url(json_array_get(outputs, i));

                assert_string_equal(url ? url : "none", expected[i] ? expected[i] : "none");
        }
        assert_null(provider_rest_output_url(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_link_stays_below_the_base_or_is_elsewhere),
                FIXTURE_TEST(a_refusal_says_why),
                FIXTURE_TEST(a_success_may_have_no_body),
                FIXTURE_TEST(ids_that_could_bend_a_path_are_refused),
                FIXTURE_TEST(an_output_links_to_its_first_url),
        };

        return cmocka_run_group_tests_name("provider rest", tests, NULL, NULL);
}
