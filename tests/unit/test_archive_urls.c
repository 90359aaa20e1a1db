#include <string.h>

#include "core/cloud/archive/archive_urls.h"
#include "core/cloud/storage/object_path.h"
#include "tests/fixture.h"

static const json_t *json(struct ctx *ctx, const char *text)
{
        json_t *parsed = NULL;

        assert_int_equal(json_parse(ctx, "text", text, strlen(text), &parsed), OK);
        assert_int_equal(json_keep(ctx, parsed), OK);
        return parsed;
}

static struct archive_urls collected(struct ctx *ctx, const json_t *output)
{
        struct archive_urls urls;

        assert_int_equal(archive_urls_collect(ctx, output, &urls), OK);
        return urls;
}

/* The key of the only URL, without what all keys begin with. */
static const char *name_of(struct ctx *ctx, const char *url)
{
        json_t *output = json_string(url);
        struct archive_urls urls;

        assert_int_equal(json_keep(ctx, output), OK);
        urls = collected(ctx, output);
        assert_int_equal(urls.count, 1);
        assert_int_equal(object_key_check(ctx, urls.items[0].key), OK);
        return urls.items[0].key + strlen(ARCHIVE_OUTPUTS);
}

static void urls_are_found_depth_first_and_once(void **state)
{
        static const char *const expected[] = { "https://a/1", "https://a/2", "http://a/3",
                                                "https://a/4" };
        struct archive_urls urls = collected(
                *state, json(*state, "{\"x\":[\"https://a/1\",{\"y\":\"https://a/2\"},7],"
                                     "\"z\":[[\"http://a/3\"],\"https://a/1\",\"ftp://a/5\",null],"
                                     "\"t\":\"https://a/4\"}"));

        assert_int_equal(urls.count, ARRAY_SIZE(expected));
        for (size_t i = 0; i < urls.count; i++)
                assert_string_equal(urls.items[i].url, expected[i]);
        assert_int_equal(urls.left_out, 0);
}

static void an_output_without_urls_is_empty(void **state)
{
        assert_int_equal(collected(*state, NULL).count, 0);
        assert_int_equal(collected(*state, json(*state, "[1, null, \"text\", {}]")).count, 0);
}

static void only_so_many_files_are_taken(void **state)
{
        json_t *list = json_array();
        struct archive_urls urls;

        for (unsigned i = 0; i < ARCHIVE_FILES_MAX + 3; i++)
                assert_int_equal(
                        json_array_append_new(list, json_sprintf("https://a.example/%u", i)), 0);
        assert_int_equal(json_keep(*state, list), OK);
        urls = collected(*state, list);
        assert_int_equal(urls.count, ARCHIVE_FILES_MAX);
        assert_int_equal(urls.left_out, 3);
}

static void a_signature_is_for_nobodys_eyes(void **state)
{
        struct archive_urls urls =
                collected(*state, json(*state, "[\"https://a.example/b.png?sig=1#f\"]"));

        assert_string_equal(urls.items[0].url, "https://a.example/b.png?sig=1#f");
        assert_string_equal(urls.items[0].bare, "https://a.example/b.png");
        assert_string_equal(urls.items[0].key, "archive/outputs/b.png");
}

static void names_are_safe_whatever_the_url(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(name_of(ctx, "https://a.example/x/weights.safetensors"),
                            "weights.safetensors");
        assert_string_equal(name_of(ctx, "https://a.example/my%20file.png"), "my file.png");
        assert_string_equal(name_of(ctx, "https://a.example/%C3%BC.png"), "\xc3\xbc.png");
        assert_string_equal(name_of(ctx, "https://a.example/%fc.png"), "_.png");
        assert_string_equal(name_of(ctx, "https://a.example/a%2fb%5cc%00d%0ae"), "a_b_c");
        assert_string_equal(name_of(ctx, "https://a.example/a%2fb%5cc%0ad"), "a_b_c_d");
        assert_string_equal(name_of(ctx, "https://a.example/.."), "_.");
        assert_string_equal(name_of(ctx, "https://a.example/%2e%2e"), "_.");
        assert_string_equal(name_of(ctx, "https://a.example/.hidden"), "_hidden");
        assert_string_equal(name_of(ctx, "https://a.example/"), "output");
        assert_string_equal(name_of(ctx, "https://a.example"), "output");
        assert_string_equal(name_of(ctx, "https://a.example/100%"), "100%");
        assert_string_equal(name_of(ctx, "https://a.example/100%2"), "100%2");
}

static void of_a_long_name_the_extension_stays(void **state)
{
        struct ctx *ctx = *state;
        char url[1000] = "https://a.example/a";
        const char *name;

        for (size_t at = strlen(url); at < 900; at += 6)
                memcpy(url + at, "%c3%bc", 7);
        memcpy(url + strlen(url), ".png", 5);
        name = name_of(ctx, url);
        assert_in_range(strlen(name), 190, OBJECT_SEGMENT_MAX - 10);
        assert_string_equal(name + strlen(name) - 4, ".png");
}

static void equal_names_are_told_apart(void **state)
{
        struct archive_urls urls =
                collected(*state, json(*state, "[\"https://a/2-x\",\"https://a/1/x\","
                                               "\"https://a/2/x\",\"https://a/3/x\"]"));

        assert_string_equal(urls.items[1].key, "archive/outputs/x");
        assert_string_equal(urls.items[2].key, "archive/outputs/3-x");
        assert_string_equal(urls.items[3].key, "archive/outputs/4-x");
}

static void an_origin_is_scheme_host_and_port(void **state)
{
        static const char base[] = "https://api.example.com/v1";

        (void)state;
        assert_true(archive_url_same_origin("https://api.example.com/x", base));
        assert_true(archive_url_same_origin("https://API.example.com:443", base));
        assert_true(archive_url_same_origin("https://[::1]:9443/x", "https://[::1]:9443/v1"));
        assert_true(archive_url_same_origin("http://[::1]/x", "http://[::1]:80/v1"));
        assert_false(archive_url_same_origin("http://api.example.com/x", base));
        assert_false(archive_url_same_origin("https://api.example.com:444/x", base));
        assert_false(archive_url_same_origin("https://api.example.com.evil.com/", base));
        assert_false(archive_url_same_origin("https://api.example.com@evil.com/", base));
        assert_false(archive_url_same_origin("https://evil.com\\@api.example.com/", base));
        assert_false(archive_url_same_origin("https://evil.com/https://api.example.com/", base));
        assert_false(archive_url_same_origin("https://api.example.co/", base));
        assert_false(archive_url_same_origin("https://api.example.com\t/", base));
        assert_false(archive_url_same_origin("https:///x", "https:///v1"));
}

static void only_public_https_looks_public(void **state)
{
        static const char *const good[] = { "https://replicate.delivery/xezq/a",
                                            "https://a.example:8443/x?y@z", "https://8.8.8.8/x",
                                            "https://[2606:4700::1111]/x" };
        static const char *const bad[] = {
                "http://replicate.delivery/a",
                "https://localhost/x",
                "https://intranet/x",
                "https://127.0.0.1/x",
                "https://10.1.2.3:443/x",
                "https://127.1/x",
                "https://0x7f.0.0.0x1/x",
                "https://2130706433/x",
                "https://[::1]/x",
                "https://[::ffff:10.0.0.1]/x",
                "https://169.254.169.254/x",
                "https://user@a.example/x",
                "https://a.example./x",
                "https://\xc3\xbc.example/x",

                "https://.example/x",
                "file:///etc/passwd",
                "https://a.exam ple/x",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                if (!archive_url_looks_public(good[i]))
                        fail_msg("refused: %s", good[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                if (archive_url_looks_public(bad[i]))
                        fail_msg("taken: %s", bad[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(urls_are_found_depth_first_and_once),
                FIXTURE_TEST(an_output_without_urls_is_empty),
                FIXTURE_TEST(only_so_many_files_are_taken),
                FIXTURE_TEST(a_signature_is_for_nobodys_eyes),
                FIXTURE_TEST(names_are_safe_whatever_the_url),
                FIXTURE_TEST(of_a_long_name_the_extension_stays),
                FIXTURE_TEST(equal_names_are_told_apart),
                FIXTURE_TEST(an_origin_is_scheme_host_and_port),
                FIXTURE_TEST(only_public_https_looks_public),
        };

        return cmocka_run_group_tests_name("archive urls", tests, NULL, NULL);
}
