#include <stdbool.h>
#include <string.h>

#include "core/base/fields.h"
#include "tests/fixture.h"

struct record {
        const char *name, *mode, *url;
        bool on;
        int64_t count, delta;
        double timeout;
        json_t *config, *items, *words, *ranges;
};

static const char *const modes[] = { "fast", "slow", NULL };

static enum err no_spaces(struct ctx *ctx, const char *name, const json_t *value)
{
        if (strchr(json_string_value(value), ' '))
                return ctx_fail(ctx, ERR_INVALID, "%s must not contain a space", name);
        return OK;
}

static const struct field fields[] = {
        FIELD(struct record, name, FIELD_STRING, .min = 1, .max = 8, .check = no_spaces),
        FIELD(struct record, mode, FIELD_CHOICE, .choices = modes),
        FIELD(struct record, url, FIELD_URL, .max = 40),
        FIELD(struct record, on, FIELD_BOOL),
        FIELD(struct record, count, FIELD_INT, .min = 1, .max = 300),
        FIELD(struct record, delta, FIELD_INT),
        FIELD(struct record, timeout, FIELD_NUMBER, .min = 1, .max = 300),
        FIELD(struct record, config, FIELD_OBJECT),
        FIELD(struct record, items, FIELD_ARRAY, .max = 2),
        FIELD(struct record, words, FIELD_STRING_LIST, .max = 3),
        FIELD(struct record, ranges, FIELD_CIDR_LIST, .max = 64),
};

static enum err decode(struct ctx *ctx, const char *text, struct record *record)
{
        json_t *json = NULL;
        enum err rc;

        assert_int_equal(json_parse(ctx, "test", text, strlen(text), &json), OK);
        rc = fields_decode(ctx, fields, ARRAY_SIZE(fields), json, record);
        json_decref(json);
        return rc;
}

static void refused(struct ctx *ctx, const char *text, const char *message)
{
        struct record record = { .count = 42 };

        assert_int_equal(decode(ctx, text, &record), ERR_INVALID);
        assert_string_equal(ctx->detail, message);
        assert_int_equal(record.count, 42);
}

static void given_fields_are_stored(void **state)
{
        static const char text[] = "{\"name\":\"a\",\"mode\":\"slow\",\"url\":\"https://h\","
                                   "\"on\":true,\"count\":300,\"delta\":-7,\"timeout\":1.5,"
                                   "\"config\":{\"x\":1},\"items\":[1,{}],\"words\":[\"w\"],"
                                   "\"ranges\":[\"10.0.0.0/8\",\"::1\"]}";
        struct ctx *ctx = *state;
        struct record record = { 0 };
        json_t *json = NULL;

        assert_int_equal(json_parse(ctx, "test", text, strlen(text), &json), OK);
        assert_int_equal(fields_decode(ctx, fields, ARRAY_SIZE(fields), json, &record), OK);
        assert_string_equal(record.name, "a");
        assert_string_equal(record.mode, "slow");
        assert_string_equal(record.url, "https://h");
        assert_true(record.on);
        assert_int_equal(record.count, 300);
        assert_int_equal(record.delta, -7);
        assert_true(record.timeout == 1.5);
        assert_int_equal(json_object_size(record.config), 1);
        assert_int_equal(json_array_size(record.items), 2);
        assert_int_equal(json_array_size(record.words), 1);
        assert_int_equal(json_array_size(record.ranges), 2);
        json_decref(json);
}

static void absent_and_null_fields_keep_their_value(void **state)
{
        struct record record = { .count = 5, .timeout = 30, .on = true };

        assert_int_equal(decode(*state, "{\"count\":null,\"timeout\":null}", &record), OK);
        assert_int_equal(record.count, 5);
        assert_true(record.timeout == 30);
        assert_true(record.on);
}

static void an_integer_is_a_number_but_not_the_other_way(void **state)
{
        struct record record = { 0 };

        assert_int_equal(decode(*state, "{\"timeout\":2}", &record), OK);
        assert_true(record.timeout == 2);
        refused(*state, "{\"count\":2.0}", "count must be an integer from 1 to 300");
}

static void limits_are_named_in_the_message(void **state)
{
        struct ctx *ctx = *state;

        refused(ctx, "{\"timeout\":0.5}", "timeout must be a number from 1 to 300");
        refused(ctx, "{\"timeout\":301}", "timeout must be a number from 1 to 300");
        refused(ctx, "{\"timeout\":\"9\"}", "timeout must be a number from 1 to 300");
        refused(ctx, "{\"count\":0}", "count must be an integer from 1 to 300");
        refused(ctx, "{\"delta\":\"1\"}", "delta must be an integer");
        refused(ctx, "{\"name\":\"\"}", "name must be a string of 1 to 8 bytes");
        refused(ctx, "{\"name\":\"123456789\"}", "name must be a string of 1 to 8 bytes");
        refused(ctx, "{\"items\":[1,2,3]}", "items must be an array of at most 2 items");
        refused(ctx, "{\"words\":\"w\"}", "words must be an array of strings of at most 3 items");
}

static void types_are_named_in_the_message(void **state)
{
        struct ctx *ctx = *state;

        refused(ctx, "{\"on\":1}", "on must be true or false");
        refused(ctx, "{\"config\":[]}", "config must be an object");
        refused(ctx, "{\"mode\":\"medium\"}", "mode must be one of: fast, slow");
        refused(ctx, "{\"mode\":1}", "mode must be one of: fast, slow");
        refused(ctx, "{\"url\":\"ftp://h\"}", "url must be an http or https URL with a host");
        refused(ctx, "{\"url\":\"https://0123456789.0123456789.0123456789.example\"}",
                "url must be a string of at most 40 bytes");
}

static void the_bad_item_of_a_list_is_named(void **state)
{
        refused(*state, "{\"words\":[\"a\",2]}", "words[1] must be a string");
        refused(*state, "{\"ranges\":[\"::1\",\"10.0.0.0/8\",\"x\"]}",
                "ranges[2]: Invalid IP address or CIDR: 'x'");
}

static void unknown_fields_are_refused_with_what_is_allowed(void **state)
{
        refused(*state, "{\"foo\":1}",
                "unknown field 'foo'; allowed: name, mode, url, on, count, delta, timeout, "
                "config, items, words, ranges");
        refused(*state, "{\"foo\":null,\"count\":0}",
                "unknown field 'foo'; allowed: name, mode, url, on, count, delta, timeout, "
                "config, items, words, ranges");
}

static void the_first_bad_field_is_the_one_reported(void **state)
{
        refused(*state, "{\"count\":0,\"foo\":1}", "count must be an integer from 1 to 300");
}

static void a_rule_of_the_field_itself_is_asked_last(void **state)
{
        refused(*state, "{\"name\":\"a b\"}", "name must not contain a space");
        refused(*state, "{\"name\":\"123 456 789\"}", "name must be a string of 1 to 8 bytes");
}

static void a_required_field_must_be_given_and_not_null(void **state)
{
        static const struct field required[] = {
                FIELD(struct record, config, FIELD_OBJECT, .required = true),
        };
        static const char *const texts[] = { "{}", "{\"config\":null}" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                json_t *json = NULL;

                assert_int_equal(json_parse(ctx, "test", texts[i], strlen(texts[i]), &json), OK);
                assert_int_equal(fields_check(ctx, required, 1, json), ERR_INVALID);
                assert_string_equal(ctx->detail, "config is required");
                json_decref(json);
        }
}

static void a_long_table_is_cut_in_the_message(void **state)
{
        static const char name[] = "a_name_of_some_length_for_a_field";
        struct field many[40];
        struct ctx *ctx = *state;
        json_t *json = NULL;
        size_t len;

        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = (struct field){ .name = name, .type = FIELD_BOOL };
        assert_int_equal(json_parse(ctx, "test", "{\"foo\":1}", 9, &json), OK);
        assert_int_equal(fields_check(ctx, many, ARRAY_SIZE(many), json), ERR_INVALID);
        len = strlen(ctx->detail);
        assert_true(len < CTX_DETAIL_SIZE - 1);
        assert_string_equal(ctx->detail + len - 5, ", ...");
        json_decref(json);
}

static void urls_need_http_and_a_host(void **state)
{
        static const char *const right[] = {
                "http://h",
                "https://example.com/a?b=c#d",
                "HTTPS://Example.com:8443/",
                "http://127.0.0.1:1",
                "https://[2001:db8::1]:443/x",
                "http://h/a@b:c",
                "http://under_score.example/",
                "https://[::1]",
        };
        static const char *const wrong[] = {
                "",
                "h",
                "/path",
                "http:/h",
                "https://",
                "https:///x",
                "ftp://h",
                "http://u@h",
                "http://u:p@h/",
                "http://h h",
                "http://h\n",
                "http://h/\x7f",
                "http://h:",
                "http://h:0",
                "http://h:65536",
                "http://h:8x/",
                "http://[::1",
                "http://[::1]x",
                "http://[1.2.3.4]",
                "http://h\\x",
                "http://:80",
                "http://.h",
                "javascript:x",
                " http://h",
                "http://?x",
                "http://h\xC3\xA9/",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(right); i++)
                assert_true(fields_is_url(right[i]));
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(fields_is_url(wrong[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(given_fields_are_stored),
                FIXTURE_TEST(absent_and_null_fields_keep_their_value),
                FIXTURE_TEST(an_integer_is_a_number_but_not_the_other_way),
                FIXTURE_TEST(limits_are_named_in_the_message),
                FIXTURE_TEST(types_are_named_in_the_message),
                FIXTURE_TEST(the_bad_item_of_a_list_is_named),
                FIXTURE_TEST(unknown_fields_are_refused_with_what_is_allowed),
                FIXTURE_TEST(the_first_bad_field_is_the_one_reported),
                FIXTURE_TEST(a_rule_of_the_field_itself_is_asked_last),
                FIXTURE_TEST(a_required_field_must_be_given_and_not_null),
                FIXTURE_TEST(a_long_table_is_cut_in_the_message),
                FIXTURE_TEST(urls_need_http_and_a_host),
        };

        return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
