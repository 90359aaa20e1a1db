#include <math.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/jsonw.h"
#include "tests/fixture.h"

static struct buf out;

static int setup(void **state)
{
        buf_init(&out, MiB);
        return fixture_setup(state);
}

static int teardown(void **state)
{
        buf_done(&out);
        return fixture_teardown(state);
}

static const char *written(const char *value)
{
        struct jsonw w = jsonw_to(&out);

        buf_reset(&out);
        jsonw_string(&w, NULL, value);
        return buf_str(&out);
}

static void members_and_items_get_their_commas(void **state)
{
        struct jsonw w = jsonw_to(&out);

        (void)state;
        jsonw_object(&w, NULL);
        jsonw_string(&w, "id", "a");
        jsonw_array(&w, "list");
        jsonw_int(&w, NULL, -1);
        jsonw_bool(&w, NULL, true);
        jsonw_object(&w, NULL);
        jsonw_object_end(&w);
        jsonw_array(&w, NULL);
        jsonw_array_end(&w);
        jsonw_array_end(&w);
        jsonw_null(&w, "none");
        jsonw_raw(&w, "raw", "{\"x\":1}");
        jsonw_raw(&w, "empty", "");
        jsonw_string(&w, "missing", NULL);
        jsonw_object_end(&w);
        assert_string_equal(buf_str(&out), "{\"id\":\"a\",\"list\":[-1,true,{},[]],\"none\":null,"
                                           "\"raw\":{\"x\":1},\"empty\":null,\"missing\":null}");
}

static void numbers_have_fixed_decimals_and_are_never_nan(void **state)
{
        struct jsonw w = jsonw_to(&out);

        (void)state;
        jsonw_array(&w, NULL);
        jsonw_number(&w, NULL, 1.005, 2);
        jsonw_number(&w, NULL, 3, 0);
        jsonw_number(&w, NULL, NAN, 2);
        jsonw_number(&w, NULL, -INFINITY, 2);
        jsonw_int(&w, NULL, INT64_MIN);
        jsonw_array_end(&w);
        assert_string_equal(buf_str(&out), "[1.00,3,null,null,-9223372036854775808]");
}

static void times_are_iso_and_zero_is_null(void **state)
{
        struct jsonw w = jsonw_to(&out);

        (void)state;
        jsonw_object(&w, NULL);
        jsonw_time(&w, "at", FIXTURE_TIME_US);
        jsonw_time(&w, "never", 0);
        jsonw_object_end(&w);
        assert_string_equal(buf_str(&out), "{\"at\":\"2024-01-15T10:30:00.000Z\",\"never\":null}");
}

static void quotes_and_control_characters_are_escaped(void **state)
{
        (void)state;
        assert_string_equal(written("a\"b\\c"), "\"a\\\"b\\\\c\"");
        assert_string_equal(written("\n\r\t\x01\x1f\x7f"), "\"\\n\\r\\t\\u0001\\u001f\\u007f\"");
        assert_string_equal(written("\xC2\x9B"), "\"\\u009b\"");
        assert_string_equal(written(""), "\"\"");
}

static void keys_are_escaped_too(void **state)
{
        struct jsonw w = jsonw_to(&out);

        (void)state;
        jsonw_int(&w, "a\"b", 1);
        assert_string_equal(buf_str(&out), "\"a\\\"b\":1");
}

static void utf8_goes_through_unchanged(void **state)
{
        static const char text[] = "\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x9A\x80 \xED\x9F\xBF"
                                   "\xEE\x80\x80 \xF4\x8F\xBF\xBF \xC2\xA0";

        (void)state;
        assert_memory_equal(written(text) + 1, text, sizeof(text) - 1);
}

#define FFFD "\xEF\xBF\xBD"

static void bytes_that_are_not_utf8_become_replacement_characters(void **state)
{
        (void)state;
        assert_string_equal(written("a\xFFz"), "\"a" FFFD "z\"");
        assert_string_equal(written("\x80"), "\"" FFFD "\"");                   /* lone tail */
        assert_string_equal(written("\xC0\xAF"), "\"" FFFD FFFD "\"");          /* overlong */
        assert_string_equal(written("\xE0\x80\xAF"), "\"" FFFD FFFD FFFD "\""); /* overlong */
        assert_string_equal(written("\xF0\x8F\xBF\xBF"), "\"" FFFD FFFD FFFD FFFD "\"");
        assert_string_equal(written("\xED\xA0\x80"), "\"" FFFD FFFD FFFD "\""); /* surrogate */
        assert_string_equal(written("\xF4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"");
        assert_string_equal(written("\xE4\xB8"), "\"" FFFD FFFD "\""); /* cut short */
        assert_string_equal(written("\xE4\"x"), "\"" FFFD "\\\"x\"");
}

static void whatever_the_bytes_the_text_is_json(void **state)
{
        struct ctx *ctx = *state;
        unsigned seed = 1;

        for (int round = 0; round < 2000; round++) {
                char bytes[24] = { 0 };
                json_t *json = NULL;

                for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
                        seed = seed * 1103515245U + 12345U;
                        bytes[i] = (char)(seed >> 16);
                }
                written(bytes);
                assert_int_equal(json_parse(ctx, "it", out.data, out.len, &json), OK);
                json_decref(json);
        }
}

/* Texts are looked through in words: every place of every byte that is not plain. */
static void what_must_be_escaped_is_so_wherever_it_stands(void **state)
{
        static const struct {
                char byte;
                const char *escape;
        } cases[] = {
                { '"', "\\\"" },       { '\\', "\\\\" },      { '\n', "\\n" },
                { '\x1f', "\\u001f" }, { '\x7f', "\\u007f" }, { '\xff', "\xEF\xBF\xBD" },
        };
        struct ctx *ctx = *state;
        char text[33];

        for (size_t len = 1; len < sizeof(text); len++) {
                for (size_t i = 0; i < len * ARRAY_SIZE(cases); i++) {
                        const size_t at = i % len, kind = i / len;

                        memset(text, '~', len);
                        text[len] = '\0';
                        text[at] = cases[kind].byte;
                        assert_string_equal(written(text),
                                            arena_printf(ctx->arena, "\"%.*s%s%s\"", (int)at, text,
                                                         cases[kind].escape, text + at + 1));
                }
        }
}

static void a_piece_never_passes_its_maximum_or_cuts_a_character(void **state)
{
        struct jsonw_piece piece;

        (void)state;
        assert_int_equal(jsonw_piece("abc", 2, &piece), 2);
        assert_int_equal(piece.len, 2);
        assert_int_equal(jsonw_piece("a\xE4\xB8\xAD", 3, &piece), 1);
        assert_int_equal(jsonw_piece("\xE4\xB8\xAD", 2, &piece), 0);
        assert_int_equal(jsonw_piece("\n", 1, &piece), 0);
        assert_int_equal(jsonw_piece("\n", 2, &piece), 1);
        assert_int_equal(jsonw_piece("", 9, &piece), 0);
}

static void a_full_buffer_is_noticed_at_the_end(void **state)
{
        struct buf small;
        struct jsonw w = jsonw_to(&small);

        (void)state;
        buf_init(&small, 10);
        jsonw_object(&w, NULL);
        jsonw_string(&w, "key", "longer than ten");
        jsonw_object_end(&w);
        assert_false(buf_ok(&small));
        buf_done(&small);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(members_and_items_get_their_commas),
                CASE(numbers_have_fixed_decimals_and_are_never_nan),
                CASE(times_are_iso_and_zero_is_null),
                CASE(quotes_and_control_characters_are_escaped),
                CASE(keys_are_escaped_too),
                CASE(utf8_goes_through_unchanged),
                CASE(bytes_that_are_not_utf8_become_replacement_characters),
                CASE(whatever_the_bytes_the_text_is_json),
                CASE(what_must_be_escaped_is_so_wherever_it_stands),
                CASE(a_piece_never_passes_its_maximum_or_cuts_a_character),
                CASE(a_full_buffer_is_noticed_at_the_end),
        };

        return cmocka_run_group_tests_name("jsonw", tests, NULL, NULL);
}
