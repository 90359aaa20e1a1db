#include "fcgi/routes.h"
#include "fcgi/s3_list.h"

#include <string.h>

#include "tests/fixture.h"

static const struct query known[] = {
        QUERY(TEXT, "prefix"),
        QUERY(TEXT, "delimiter"),
        QUERY(TEXT, "encoding-type"),
        QUERY(TEXT, "max-keys"),
        { 0 },
};
static const struct operation operation = { .id = "test", .query = known };
static const struct route a_route = { .operation = &operation };

static enum err read_query(struct ctx *ctx, const char *query, struct s3_list_frame *ret)
{
        const struct request request = {
                .method = METHOD_GET, .path = "/", .query = query, .route = &a_route
        };

        return s3_list_read(ctx, &request, "max-keys", ret);
}

static void nothing_said_means_a_thousand_of_all(void **state)
{
        struct s3_list_frame frame;

        assert_int_equal(read_query(*state, "list-type=2", &frame), OK);
        assert_string_equal(frame.prefix, "");
        assert_string_equal(frame.delimiter, "");
        assert_int_equal(frame.limit, 1000);
        assert_false(frame.encode);
}

static void all_that_is_said_is_read(void **state)
{
        struct s3_list_frame frame;

        assert_int_equal(read_query(*state,
                                    "prefix=a%2Fb%20c+d&delimiter=%C3%A4&max-keys=7&"
                                    "encoding-type=url",
                                    &frame),
                         OK);
        assert_string_equal(frame.prefix, "a/b c d");
        assert_string_equal(frame.delimiter, "\xc3\xa4");
        assert_int_equal(frame.limit, 7);
        assert_true(frame.encode);
}

static void a_limit_is_a_number_and_a_thousand_at_most(void **state)
{
        static const struct {
                const char *text;
                int limit; /* -1: refused */
        } cases[] = { { "0", 0 },
                      { "1", 1 },
                      { "999", 999 },
                      { "1000", 1000 },
                      { "1001", 1000 },
                      { "", 1000 },
                      { "2147483647", 1000 },
                      { "-1", -1 },
                      { "2147483648", -1 },
                      { "x", -1 },
                      { "1x", -1 },
                      { "99999999999999999999", -1 } };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct s3_list_frame frame;
                enum err rc = read_query(
                        ctx, arena_printf(ctx->arena, "max-keys=%s", cases[i].text), &frame);

                assert_int_equal(rc, cases[i].limit < 0 ? ERR_INVALID : OK);
                if (rc == OK)
                        assert_int_equal(frame.limit, cases[i].limit);
                else
                        assert_string_equal(ctx->code, "InvalidArgument");
        }
}

static void another_encoding_is_refused(void **state)
{
        struct ctx *ctx = *state;
        struct s3_list_frame frame;

        assert_int_equal(read_query(ctx, "encoding-type=base64", &frame), ERR_INVALID);
        assert_string_equal(ctx->code, "InvalidArgument");
        assert_int_equal(read_query(ctx, "prefix=%ff", &frame), ERR_INVALID);
}

static const char *written(struct ctx *ctx, const char *key, bool encode)
{
        struct buf out;
        const char *text;

        buf_init(&out, 4 * KiB);
        s3_list_key(&out, "Key", key, encode);
        text = arena_strdup(ctx->arena, buf_str(&out));
        buf_done(&out);
        return text;
}

static void keys_are_escaped_or_encoded(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(written(ctx, "a/b<c>&", false), "<Key>a/b&lt;c&gt;&amp;</Key>");
        assert_string_equal(written(ctx, "a/b <c>&+\xc3\xa4~", true),
                            "<Key>a/b%20%3Cc%3E%26%2B%C3%A4~</Key>");
}

static void a_token_leads_back_to_its_key(void **state)
{
        static const char *const keys[] = { "a", "dir/sub/", "\xc3\xa4\xf0\x9f\x8e\x89",
                                            "a b+c/=&" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                const char *token, *key;

                assert_int_equal(s3_list_make_token(ctx, keys[i], &token), OK);
                assert_int_equal(s3_list_open_token(ctx, token, &key), OK);
                assert_string_equal(key, keys[i]);
        }
}

static void a_token_of_somebody_elses_making_is_refused(void **state)
{
        static const char *const wrong[] = { "%", "a", "YQ=", "YQ==x", "/w==", "YQBi" };
        struct ctx *ctx = *state;
        const char *key;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                if (s3_list_open_token(ctx, wrong[i], &key) != ERR_INVALID)
                        fail_msg("\"%s\" is taken", wrong[i]);
                assert_string_equal(ctx->code, "InvalidArgument");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(nothing_said_means_a_thousand_of_all),
                FIXTURE_TEST(all_that_is_said_is_read),
                FIXTURE_TEST(a_limit_is_a_number_and_a_thousand_at_most),
                FIXTURE_TEST(another_encoding_is_refused),
                FIXTURE_TEST(keys_are_escaped_or_encoded),
                FIXTURE_TEST(a_token_leads_back_to_its_key),
                FIXTURE_TEST(a_token_of_somebody_elses_making_is_refused),
        };

        return cmocka_run_group_tests_name("S3 lists", tests, NULL, NULL);
}
