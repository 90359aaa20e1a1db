#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/request.h"
#include "fcgi/routes.h"
#include "tests/fixture_request.h"

static enum err head(struct ctx *ctx, struct arrival *arrival)
{
        return request_read_head(ctx, arrival->transport, &arrival->request);
}

static const struct request *target(struct ctx *ctx, const char *uri)
{
        return fixture_request(
                ctx,
                VARIABLES("REQUEST_METHOD=GET", arena_printf(ctx->arena, "REQUEST_URI=%s", uri)),
                "");
}

static void a_target_is_a_path_and_a_query(void **state)
{
        static const char *const cases[][3] = {
                { "/a/b?c=d?e", "/a/b", "c=d?e" },
                { "/a%2Fb", "/a%2Fb", "" },
                { "/?", "/", "" },
                { "*", "*", "" },
                { "http://tuner.example/a?b", "/a", "b" },
                { "http://tuner.example", "/", "" },
                { "/a?b=http://x/y", "/a", "b=http://x/y" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct request *request = target(*state, cases[i][0]);

                assert_string_equal(request->path, cases[i][1]);
                assert_string_equal(request->query, cases[i][2]);
        }
}

static void a_target_that_is_no_path_is_refused(void **state)
{
        struct ctx *ctx = *state;
        char *long_uri = arena_alloc(ctx->arena, REQUEST_TARGET_MAX + 64);
        const char *const uris[] = { "REQUEST_URI=", "REQUEST_URI=a/b", "OTHER=/", long_uri };

        memset(long_uri, 'a', REQUEST_TARGET_MAX + 32);
        memcpy(long_uri, "REQUEST_URI=/", 13);
        for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
                assert_int_equal(
                        head(ctx,
                             fixture_arrive(ctx, VARIABLES("REQUEST_METHOD=GET", uris[i]), "")),
                        ERR_INVALID);
}

static void a_method_is_known_by_its_exact_name(void **state)
{
        static const struct {
                const char *variable;
                enum method method;
        } cases[] = {
                { "REQUEST_METHOD=GET", METHOD_GET },
                { "REQUEST_METHOD=PUT", METHOD_PUT },
                { "REQUEST_METHOD=DELETE", METHOD_DELETE },
                { "REQUEST_METHOD=get", METHOD_OTHER },
                { "REQUEST_METHOD=BREW", METHOD_OTHER },
                { "REQUEST_METHOD=", METHOD_OTHER },
                { "NONE=", METHOD_OTHER },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(
                        fixture_request(*state, VARIABLES(cases[i].variable, "REQUEST_URI=/"), "")
                                ->method,
                        cases[i].method);
}

static void a_header_is_found_in_any_case(void **state)
{
        const struct request *request = fixture_request(
                *state,
                VARIABLES("REQUEST_METHOD=GET", "REQUEST_URI=/", "HTTP_X_UPLOAD_TOKEN=abc",
                          "CONTENT_TYPE=text/plain", "CONTENT_LENGTH=7", "HTTP_EMPTY="),
                "");

        assert_string_equal(request_header(request, "X-Upload-Token"), "abc");
        assert_string_equal(request_header(request, "x-upload-token"), "abc");
        assert_string_equal(request_header(request, "content-type"), "text/plain");
        assert_string_equal(request_header(request, "Content-Length"), "7");
        assert_string_equal(request_header(request, "Empty"), "");
        assert_null(request_header(request, "X-Upload"));
        assert_true(request->content_length == 7);
}

static void an_announced_length_must_be_a_number(void **state)
{
        static const char *const wrong[] = {
                "CONTENT_LENGTH=x",  "CONTENT_LENGTH=-1", "CONTENT_LENGTH= 5",
                "CONTENT_LENGTH=+5", "CONTENT_LENGTH=5x", "CONTENT_LENGTH=99999999999999999999"
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_int_equal(head(ctx, fixture_arrive(ctx,
                                                          VARIABLES("REQUEST_METHOD=PUT",
                                                                    "REQUEST_URI=/", wrong[i]),
                                                          "")),
                                 ERR_INVALID);
        assert_true(target(ctx, "/")->content_length == -1);
        assert_true(fixture_request(ctx, VARIABLES("REQUEST_URI=/", "CONTENT_LENGTH="), "")
                            ->content_length == -1);
}

static const char *client(const struct request *request)
{
        static char text[IPADDR_TEXT_SIZE];

        ipaddr_format(&request->client, text);
        return text;
}

static void the_client_is_looked_for_behind_trusted_proxies_only(void **state)
{
        static const struct {
                const char *peer, *chain, *client;
        } cases[] = {
                { "REMOTE_ADDR=127.0.0.1", "NONE=", "127.0.0.1" },
                { "REMOTE_ADDR=127.0.0.1", "HTTP_X_FORWARDED_FOR=203.0.113.9", "203.0.113.9" },
                { "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=203.0.113.9", "192.0.2.1" },
                { "REMOTE_ADDR=unix:", "HTTP_X_FORWARDED_FOR=203.0.113.9", "" },
                { "NONE=", "OTHER=", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct request *request = fixture_request(
                        *state, VARIABLES("REQUEST_URI=/", cases[i].peer, cases[i].chain), "");

                assert_string_equal(client(request), cases[i].client);
        }
}

static void any_forwarding_header_is_noticed(void **state)
{
        static const char *const headers[] = { "HTTP_X_FORWARDED_FOR=", "HTTP_FORWARDED=for=1",
                                               "HTTP_X_REAL_IP=10.0.0.1",
                                               "HTTP_CF_CONNECTING_IP=x" };

        for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
                assert_true(fixture_request(
                                    *state,
                                    VARIABLES("REQUEST_URI=/", "REMOTE_ADDR=127.0.0.1", headers[i]),
                                    "")
                                    ->forwarded);
        assert_false(fixture_request(*state,
                                     VARIABLES("REQUEST_URI=/", "REMOTE_ADDR=127.0.0.1",
                                               "HTTP_X_FORWARDED_HOST=x"),
                                     "")
                             ->forwarded);
}

static void a_forwarding_header_given_twice_is_refused(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(
                head(ctx, fixture_arrive(ctx,
                                         VARIABLES("REQUEST_URI=/", "REMOTE_ADDR=127.0.0.1",
                                                   "HTTP_X_FORWARDED_FOR=127.0.0.1",
                                                   "HTTP_X_FORWARDED_FOR=203.0.113.9"),
                                         "")),
                ERR_INVALID);
}

static const struct query known[] = {
        QUERY(TEXT, "a"),    QUERY(TEXT, "ab"),
        QUERY(TEXT, "bare"), QUERY(BOOL, "b"),
        QUERY(TEXT, "e"),    QUERY(TEXT, "empty"),
        QUERY(TEXT, "m"),    QUERY(NUMBER, "n", .min = 1, .max = 500),
        QUERY(TEXT, "none"), QUERY(TEXT, "plus"),
        QUERY(TEXT, "utf"),  { 0 },
};
static const struct operation operation = { .id = "test", .query = known };
static const struct route a_route = { .operation = &operation };

static struct request with_query(const char *query)
{
        return (struct request){ .path = "/", .query = query, .route = &a_route };
}

static void a_parameter_that_the_operation_does_not_take_is_our_mistake(void **state)
{
        struct request request = with_query("other=1");
        const char *value = NULL;

        assert_int_equal(request_query(*state, &request, "other", &value), ERR_INTERNAL);
}

static void a_query_parameter_is_decoded(void **state)
{
        struct request request =
                with_query("a=1&empty=&bare&plus=a+b%2Bc&ab=2&a=3&%61%62c=4&utf=%C3%A9&e=x=y");
        static const char *const cases[][2] = {
                { "a", "1" },  { "empty", "" }, { "bare", "" },        { "plus", "a b+c" },
                { "ab", "2" }, { "e", "x=y" },  { "utf", "\xc3\xa9" },
        };
        const char *value = "untouched";

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(request_query(*state, &request, cases[i][0], &value), OK);
                assert_string_equal(value, cases[i][1]);
        }
        assert_int_equal(request_query(*state, &request, "none", &value), OK);
        assert_null(value);
        request = with_query("");
        assert_int_equal(request_query(*state, &request, "a", &value), OK);
        assert_null(value);
}

static void a_badly_encoded_query_parameter_is_refused(void **state)
{
        static const char *const wrong[] = { "a=%", "a=%1", "a=%gg", "a=x%00", "a=%ff", "a=\xff" };
        const char *value;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct request request = with_query(wrong[i]);

                assert_int_equal(request_query(*state, &request, "a", &value), ERR_INVALID);
        }
}

static void a_switch_in_the_query_is_true_or_false(void **state)
{
        static const char *const on[] = { "b=true", "b=1" }, *const off[] = { "b=false", "b=0" };
        static const char *const wrong[] = { "b", "b=", "b=yes", "b=TRUE", "b=2" };
        struct request request;
        bool value = false;

        for (size_t i = 0; i < ARRAY_SIZE(on); i++) {
                request = with_query(on[i]);
                assert_int_equal(request_query_bool(*state, &request, "b", &value), OK);
                assert_true(value);
                request = with_query("a=0");
                assert_int_equal(request_query_bool(*state, &request, "b", &value), OK);
                assert_true(value);
                request = with_query(off[i]);
                assert_int_equal(request_query_bool(*state, &request, "b", &value), OK);
                assert_false(value);
        }
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                request = with_query(wrong[i]);
                assert_int_equal(request_query_bool(*state, &request, "b", &value), ERR_INVALID);
        }
}

static void a_number_in_the_query_stays_in_its_range(void **state)
{
        static const char *const wrong[] = { "n=0",  "n=501", "n=",    "n",
                                             "n=x",  "n=1x",  "n=1.5", "n=99999999999999999999",
                                             "n=-1", "n=%20" };
        struct request request = with_query("n=500");
        int64_t n = 50;

        assert_int_equal(request_query_int(*state, &request, "n", &n), OK);
        assert_int_equal(n, 500);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                request = with_query(wrong[i]);
                assert_int_equal(request_query_int(*state, &request, "n", &n), ERR_INVALID);
                assert_int_equal(n, 500);
        }
        request = with_query("m=7");
        assert_int_equal(request_query_int(*state, &request, "n", &n), OK);
        assert_int_equal(n, 500);
}

/* Read the body of a POST of these variables through a route that takes 16 bytes. */
static enum err body_of(struct ctx *ctx, const char *length, const char *sent, const char **ret)
{
        static const struct route route = { .body_max = 16 };
        struct request request = *fixture_request(
                ctx, VARIABLES("REQUEST_METHOD=POST", "REQUEST_URI=/", length), sent);
        size_t len = 0;
        enum err rc;

        request.route = &route;
        rc = request_body(ctx, &request, ret, &len);
        if (rc == OK)
                assert_int_equal(len, strlen(*ret));
        return rc;
}

static void a_body_is_read_up_to_the_limit_of_its_route(void **state)
{
        const char *body = NULL;

        assert_int_equal(body_of(*state, "CONTENT_LENGTH=16", "0123456789abcdef", &body), OK);
        assert_string_equal(body, "0123456789abcdef");
        assert_int_equal(body_of(*state, "NONE=", "0123", &body), OK);
        assert_string_equal(body, "0123");
        assert_int_equal(body_of(*state, "CONTENT_LENGTH=0", "", &body), OK);
        assert_string_equal(body, "");
        assert_int_equal(body_of(*state, "CONTENT_LENGTH=17", "0123456789abcdefg", &body),
                         ERR_TOO_LARGE);
        assert_int_equal(body_of(*state, "NONE=", "0123456789abcdefg", &body), ERR_TOO_LARGE);
}

static void a_body_that_breaks_off_is_refused(void **state)
{
        const char *body;

        assert_int_equal(body_of(*state, "CONTENT_LENGTH=8", "0123", &body), ERR_INVALID);
        assert_int_equal(body_of(*state, "CONTENT_LENGTH=8", NULL, &body), ERR_INVALID);
        assert_int_equal(body_of(*state, "NONE=", NULL, &body), ERR_INVALID);
}

static enum err json_of(struct ctx *ctx, const char *type, const char *sent)
{
        static const struct route route = { .body_max = 64 };
        struct request request = *fixture_request(
                ctx, VARIABLES("REQUEST_METHOD=POST", "REQUEST_URI=/", type), sent);
        json_t *json = NULL;

        request.route = &route;
        return request_json(ctx, &request, &json);
}

static void a_json_body_is_an_object_sent_as_json(void **state)
{
        static const char *const types[] = { "CONTENT_TYPE=application/json",
                                             "CONTENT_TYPE=Application/JSON; charset=utf-8",
                                             "CONTENT_TYPE=application/merge-patch+json" };
        static const char *const other[] = { "CONTENT_TYPE=text/plain", "CONTENT_TYPE=", "NONE=",
                                             "CONTENT_TYPE=application/jsonx",
                                             "CONTENT_TYPE=application/x-www-form-urlencoded" };
        static const char *const wrong[] = { "", "[]", "{", "{\"a\":1,\"a\":2}", "null", "\xff" };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                assert_int_equal(json_of(*state, types[i], "{\"a\":1}"), OK);
        for (size_t i = 0; i < ARRAY_SIZE(other); i++)
                assert_int_equal(json_of(*state, other[i], "{\"a\":1}"), ERR_UNSUPPORTED_TYPE);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_int_equal(json_of(*state, types[0], wrong[i]), ERR_INVALID);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_target_is_a_path_and_a_query),
                FIXTURE_TEST(a_target_that_is_no_path_is_refused),
                FIXTURE_TEST(a_method_is_known_by_its_exact_name),
                FIXTURE_TEST(a_header_is_found_in_any_case),
                FIXTURE_TEST(an_announced_length_must_be_a_number),
                FIXTURE_TEST(the_client_is_looked_for_behind_trusted_proxies_only),
                FIXTURE_TEST(any_forwarding_header_is_noticed),
                FIXTURE_TEST(a_forwarding_header_given_twice_is_refused),
                FIXTURE_TEST(a_parameter_that_the_operation_does_not_take_is_our_mistake),
                FIXTURE_TEST(a_query_parameter_is_decoded),
                FIXTURE_TEST(a_badly_encoded_query_parameter_is_refused),
                FIXTURE_TEST(a_switch_in_the_query_is_true_or_false),
                FIXTURE_TEST(a_number_in_the_query_stays_in_its_range),
                FIXTURE_TEST(a_body_is_read_up_to_the_limit_of_its_route),
                FIXTURE_TEST(a_body_that_breaks_off_is_refused),
                FIXTURE_TEST(a_json_body_is_an_object_sent_as_json),
        };

        return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
