#include <string.h>

#include "core/base/buf.h"
#include "core/base/xml.h"
#include "tests/fixture.h"

static const struct xml *parsed(struct ctx *ctx, const char *text)
{
        struct xml *root = NULL;

        assert_int_equal(xml_parse(ctx, text, strlen(text), &root), OK);
        assert_non_null(root);
        return root;
}

/* Refused, for a reason that holds these words. */
static void assert_refused(struct ctx *ctx, const char *text, const char *why)
{
        struct xml untouched, *root = &untouched;

        ctx->detail[0] = '\0';
        assert_int_equal(xml_parse(ctx, text, strlen(text), &root), ERR_INVALID);
        assert_ptr_equal(root, &untouched);
        if (!strstr(ctx->detail, why))
                fail_msg("%s: \"%s\" instead of \"%s\"", text, ctx->detail, why);
}

static const char *text_in_root(struct ctx *ctx, const char *inside)
{
        return parsed(ctx, arena_printf(ctx->arena, "<r>%s</r>", inside))->text;
}

static void elements_become_a_tree_in_their_order(void **state)
{
        const struct xml *root = parsed(*state, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                                "<Upload>\n"
                                                "  <Part><N>1</N><ETag>a</ETag></Part>\n"
                                                "  <Part><N>2</N></Part>\n"
                                                "  <Empty/>\n"
                                                "</Upload>\n");
        const struct xml *part = root->child;

        assert_string_equal(root->name, "Upload");
        assert_string_equal(root->text, "");
        assert_null(root->next);
        assert_string_equal(part->name, "Part");
        assert_string_equal(xml_text(part, "N"), "1");
        assert_string_equal(xml_text(part, "ETag"), "a");
        assert_string_equal(xml_text(part->next, "N"), "2");
        assert_null(xml_text(part->next, "ETag"));
        assert_ptr_equal(xml_child(root, "Part"), part);
        assert_ptr_equal(xml_child(root, "Empty"), part->next->next);
        assert_string_equal(xml_text(root, "Empty"), "");
        assert_null(part->next->next->next);
        assert_null(xml_child(root, "part"));
}

static void text_is_kept_as_it_stands(void **state)
{
        assert_string_equal(text_in_root(*state, " a\n b\t"), " a\n b\t");
        assert_string_equal(text_in_root(*state, "  "), "  ");
        assert_string_equal(
                text_in_root(*state, "\"1\" &lt;&amp;&gt;&quot;&apos; &#65;&#x42;&#xD;"),
                "\"1\" <&>\"' AB\r");
        assert_string_equal(text_in_root(*state, "a<![CDATA[<b> & ]]]>c"), "a<b> & ]c");
        assert_string_equal(text_in_root(*state, "a<!-- no -->b<?no no?>c"), "abc");
        assert_string_equal(text_in_root(*state, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x91"),
                            "gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x91");
        assert_string_equal(text_in_root(*state, "&#x1F411;"), "\xF0\x9F\x90\x91");
}

static void namespaces_and_attributes_are_passed_over(void **state)
{
        const struct xml *root = parsed(
                *state, "<s3:Tagging xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\" "
                        "xmlns=\"urn:x\" s3:id='&lt;1'><TagSet a=\"b\"><s3:Key>k</s3:Key></TagSet>"
                        "</s3:Tagging>");

        assert_string_equal(root->name, "Tagging");
        assert_string_equal(xml_text(xml_child(root, "TagSet"), "Key"), "k");
        assert_refused(*state, "<s3:Tagging/>", "unbound prefix");
}

static void other_encodings_come_out_as_utf8(void **state)
{
        static const char utf16[] = "\xFE\xFF\0<\0r\0>\0\xFC\0<\0/\0r\0>";
        struct xml *root = NULL;

        assert_string_equal(
                parsed(*state, "<?xml version='1.0' encoding='ISO-8859-1'?><r>\xFC</r>")->text,
                "\xC3\xBC");
        assert_int_equal(xml_parse(*state, utf16, sizeof(utf16) - 1, &root), OK);
        assert_string_equal(root->text, "\xC3\xBC");
        assert_refused(*state, "<?xml version='1.0' encoding='EBCDIC'?><r/>", "encoding");
}

static void what_is_not_well_formed_is_refused(void **state)
{
        static const char *const bad[] = {
                "",
                " ",
                "text",
                "<",
                "<a",
                "<a>",
                "<a><b></a>",
                "<a></b>",
                "<a/><b/>",
                "<a/>text",
                "<a b=c/>",
                "<a b='1' b='2'/>",
                "<a>&nbsp;</a>",
                "<a>&</a>",
                "<a>&#0;</a>",
                "<a>&#x1;</a>",
                "<a>&#xD800;</a>",
                "<a>&#xFFFFFFFFFF41;</a>",
                "<a>\x01</a>",
                "<a>\xC3</a>",
                "<a>\xC0\x80</a>",
                "<a>\xED\xA0\x80</a>",
                "<a>]]></a>",
                "<a><![CDATA[</a>",
                "<a><!-- -- --></a>",
                " <?xml version='1.0'?><a/>",
                "{\"a\": 1}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_refused(*state, bad[i], "is not well-formed");
}

static void a_nul_byte_is_refused(void **state)
{
        static const char text[] = "<a>b\0c</a>";
        struct xml *root = NULL;

        assert_int_equal(xml_parse(*state, text, sizeof(text) - 1, &root), ERR_INVALID);
}

static void a_doctype_is_refused_whatever_is_in_it(void **state)
{
        assert_refused(*state, "<!DOCTYPE r><r/>", "DOCTYPE");
        assert_refused(*state, "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><r/>", "DOCTYPE");
        assert_refused(*state, "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r>&x;</r>",
                       "DOCTYPE");
        assert_refused(*state, "<!DOCTYPE r [<!ENTITY % x SYSTEM \"http://localhost/x\"> %x;]><r/>",
                       "DOCTYPE");
        assert_refused(*state,
                       "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\">"
                       "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
                       "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
                       "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">]><r>&d;</r>",
                       "DOCTYPE");
}

static void text_beside_elements_is_refused(void **state)
{
        assert_refused(*state, "<r>a<b/></r>", "mixes");
        assert_refused(*state, "<r><b/>a</r>", "mixes");
        assert_refused(*state, "<r><b/>&#xA0;<b/></r>", "mixes");
}

static void nesting_ends_at_the_depth_allowed(void **state)
{
        const struct xml *at = parsed(*state, "<a><a><a><a><a><a><a><a>x</a></a></a></a></a></a>"
                                              "</a></a>");

        for (int depth = 1; depth < XML_DEPTH_MAX; depth++)
                at = at->child;
        assert_string_equal(at->text, "x");
        assert_refused(*state, "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
                       "too deeply");
}

/* A root around so many copies of what. */
static const char *repeated(struct buf *buf, const char *what, size_t times)
{
        buf_init(buf, 8 * MiB);
        buf_puts(buf, "<r>");
        while (times-- > 0)
                buf_puts(buf, what);
        buf_puts(buf, "</r>");
        assert_true(buf_ok(buf));
        return buf_str(buf);
}

static void as_many_elements_as_allowed_are_read(void **state)
{
        CLEANUP(buf_done) struct buf buf;
        const struct xml *at = parsed(*state, repeated(&buf, "<a>1</a>", XML_NODES_MAX - 1));
        size_t count = 0;

        for (at = at->child; at; at = at->next)
                count++;
        assert_int_equal(count, XML_NODES_MAX - 1);
}

static void one_element_more_is_refused(void **state)
{
        CLEANUP(buf_done) struct buf buf;

        assert_refused(*state, repeated(&buf, "<a>1</a>", XML_NODES_MAX), "too many");
}

static void text_may_fill_what_is_allowed_but_no_more(void **state)
{
        CLEANUP(buf_done) struct buf buf, more;

        assert_int_equal(strlen(parsed(*state, repeated(&buf, "x", XML_SIZE_MAX - 7))->text),
                         XML_SIZE_MAX - 7);
        assert_refused(*state, repeated(&more, "x", XML_SIZE_MAX - 6), "larger");
}

static void memory_running_out_is_a_fault(void **state)
{
        static const char text[] = "<a><b>c</b></a>";
        struct ctx *ctx = *state;
        struct xml *root = NULL;
        unsigned failures = 0;

        for (unsigned n = 1; n <= 6; n++) { /* a node, its name; the same and text; one beyond */
                arena_fail_after(ctx->arena, n);
                failures += xml_parse(ctx, text, sizeof(text) - 1, &root) == ERR_NOMEM;
        }
        arena_fail_after(ctx->arena, 0);
        assert_int_equal(failures, 5);
        assert_string_equal(xml_text(root, "b"), "c");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(elements_become_a_tree_in_their_order),
                FIXTURE_TEST(text_is_kept_as_it_stands),
                FIXTURE_TEST(namespaces_and_attributes_are_passed_over),
                FIXTURE_TEST(other_encodings_come_out_as_utf8),
                FIXTURE_TEST(what_is_not_well_formed_is_refused),
                FIXTURE_TEST(a_nul_byte_is_refused),
                FIXTURE_TEST(a_doctype_is_refused_whatever_is_in_it),
                FIXTURE_TEST(text_beside_elements_is_refused),
                FIXTURE_TEST(nesting_ends_at_the_depth_allowed),
                FIXTURE_TEST(as_many_elements_as_allowed_are_read),
                FIXTURE_TEST(one_element_more_is_refused),
                FIXTURE_TEST(text_may_fill_what_is_allowed_but_no_more),
                FIXTURE_TEST(memory_running_out_is_a_fault),
        };

        return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
