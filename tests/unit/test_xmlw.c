#include <string.h>

#include "core/base/xml.h"
#include "core/base/xmlw.h"
#include "tests/fixture.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static void assert_escaped(const char *text, const char *expected)
{
        CLEANUP(buf_done) struct buf out;

        buf_init(&out, KiB);
        xmlw_escaped(&out, text);
        assert_true(buf_ok(&out));
        assert_string_equal(buf_str(&out), expected);
}

static void a_document_is_a_line_and_its_elements(void **state)
{
        CLEANUP(buf_done) struct buf out;

        (void)state;
        buf_init(&out, KiB);
        xmlw_document(&out, "List", "http://x/?a&b");
        xmlw_text(&out, "Key", "a/b c.txt");
        xmlw_text(&out, "Empty", "");
        xmlw_text(&out, "Absent", NULL);
        xmlw_open(&out, "Owner");
        xmlw_int(&out, "Size", INT64_MIN);
        xmlw_close(&out, "Owner");
        xmlw_bool(&out, "Yes", true);
        xmlw_bool(&out, "No", false);
        xmlw_time(&out, "Time", FIXTURE_TIME_US + 7 * US_PER_MS);
        xmlw_time(&out, "Never", 0);
        xmlw_close(&out, "List");
        assert_true(buf_ok(&out));
        assert_string_equal(buf_str(&out),
                            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<List xmlns=\"http://x/?a&amp;b\"><Key>a/b c.txt</Key><Empty></Empty>"
                            "<Owner><Size>-9223372036854775808</Size></Owner><Yes>true</Yes>"
                            "<No>false</No><Time>2024-01-15T10:30:00.007Z</Time></List>");
}

static void a_document_may_be_in_no_namespace(void **state)
{
        CLEANUP(buf_done) struct buf out;

        (void)state;
        buf_init(&out, KiB);
        xmlw_document(&out, "Error", NULL);
        assert_string_equal(buf_str(&out), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
}

static void what_means_something_to_xml_is_escaped(void **state)
{
        (void)state;
        assert_escaped("a<b>&\"c\"'d'", "a&lt;b&gt;&amp;&quot;c&quot;'d'");
        assert_escaped("]]>", "]]&gt;");
        assert_escaped("\t\n\r\x7F", "&#x9;&#xA;&#xD;&#x7F;");
        assert_escaped("\xC2\x80\xC2\x9F\xC2\xA0", "&#x80;&#x9F;\xC2\xA0");
}

static void what_xml_cannot_carry_is_replaced(void **state)
{
        (void)state;
        assert_escaped("a\x01"
                       "b\x1F",
                       "a" REPLACEMENT "b" REPLACEMENT);
        assert_escaped("\xEF\xBF\xBE\xEF\xBF\xBF", REPLACEMENT REPLACEMENT);
        assert_escaped("\xFF<", REPLACEMENT "&lt;");
        assert_escaped("\xE2\x82", REPLACEMENT REPLACEMENT);
        assert_escaped("\xED\xA0\x80", REPLACEMENT REPLACEMENT REPLACEMENT);
}

static void a_full_buffer_is_told_at_the_end(void **state)
{
        CLEANUP(buf_done) struct buf out;

        (void)state;
        buf_init(&out, 8);
        xmlw_text(&out, "Key", "value");
        xmlw_text(&out, "K", "");
        assert_false(buf_ok(&out));
}

/* The character as UTF-8; the code is valid. */
static void put_character(struct buf *out, unsigned code)
{
        if (code < 0x80) {
                buf_putc(out, (char)code);
        } else if (code < 0x800) {
                buf_putc(out, (char)(0xC0 | code >> 6));
                buf_putc(out, (char)(0x80 | (code & 63)));
        } else {
                buf_putc(out, (char)(0xE0 | code >> 12));
                buf_putc(out, (char)(0x80 | (code >> 6 & 63)));
                buf_putc(out, (char)(0x80 | (code & 63)));
        }
}

static void every_character_that_xml_has_comes_back(void **state)
{
        CLEANUP(buf_done) struct buf text, out;
        struct xml *root = NULL;

        buf_init(&text, MiB);
        buf_init(&out, MiB);
        buf_puts(&text, "\t\n\r");
        for (unsigned code = ' '; code < 0xFFFE; code++)
                if (code < 0xD800 || code > 0xDFFF)
                        put_character(&text, code);
        buf_puts(&text, "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"); /* U+10000, U+10FFFF */
        xmlw_document(&out, "r", NULL);
        xmlw_escaped(&out, buf_str(&text));
        xmlw_close(&out, "r");
        assert_true(buf_ok(&text) && buf_ok(&out));
        assert_int_equal(xml_parse(*state, buf_str(&out), out.len, &root), OK);
        assert_true(strcmp(root->text, buf_str(&text)) == 0);
}

/* Any bytes at all: the replacement stands in, and the text is well-formed. */
static void every_pair_of_bytes_can_be_read_back(void **state)
{
        CLEANUP(buf_done) struct buf out;
        struct ctx *ctx = *state;

        buf_init(&out, KiB);
        for (unsigned pair = 0; pair < 0x10000; pair++) {
                const char text[] = { 'a', (char)(pair >> 8), (char)pair, '\0' };
                struct xml *root = NULL;

                buf_reset(&out);
                xmlw_text(&out, "r", text);
                assert_int_equal(xml_parse(ctx, buf_str(&out), out.len, &root), OK);
                assert_int_equal(root->text[0], 'a');
                arena_reset(ctx->arena);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_document_is_a_line_and_its_elements),
                cmocka_unit_test(a_document_may_be_in_no_namespace),
                cmocka_unit_test(what_means_something_to_xml_is_escaped),
                cmocka_unit_test(what_xml_cannot_carry_is_replaced),
                cmocka_unit_test(a_full_buffer_is_told_at_the_end),
                FIXTURE_TEST(every_character_that_xml_has_comes_back),
                FIXTURE_TEST(every_pair_of_bytes_can_be_read_back),
        };

        return cmocka_run_group_tests_name("xmlw", tests, NULL, NULL);
}
