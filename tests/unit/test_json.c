#include <string.h>

#include "core/base/json.h"
#include "tests/fixture.h"

static enum err parse(struct ctx *ctx, const char *text, json_t **ret)
{
        return json_parse(ctx, "body", text, strlen(text), ret);
}

static void refused(struct ctx *ctx, const char *text)
{
        json_t *json = NULL;

        assert_int_equal(parse(ctx, text, &json), ERR_INVALID);
        assert_null(json);
        assert_memory_equal(ctx->detail, "body is ", 8);
}

static void objects_and_plain_values_are_parsed(void **state)
{
        struct ctx *ctx = *state;
        json_t *json = NULL;

        assert_int_equal(parse(ctx, "{\"a\":1.5,\"b\":\"x\",\"c\":2}", &json), OK);
        assert_string_equal(json_string_at(json, "b"), "x");
        assert_null(json_string_at(json, "a"));
        assert_null(json_string_at(json, "missing"));
        assert_true(json_number_at(json, "a", 0) == 1.5);
        assert_true(json_number_at(json, "c", 0) == 2);
        assert_true(json_number_at(json, "b", -1) == -1);
        json_decref(json);
        assert_int_equal(parse(ctx, "\"text\"", &json), OK);
        json_decref(json);
}

static void the_message_says_where_the_mistake_is(void **state)
{
        struct ctx *ctx = *state;
        json_t *json = NULL;

        assert_int_equal(parse(ctx, "{\"a\":\n 1,}", &json), ERR_INVALID);
        assert_memory_equal(ctx->detail, "body is not valid JSON: ", 24);
        assert_non_null(strstr(ctx->detail, "(line 2, column 4)"));
}

static void what_is_not_json_is_refused(void **state)
{
        static const char *const wrong[] = {
                "",
                "{",
                "}",
                "{\"a\":1}x",
                "{'a':1}",
                "[1,]",
                "01",
                "\"\\u0000\"",
                "\"\xFF\"",
                "\"\x01\"",
                "\"\\ud800\"",
                "nul",
                "{\"a\":1,\"a\":2}",
                "1e999",
        };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                refused(*state, wrong[i]);
}

static void a_nul_byte_is_refused(void **state)
{
        json_t *json = NULL;

        assert_int_equal(json_parse(*state, "body", "{}\0", 3, &json), ERR_INVALID);
        assert_int_equal(json_parse(*state, "body", "\"a\0b\"", 5, &json), ERR_INVALID);
        assert_null(json);
}

static void nest(char *text, size_t depth)
{
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
}

static void nesting_has_a_limit(void **state)
{
        struct ctx *ctx = *state;
        char text[2 * JSON_DEPTH_MAX + 8];
        json_t *json = NULL;

        nest(text, JSON_DEPTH_MAX);
        assert_int_equal(parse(ctx, text, &json), OK);
        json_decref(json);
        nest(text, JSON_DEPTH_MAX + 1);
        refused(ctx, text);
        assert_string_equal(ctx->detail, "body is nested deeper than 32 levels");
}

static void brackets_in_strings_are_not_nesting(void **state)
{
        json_t *json = NULL;

        assert_int_equal(parse(*state, "[\"[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[\"]", &json),
                         OK);
        json_decref(json);
        refused(*state, "[\"[[[\\");
}

static void the_top_must_be_an_object_where_one_is_asked_for(void **state)
{
        struct ctx *ctx = *state;
        json_t *json = NULL;

        assert_int_equal(json_parse_object(ctx, "body", "[1]", 3, &json), ERR_INVALID);
        assert_string_equal(ctx->detail, "body must be a JSON object");
        assert_null(json);
        assert_int_equal(json_parse_object(ctx, "body", "{}", 2, &json), OK);
        json_decref(json);
}

static void text_is_compact_with_sorted_keys(void **state)
{
        struct ctx *ctx = *state;
        const char *text = NULL;
        json_t *json = NULL;

        assert_int_equal(parse(ctx, "{ \"b\": [1, null], \"a\": \"\\u00e9\" }", &json), OK);
        assert_int_equal(json_text(ctx, json, &text), OK);
        assert_string_equal(text, "{\"a\":\"\xC3\xA9\",\"b\":[1,null]}");
        arena_fail_after(ctx->arena, 1);
        assert_int_equal(json_text(ctx, json, &text), ERR_NOMEM);
        json_decref(json);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(objects_and_plain_values_are_parsed),
                FIXTURE_TEST(the_message_says_where_the_mistake_is),
                FIXTURE_TEST(what_is_not_json_is_refused),
                FIXTURE_TEST(a_nul_byte_is_refused),
                FIXTURE_TEST(nesting_has_a_limit),
                FIXTURE_TEST(brackets_in_strings_are_not_nesting),
                FIXTURE_TEST(the_top_must_be_an_object_where_one_is_asked_for),
                FIXTURE_TEST(text_is_compact_with_sorted_keys),
        };

        return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
