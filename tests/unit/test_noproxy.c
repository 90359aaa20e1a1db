#include "core/base/noproxy.h"
#include "tests/fixture.h"

struct noproxy_case {
        const char *list, *host;
        unsigned port;
        bool matches;
};

static void check(const struct noproxy_case *cases, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                bool matches = noproxy_matches(cases[i].list, cases[i].host, cases[i].port);

                if (matches != cases[i].matches)
                        print_error("\"%s\" %s %s:%u\n", cases[i].list,
                                    matches ? "matches" : "does not match", cases[i].host,
                                    cases[i].port);
                assert_int_equal(matches, cases[i].matches);
        }
}

static void a_name_stands_for_itself_and_all_below_it(void **state)
{
        static const struct noproxy_case cases[] = {
                { "example.com", "example.com", 443, true },
                { "example.com", "EXAMPLE.com", 443, true },
                { "Example.Com", "api.example.com", 443, true },
                { "example.com", "a.b.example.com", 443, true },
                { "example.com", "notexample.com", 443, false },
                { "example.com", "example.com.evil.net", 443, false },
                { "example.com", "com", 443, false },
                { "localhost", "localhost", 80, true },
                { "localhost", "127.0.0.1", 80, false },
                { "example.com", "example.com.", 443, true },
                { "example.com.", "example.com", 443, true },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

static void a_suffix_begins_with_a_dot_or_a_star(void **state)
{
        static const struct noproxy_case cases[] = {
                { ".example.com", "api.example.com", 443, true },
                { ".example.com", "example.com", 443, true },
                { ".example.com", "badexample.com", 443, false },
                { "*.example.com", "api.example.com", 443, true },
                { "*.example.com", "example.com", 443, false },
                { "*.example.com", "badexample.com", 443, false },
                { ".", "example.com", 443, false },
                { "*.", "example.com", 443, false },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

static void a_star_is_every_host(void **state)
{
        static const struct noproxy_case cases[] = {
                { "*", "example.com", 443, true },
                { "*", "::1", 443, true },
                { "corp.example, *", "anything.else", 80, true },
                { "", "example.com", 443, false },
                { " , ,", "example.com", 443, false },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

static void addresses_match_however_they_are_written(void **state)
{
        static const struct noproxy_case cases[] = {
                { "10.1.2.3", "10.1.2.3", 80, true },
                { "10.1.2.3", "10.1.2.30", 80, false },
                { "2.3", "10.1.2.3", 80, false },
                { ".1.2.3", "10.1.2.3", 80, false },
                { "2001:db8::1", "[2001:DB8:0:0::1]", 80, true },
                { "[2001:db8::1]", "2001:db8::1", 80, true },
                { "::1", "[::1]", 80, true },
                { "::ffff:10.0.0.7", "10.0.0.7", 80, true },
                { "10.0.0.7", "[::ffff:10.0.0.7]", 80, true },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

static void ranges_hold_addresses_but_no_names(void **state)
{
        static const struct noproxy_case cases[] = {
                { "10.0.0.0/8", "10.255.0.1", 80, true },
                { "10.0.0.0/8", "11.0.0.1", 80, false },
                { "192.168.1.0/24,172.16.0.0/12", "172.31.9.9", 80, true },
                { "0.0.0.0/0", "203.0.113.5", 80, true },
                { "0.0.0.0/0", "[2001:db8::1]", 80, false },
                { "2001:db8::/32", "[2001:db8:ffff::1]", 80, true },
                { "2001:db8::/32", "2001:db9::1", 80, false },
                { "10.0.0.0/8", "ten.example", 80, false },
                { "10.0.0.0/33", "10.0.0.1", 80, false },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

static void an_item_with_a_port_is_for_that_port_alone(void **state)
{
        static const struct noproxy_case cases[] = {
                { "example.com:8443", "example.com", 8443, true },
                { "example.com:8443", "example.com", 443, false },
                { "example.com:8443", "api.example.com", 8443, true },
                { "10.1.2.3:80", "10.1.2.3", 80, true },
                { "10.1.2.3:80", "10.1.2.3", 443, false },
                { "[::1]:80", "::1", 80, true },
                { "[::1]:80", "[::1]", 81, false },
                { "::1:80", "::1", 80, false }, /* an address of its own */
                { "example.com:", "example.com", 443, false },
                { "example.com:https", "example.com", 443, false },
                { ":443", "example.com", 443, false },
                { ":", "example.com", 443, false },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

static void items_are_separated_by_commas_and_blanks(void **state)
{
        static const struct noproxy_case cases[] = {
                { "localhost,127.0.0.1,.corp.example", "git.corp.example", 443, true },
                { "localhost 127.0.0.1\t.corp.example", "127.0.0.1", 443, true },
                { ",,localhost , ", "localhost", 443, true },
                { "local,host", "localhost", 443, false },
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_name_stands_for_itself_and_all_below_it),
                cmocka_unit_test(a_suffix_begins_with_a_dot_or_a_star),
                cmocka_unit_test(a_star_is_every_host),
                cmocka_unit_test(addresses_match_however_they_are_written),
                cmocka_unit_test(ranges_hold_addresses_but_no_names),
                cmocka_unit_test(an_item_with_a_port_is_for_that_port_alone),
                cmocka_unit_test(items_are_separated_by_commas_and_blanks),
        };

        return cmocka_run_group_tests_name("noproxy", tests, NULL, NULL);
}
