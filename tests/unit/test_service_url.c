#include <string.h>

#include "core/base/service_url.h"
#include "tests/fixture.h"

static struct service_url parse(struct ctx *ctx, const char *text)
{
        struct service_url url;

        if (!service_url_parse(ctx->arena, text, &url))
                fail_msg("%s is refused", text);
        return url;
}

static void every_part_is_read_and_decoded(void **state)
{
        struct ctx *ctx = *state;
        struct service_url url =
                parse(ctx, "mysql://us%65r:p%40ss%3A%2f@db.example:3307/na%20me?tls=1&socket=%2Fa");

        assert_string_equal(url.scheme, "mysql");
        assert_string_equal(url.user, "user");
        assert_string_equal(url.password, "p@ss:/");
        assert_string_equal(url.host, "db.example");
        assert_int_equal(url.port, 3307);
        assert_string_equal(url.path, "/na me");
        assert_string_equal(service_url_option(ctx->arena, &url, "tls"), "1");
        assert_string_equal(service_url_option(ctx->arena, &url, "socket"), "/a");
        assert_null(service_url_option(ctx->arena, &url, "sock"));
        assert_null(service_url_option(ctx->arena, &url, "nothing"));
}

static void parts_may_be_missing(void **state)
{
        struct service_url url = parse(*state, "redis://h");

        assert_null(url.user);
        assert_null(url.password);
        assert_string_equal(url.host, "h");
        assert_int_equal(url.port, 0);
        assert_string_equal(url.path, "");
        assert_string_equal(url.query, "");
        assert_string_equal(parse(*state, "unix:///run/redis.sock").host, "");
        assert_string_equal(parse(*state, "unix:///run/redis.sock").path, "/run/redis.sock");
}

static void a_password_needs_no_user(void **state)
{
        struct service_url url = parse(*state, "redis://:secret@h");

        assert_null(url.user);
        assert_string_equal(url.password, "secret");
        url = parse(*state, "redis://secret@h");
        assert_string_equal(url.user, "secret");
        assert_null(url.password);
        assert_string_equal(parse(*state, "redis://u:a@b@h").password, "a@b");
}

static void an_address_of_version_6_is_in_brackets(void **state)
{
        struct service_url url = parse(*state, "redis://[2001:db8::1]:6380/2");

        assert_string_equal(url.host, "2001:db8::1");
        assert_int_equal(url.port, 6380);
        assert_int_equal(parse(*state, "redis://[::1]").port, 0);
}

static void what_is_no_url_is_refused(void **state)
{
        static const char *const wrong[] = {
                "",
                "redis",
                "://h",
                "redis:h",
                "redis://h:",
                "redis://h:0",
                "redis://h:65536",
                "redis://h:6x",
                "redis://:6379",
                "redis://[::1",
                "redis://[::1]x",
                "redis://h/%",
                "redis://h/%4",
                "redis://h/%4g",
                "redis://h/%00",
                "redis://h/#x",
        };
        struct ctx *ctx = *state;
        struct service_url url;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                if (service_url_parse(ctx->arena, wrong[i], &url))
                        fail_msg("%s is accepted", wrong[i]);
        }
}

static void names_of_the_query_can_be_checked(void **state)
{
        static const char *const names[] = { "tls", "socket", NULL };
        struct service_url url = parse(*state, "mysql://h/d?tls=1&socket=/x");

        assert_true(service_url_has_only(&url, names));
        url = parse(*state, "mysql://h/d?tls=1&socke=/x");
        assert_false(service_url_has_only(&url, names));
        url = parse(*state, "mysql://h/d");
        assert_true(service_url_has_only(&url, names));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(every_part_is_read_and_decoded),
                FIXTURE_TEST(parts_may_be_missing),
                FIXTURE_TEST(a_password_needs_no_user),
                FIXTURE_TEST(an_address_of_version_6_is_in_brackets),
                FIXTURE_TEST(what_is_no_url_is_refused),
                FIXTURE_TEST(names_of_the_query_can_be_checked),
        };

        return cmocka_run_group_tests_name("service URL", tests, NULL, NULL);
}
