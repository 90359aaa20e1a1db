#include "core/base/utf8.h"

#include <string.h>

#include "tests/fixture.h"

static void the_text_after_a_prefix_counts_its_last_character_up(void **state)
{
        static const char *const cases[][2] = {
                { "a", "b" },
                { "a/", "a0" },
                { "ab\x7f", "ab\xc2\x80" },
                { "\xc3\xa4", "\xc3\xa5" },
                { "\xc3\xbf", "\xc4\x80" },
                { "\xdf\xbf", "\xe0\xa0\x80" },
                { "\xed\x9f\xbf", "\xee\x80\x80" }, /* over the surrogates */
                { "\xef\xbf\xbf", "\xf0\x90\x80\x80" },
                { "\xf0\x9f\x8e\x89", "\xf0\x9f\x8e\x8a" },
                { "a\xf4\x8f\xbf\xbf", "b" },
                { "a\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", "b" },
                { "\xf4\x8f\xbf\xbf", "" },
                { "", "" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(utf8_after_prefix(ctx->arena, cases[i][0]), cases[i][1]);
}

/* What has the prefix comes before that text, and what comes before it and after the prefix has
 * it. */
static void it_divides_all_texts_by_their_bytes(void **state)
{
        static const char *const texts[] = {
                "a",
                "a/",
                "a/b",
                "a0",
                "a/\xf4\x8f\xbf\xbf",
                "b",
                "\x7f",
                "\xc2\x80",
                "\xed\x9f\xbf",
                "\xee\x80\x80",
                "\xef\xbf\xbf",
                "\xf0\x90\x80\x80",
                "a~",
                "",
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                const char *after = utf8_after_prefix(ctx->arena, texts[i]);

                assert_true(utf8_is_valid(after));
                for (size_t n = 0; n < ARRAY_SIZE(texts); n++) {
                        bool has = strncmp(texts[n], texts[i], strlen(texts[i])) == 0;
                        bool between = strcmp(texts[n], texts[i]) >= 0 &&
                                       (!*after || strcmp(texts[n], after) < 0);

                        assert_int_equal(has, between);
                }
        }
}

static void only_what_rfc_3629_has_is_utf8(void **state)
{
        static const char *const good[] = { "", "a", "\xc2\x80", "\xed\x9f\xbf",
                                            "\xf4\x8f\xbf\xbf" };
        static const char *const wrong[] = { "\x80",
                                             "\xc0\x80",
                                             "\xc1\xbf",
                                             "\xc3",
                                             "\xe0\x9f\xbf",
                                             "\xed\xa0\x80",
                                             "\xe2\x82",
                                             "\xf0\x8f\xbf\xbf",
                                             "\xf4\x90\x80\x80",
                                             "\xf5\x80\x80\x80",
                                             "a\xff" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_true(utf8_is_valid(good[i]));
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(utf8_is_valid(wrong[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(the_text_after_a_prefix_counts_its_last_character_up),
                FIXTURE_TEST(it_divides_all_texts_by_their_bytes),
                FIXTURE_TEST(only_what_rfc_3629_has_is_utf8),
        };

        return cmocka_run_group_tests_name("UTF-8", tests, NULL, NULL);
}
