#include <string.h>

#include "core/cloud/secrets/secret_yaml.h"
#include "tests/fixture_db.h"

static json_t *parsed(struct ctx *ctx, const char *text)
{
        json_t *values;

        assert_ok(ctx, secret_yaml_parse(ctx, "f.yaml", text, strlen(text), &values));
        assert_ok(ctx, json_keep(ctx, values));
        return values;
}

static void values_are_texts_as_they_are_written(void **state)
{
        static const char *const cases[][2] = {
                { "T: plain", "plain" },
                { "T: 'single'", "single" },
                { "T: \"a\\tb\"", "a\tb" },
                { "T: 0123", "0123" },
                { "T: 1e9", "1e9" },
                { "T: yes", "yes" },
                { "T: true", "true" },
                { "T: 1.50", "1.50" },
                { "T: 2024-01-15", "2024-01-15" },
                { "T: 'null'", "null" },
                { "---\nT: x\n...\n", "x" },
                { "{T: x, U: y}", "x" },
                { "T: |\n  two\n  lines\n", "two\nlines\n" },
                { "'T': \xc3\xa9", "\xc3\xa9" },
                { "<<: x\nT: y", "y" },
                { "\xef\xbb\xbfT: after a byte order mark", "after a byte order mark" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *value = json_string_at(parsed(ctx, cases[i][0]), "T");

                assert_non_null(value);
                assert_string_equal(value, cases[i][1]);
        }
}

static void nothing_is_no_value(void **state)
{
        static const char *const cases[] = { "",     "# nothing", "---\n", "T: ~",
                                             "T:\n", "T: null",   "null",  "T: NULL" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_null(json_string_at(parsed(ctx, cases[i]), "T"));
}

static const char *billion_laughs(struct ctx *ctx)
{
        const char *text = "a: &a [x, x]\n";

        for (char c = 'b'; c < 'z'; c++)
                text = arena_printf(ctx->arena, "%s%c: &%c [*%c, *%c]\n", text, c, c, c - 1, c - 1);
        return text;
}

static const char *many(struct ctx *ctx, size_t count, char c)
{
        char *text = arena_alloc(ctx->arena, count + 1);

        memset(text, c, count);
        return text;
}

static void what_is_more_than_a_flat_map_is_refused_with_its_line(void **state)
{
        struct ctx *ctx = *state;
        const struct {
                const char *text, *word;
        } cases[] = {
                { "T: &anchor x", "f.yaml:1: anchors" },
                { "T: x\nU: *T", "f.yaml:2: aliases" },
                { billion_laughs(ctx), "f.yaml:1:" },
                { "T: [a]", "list" },
                { "T: {a: b}", "map" },
                { "T: x\nU:\n  V: y", "f.yaml:3: a value must be one text, not a map" },
                { "- T", "list" },
                { "just text", "NAME: value" },
                { "T: x\nT: y", "f.yaml:2: a name is empty or there twice" },
                { "'': x", "a name is empty" },
                { "T: x\n: y", "f.yaml:2:" },
                { "T: !!binary aGk=", "tags" },
                { "T: !!python/object/apply:os.system [x]", "list" },
                { "!!map {T: x}", "tags" },
                { "T: 'open", "f.yaml:" },
                { "T: x\n---\nT: y", "one document" },
                { "T: \"a\\0b\"", "NUL" },
                { "T: x\n\tU: y", "f.yaml:" },
                { "? [a, b]\n: x", "list" },
                { "? {a: b}\n: x", "map" },
                { "T: \x01", "control characters" },
                { "T: \xff", "UTF-8" },
                { "T: @x", "f.yaml:" },
                { many(ctx, 20000, '['), "list" },
                { many(ctx, 20000, '{'), "map" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                json_t *untouched = NULL;

                assert_rc(ctx, ERR_INVALID,
                          secret_yaml_parse(ctx, "f.yaml", cases[i].text, strlen(cases[i].text),
                                            &untouched));
                assert_null(untouched);
                if (!strstr(ctx->detail, cases[i].word))
                        fail_msg("%.40s: %s", cases[i].text, ctx->detail);
        }
}

static void what_is_written_reads_back(void **state)
{
        static const char *const values[] = {
                "plain",        "",   " blanks ", "no: 'yaml' \"here\" 0123",
                "two\nlines\n", "~",  "null",     "\xc3\xa9 \xf0\x9f\x94\x91",
                "tab\t",        "#",  "- a",      "*a",
                "&a",           "!a", "{",        "\\n",
        };
        struct ctx *ctx = *state;
        CLEANUP(json_decrefp) json_t *all = json_object();
        const char *text;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                const char *name = arena_printf(ctx->arena, "n.%zu: -", i);

                assert_int_equal(json_object_set_new(all, name, json_string(values[i])), 0);
        }
        json_object_set_new(all, "long", json_string(many(ctx, 5000, 'x')));
        assert_ok(ctx, secret_yaml_print(ctx, all, &text));
        assert_true(json_equal(all, parsed(ctx, text)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(values_are_texts_as_they_are_written),
                FIXTURE_TEST(nothing_is_no_value),
                FIXTURE_TEST(what_is_more_than_a_flat_map_is_refused_with_its_line),
                FIXTURE_TEST(what_is_written_reads_back),
        };

        return cmocka_run_group_tests_name("secret_yaml", tests, NULL, NULL);
}
