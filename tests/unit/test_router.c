#include <string.h>

#include "fcgi/router.h"
#include "tests/fixture.h"

struct answer {
        enum router_result result;
        struct request request;
        char allow[ROUTER_ALLOW_SIZE];
};

static struct answer ask(struct ctx *ctx, enum method method, const char *path)
{
        const char *mark = strchr(path, '?');
        struct answer answer = {
                .request = { .method = method,
                             .path = mark ? arena_strndup(ctx->arena, path, (size_t)(mark - path))
                                          : path,
                             .query = mark ? mark + 1 : "" },
        };

        assert_non_null(answer.request.path);
        if (router_match(ctx, &answer.request, &answer.result, answer.allow) != OK)
                fail_msg("%s: %s", path, ctx->detail);
        return answer;
}

static const char *route_of(struct ctx *ctx, enum method method, const char *path)
{
        struct answer answer = ask(ctx, method, path);

        return answer.result == ROUTER_FOUND ? answer.request.route->path : NULL;
}

static const char *param(struct ctx *ctx, const char *path, const char *name)
{
        struct answer answer = ask(ctx, METHOD_GET, path);

        assert_int_equal(answer.result, ROUTER_FOUND);
        return request_param(&answer.request, name);
}

#define STORAGE "/api/cloud/storage/"

static void every_route_is_reached_by_its_own_path(void **state)
{
        size_t count;
        const struct route *routes = routes_all(&count);

        for (size_t i = 0; i < count; i++) {
                struct answer answer = ask(*state, routes[i].method, routes[i].path);

                assert_int_equal(answer.result, ROUTER_FOUND);
                assert_ptr_equal(answer.request.route, &routes[i]);
        }
}

static void parameters_are_taken_from_the_path(void **state)
{
        assert_string_equal(param(*state, "/api/cloud/jobs/01abc", "job_id"), "01abc");
        assert_string_equal(param(*state, "/api/cloud/jobs/01abc", "other"), "");
        assert_string_equal(param(*state, "/api/cloud/jobs/01abc", "job"), "");
        assert_string_equal(param(*state, STORAGE "b/dir/a.txt", "bucket"), "b");
        assert_string_equal(param(*state, STORAGE "b/dir/a.txt", "key"), "dir/a.txt");
}

static void parameters_are_decoded_once(void **state)
{
        assert_string_equal(param(*state, STORAGE "b/a%20b%2Bc+d", "key"), "a b+c+d");
        assert_string_equal(param(*state, STORAGE "b/%c3%A9", "key"), "\xc3\xa9");
        assert_string_equal(param(*state, STORAGE "b/a%252Fb", "key"), "a%2Fb");
        assert_string_equal(param(*state, "/api/cloud/jobs/%30%31", "job_id"), "01");
}

static void an_encoded_slash_does_not_end_a_segment(void **state)
{
        assert_string_equal(param(*state, STORAGE "b/dir%2Fa%2fb", "key"), "dir/a/b");
        assert_string_equal(param(*state, STORAGE "a%2Fb", "bucket"), "a/b");
        assert_string_equal(param(*state, STORAGE "b/%2e%2e%2fx", "key"), "../x");
        assert_string_equal(route_of(*state, METHOD_GET, "/api/cloud/jobs/a%2Fcancel"),
                            "/api/cloud/jobs/{job_id}");
}

static void one_slash_at_the_end_is_ignored(void **state)
{
        assert_string_equal(route_of(*state, METHOD_GET, "/health/"), "/health");
        assert_string_equal(route_of(*state, METHOD_GET, "/api/cloud/jobs/"), "/api/cloud/jobs");
        assert_string_equal(param(*state, "/api/cloud/jobs/01abc/", "job_id"), "01abc");
        assert_string_equal(route_of(*state, METHOD_GET, STORAGE), "/api/cloud/storage");
        assert_string_equal(route_of(*state, METHOD_GET, STORAGE "b/"), STORAGE "{bucket}");
        assert_string_equal(param(*state, STORAGE "b/dir/", "key"), "dir/"); /* part of a key */
        assert_null(route_of(*state, METHOD_GET, "/health//"));
}

static void an_unknown_path_is_not_found(void **state)
{
        static const char *const paths[] = { "/",
                                             "/healthy",
                                             "/health/x",
                                             "/Health",
                                             "health",
                                             "//health",
                                             "*",
                                             "",
                                             "/api/cloud/jobs/01abc/x",
                                             "/api/cloud/jobs//cancel",
                                             "/api/cloud//jobs",
                                             "/api/cloud/providers/p/token/x",
                                             "/api/cloud/jobs/../jobs" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                struct answer answer = ask(*state, METHOD_GET, paths[i]);

                assert_int_equal(answer.result, ROUTER_NO_PATH);
                assert_null(answer.request.route);
                assert_string_equal(answer.allow, "");
        }
}

static void a_head_request_takes_the_route_of_get(void **state)
{
        assert_string_equal(route_of(*state, METHOD_HEAD, "/health"), "/health");
        assert_null(route_of(*state, METHOD_HEAD, "/api/webhooks/replicate"));
}

static void a_query_parameter_selects_what_is_below_an_object(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(route_of(ctx, METHOD_GET, STORAGE "b/k?tagging"),
                            STORAGE "{bucket}/{key...}?tagging");
        assert_string_equal(route_of(ctx, METHOD_GET, STORAGE "b/k?x=1&uploadId=2"),
                            STORAGE "{bucket}/{key...}?uploadId");
        assert_string_equal(route_of(ctx, METHOD_GET, STORAGE "b/k?taggings&x=tagging"),
                            STORAGE "{bucket}/{key...}");
        assert_string_equal(route_of(ctx, METHOD_GET, STORAGE "b/tagging"),
                            STORAGE "{bucket}/{key...}");
        assert_null(route_of(ctx, METHOD_POST, STORAGE "b/k"));
}

static void a_fixed_segment_goes_before_a_parameter(void **state)
{
        assert_string_equal(route_of(*state, METHOD_POST, "/api/cloud/jobs/submit"),
                            "/api/cloud/jobs/submit");
        assert_string_equal(route_of(*state, METHOD_GET, "/api/cloud/providers/p/config"),
                            "/api/cloud/providers/{provider}/config");
        assert_string_equal(route_of(*state, METHOD_PUT, "/api/cloud/providers/p"),
                            "/api/cloud/providers/{provider}");
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
        static const struct {
                enum method method;
                const char *path, *allow;
        } cases[] = {
                { METHOD_POST, "/health", "GET, HEAD, OPTIONS" },
                { METHOD_DELETE, "/api/cloud/providers/p", "GET, HEAD, PUT, OPTIONS" },
                { METHOD_POST, "/api/cloud/providers/p/token", "PUT, DELETE, OPTIONS" },
                { METHOD_GET, "/api/webhooks/replicate", "POST, OPTIONS" },
                { METHOD_OTHER, STORAGE "b/k", "GET, HEAD, PUT, POST, DELETE, OPTIONS" },
                { METHOD_OPTIONS, "/api/cloud/jobs", "POST, GET, HEAD, OPTIONS" },
                { METHOD_PATCH, "/api/cloud/jobs/submit", "POST, GET, HEAD, DELETE, OPTIONS" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct answer answer = ask(*state, cases[i].method, cases[i].path);

                assert_int_equal(answer.result, ROUTER_NO_METHOD);
                assert_null(answer.request.route);
                assert_string_equal(answer.allow, cases[i].allow);
        }
}

static void a_badly_encoded_parameter_is_refused(void **state)
{
        static const char *const paths[] = {
                STORAGE "b/%",       STORAGE "b/%4",   STORAGE "b/%zz",
                STORAGE "b/a%00b",   STORAGE "b/%ff",  STORAGE "b/%c0%ae",
                STORAGE "%ed%a0%80", STORAGE "b/\xff", STORAGE "b/%u0041",
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                struct request request = { .method = METHOD_GET, .path = paths[i], .query = "" };
                enum router_result result;
                char allow[ROUTER_ALLOW_SIZE];

                if (router_match(ctx, &request, &result, allow) != ERR_INVALID)
                        fail_msg("%s is taken", paths[i]);
        }
}

static void a_long_path_is_matched_safely(void **state)
{
        struct ctx *ctx = *state;
        char *path = arena_alloc(ctx->arena, REQUEST_TARGET_MAX + 1);

        memset(path, 'a', REQUEST_TARGET_MAX);
        memcpy(path, STORAGE "b/", strlen(STORAGE "b/"));
        assert_int_equal(strlen(param(ctx, path, "key")),
                         REQUEST_TARGET_MAX - strlen(STORAGE "b/"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(every_route_is_reached_by_its_own_path),
                FIXTURE_TEST(parameters_are_taken_from_the_path),
                FIXTURE_TEST(parameters_are_decoded_once),
                FIXTURE_TEST(an_encoded_slash_does_not_end_a_segment),
                FIXTURE_TEST(one_slash_at_the_end_is_ignored),
                FIXTURE_TEST(an_unknown_path_is_not_found),
                FIXTURE_TEST(a_head_request_takes_the_route_of_get),
                FIXTURE_TEST(a_query_parameter_selects_what_is_below_an_object),
                FIXTURE_TEST(a_fixed_segment_goes_before_a_parameter),
                FIXTURE_TEST(a_wrong_method_is_told_the_right_ones),
                FIXTURE_TEST(a_badly_encoded_parameter_is_refused),
                FIXTURE_TEST(a_long_path_is_matched_safely),
        };

        return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
