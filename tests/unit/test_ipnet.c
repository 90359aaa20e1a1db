#include <string.h>

#include "core/base/ipnet.h"
#include "tests/fixture.h"

static bool parse(const char *text, struct ipaddr *ret)
{
        return ipaddr_parse(text, strlen(text), ret);
}

static struct ipaddr addr(const char *text)
{
        struct ipaddr parsed = { 0 };

        assert_true(parse(text, &parsed));
        return parsed;
}

static const char *shown(struct ipaddr parsed)
{
        static char text[IPADDR_TEXT_SIZE];

        ipaddr_format(&parsed, text);
        return text;
}

static bool in(const char *range, const char *address)
{
        struct ipaddr parsed = addr(address);
        struct ipnet net;

        assert_true(ipnet_parse(range, strlen(range), &net));
        return ipnet_contains(&net, &parsed);
}

static void addresses_read_and_print_in_canonical_form(void **state)
{
        (void)state;
        assert_string_equal(shown(addr("10.0.0.7")), "10.0.0.7");
        assert_string_equal(shown(addr("2001:0DB8:0:0:0:0:0:1")), "2001:db8::1");
        assert_string_equal(shown(addr("[2001:db8::1]")), "2001:db8::1");
        assert_string_equal(shown(addr("::")), "::");
        assert_string_equal(shown((struct ipaddr){ 0 }), "");
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
        struct ipaddr a = addr("::ffff:10.0.0.7"), b = addr("10.0.0.7"), c = addr("::ffff:a00:7");

        (void)state;
        assert_true(ipaddr_equal(&a, &b));
        assert_true(ipaddr_equal(&c, &b));
        assert_string_equal(shown(a), "10.0.0.7");
        assert_true(in("10.0.0.0/8", "::ffff:10.0.0.7"));
        assert_true(in("::ffff:10.0.0.0/104", "10.0.0.7"));
        assert_true(in("::ffff:0:0/96", "192.0.2.1"));
}

static void what_is_no_address_is_refused(void **state)
{
        static const char *const wrong[] = {
                "",
                " 10.0.0.7",
                "10.0.0.7 ",
                "10.0.0",
                "10.0.0.256",
                "010.0.0.7",
                "10.0.0.07",
                "0x0a.0.0.7",
                "10.0.0.7.1",
                "167772167",
                "10.0.0.7:80",
                "localhost",
                "unknown",
                "fe80::1%eth0",
                "[10.0.0.7]",
                "[::1",
                "::1]",
                "[]",
                "[[::1]]",
                ":::1",
                "1::2::3",
                "12345::",
                "::ffff:10.0.0.256",
                "-1.0.0.0",
                "1111:2222:3333:4444:5555:6666:7777:8888:9999",
        };
        struct ipaddr untouched = { .family = 42 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(parse(wrong[i], &untouched));
        assert_false(ipaddr_parse("10.0.0.7\0", 9, &untouched));
        assert_false(ipaddr_parse("10.0\0.0.7", 9, &untouched));
        assert_int_equal(untouched.family, 42);
}

static bool parse_host(const char *text, struct ipaddr *ret)
{
        return ipaddr_parse_host(text, strlen(text), ret);
}

static void hosts_may_carry_a_port(void **state)
{
        struct ipaddr parsed;

        (void)state;
        assert_true(parse_host("10.0.0.7:65535", &parsed));
        assert_string_equal(shown(parsed), "10.0.0.7");
        assert_true(parse_host("[2001:db8::1]:443", &parsed));
        assert_string_equal(shown(parsed), "2001:db8::1");
        assert_true(parse_host("[2001:db8::1]", &parsed));
        assert_true(parse_host("2001:db8::1", &parsed));
        assert_true(parse_host("::1", &parsed));
        assert_true(parse_host("10.0.0.7", &parsed));
}

static void a_wrong_port_makes_no_host(void **state)
{
        static const char *const wrong[] = { "10.0.0.7:",      "10.0.0.7:x",    "10.0.0.7:65536",
                                             "10.0.0.7:080",   "[::1]:",        "[::1]:-1",
                                             "[::1]x:80",      "[::1]80",       ":80",
                                             "10.0.0.7:80:80", "example.com:80" };
        struct ipaddr parsed;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(parse_host(wrong[i], &parsed));
}

static void loopback_is_all_of_127_and_the_one_of_ipv6(void **state)
{
        static const struct {
                const char *text;
                bool loopback;
        } cases[] = {
                { "127.0.0.1", true },    { "127.255.3.4", true },
                { "::1", true },          { "::ffff:127.0.0.1", true },
                { "128.0.0.1", false },   { "::2", false },
                { "::", false },          { "0.0.0.0", false },
                { "::127.0.0.1", false },
        };
        struct ipaddr none = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct ipaddr parsed = addr(cases[i].text);

                assert_int_equal(ipaddr_is_loopback(&parsed), cases[i].loopback);
        }
        assert_false(ipaddr_is_loopback(&none));
}

static void a_range_holds_the_addresses_of_its_prefix(void **state)
{
        (void)state;
        assert_true(in("10.0.0.0/8", "10.255.255.255"));
        assert_false(in("10.0.0.0/8", "11.0.0.0"));
        assert_true(in("192.0.2.128/25", "192.0.2.200"));
        assert_false(in("192.0.2.128/25", "192.0.2.127"));
        assert_true(in("192.0.2.200/25", "192.0.2.129")); /* host bits may be set */
        assert_true(in("0.0.0.0/0", "255.1.2.3"));
        assert_true(in("192.0.2.7", "192.0.2.7"));
        assert_false(in("192.0.2.7", "192.0.2.6"));
        assert_true(in("2001:db8::/33", "2001:db8:7fff::1"));
        assert_false(in("2001:db8::/33", "2001:db8:8000::1"));
        assert_true(in("::1", "::1"));
}

static void families_do_not_mix(void **state)
{
        struct ipaddr none = { 0 };
        struct ipnet all = { .addr = { .family = 4 } };

        (void)state;
        assert_false(in("::/0", "10.0.0.7"));
        assert_false(in("0.0.0.0/0", "2001:db8::1"));
        assert_false(ipnet_contains(&all, &none));
}

static void what_is_no_range_is_refused(void **state)
{
        static const char *const wrong[] = { "",
                                             "/8",
                                             "10.0.0.0/",
                                             "10.0.0.0/33",
                                             "10.0.0.0/-1",
                                             "10.0.0.0/08",
                                             "10.0.0.0/8 ",
                                             "10.0.0.0/8/8",
                                             "::/129",
                                             "10.0.0.0/+8",
                                             "10.0.0.0/999999999999",
                                             "10.0.0.0/255.0.0.0",
                                             "::ffff:10.0.0.0/8",
                                             "any" };
        struct ipnet net;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(ipnet_parse(wrong[i], strlen(wrong[i]), &net));
        assert_false(ipnet_parse("10.0.0.0/8\0", 11, &net));
}

static void lists_are_separated_by_commas_and_blanks(void **state)
{
        const char *bad = NULL;
        struct ipnet nets[3];
        struct ipaddr hit = addr("192.0.2.1"), miss = addr("192.0.2.2");

        (void)state;
        assert_int_equal(ipnet_parse_list(" 10.0.0.0/8,, ::1\t192.0.2.1 ,", nets, 3, &bad), 3);
        assert_true(ipnet_list_contains(nets, 3, &hit));
        assert_false(ipnet_list_contains(nets, 3, &miss));
        assert_int_equal(ipnet_parse_list("", nets, 3, &bad), 0);
        assert_int_equal(ipnet_parse_list(" , ", nets, 3, &bad), 0);
        assert_null(bad);
}

static void the_bad_item_of_a_list_is_pointed_at(void **state)
{
        const char *bad = NULL;
        struct ipnet nets[2];

        (void)state;
        assert_int_equal(ipnet_parse_list("10.0.0.0/8, nonsense", nets, 2, &bad), -1);
        assert_string_equal(bad, "nonsense");
        assert_int_equal(ipnet_parse_list("::1 ::2 ::3", nets, 2, &bad), -1);
        assert_string_equal(bad, "::3");
}

/* The client of a request from peer, when loopback and 10.0.0.0/8 are trusted. */
static const char *client(const char *peer, const char *forwarded)
{
        struct ipaddr from = addr(peer);
        struct ipnet trusted[3];
        const char *bad;

        assert_int_equal(ipnet_parse_list("127.0.0.0/8 ::1 10.0.0.0/8", trusted, 3, &bad), 3);
        return shown(ipnet_client(&from, forwarded, trusted, 3));
}

static void an_untrusted_peer_is_the_client_whatever_it_says(void **state)
{
        (void)state;
        assert_string_equal(client("192.0.2.1", "203.0.113.9"), "192.0.2.1");
        assert_string_equal(client("192.0.2.1", "127.0.0.1"), "192.0.2.1");
}

static void behind_one_proxy_the_client_is_the_only_element(void **state)
{
        (void)state;
        assert_string_equal(client("127.0.0.1", "203.0.113.9"), "203.0.113.9");
        assert_string_equal(client("::1", " 2001:db8::9 "), "2001:db8::9");
        assert_string_equal(client("::ffff:127.0.0.1", "203.0.113.9:4711"), "203.0.113.9");
        assert_string_equal(client("127.0.0.1", "[2001:db8::9]:4711"), "2001:db8::9");
        assert_string_equal(client("127.0.0.1", "::ffff:203.0.113.9"), "203.0.113.9");
}

static void trusted_hops_are_walked_from_the_right(void **state)
{
        (void)state;
        assert_string_equal(client("127.0.0.1", "203.0.113.9, 10.0.0.1,10.0.0.2"), "203.0.113.9");
        assert_string_equal(client("127.0.0.1", "203.0.113.9,\t10.0.0.1"), "203.0.113.9");
}

static void what_the_client_itself_wrote_is_not_believed(void **state)
{
        (void)state;
        assert_string_equal(client("127.0.0.1", "127.0.0.1, 203.0.113.9"), "203.0.113.9");
        assert_string_equal(client("127.0.0.1", "10.9.9.9, 203.0.113.9, 10.0.0.1"), "203.0.113.9");
        assert_string_equal(client("127.0.0.1", "garbage, 203.0.113.9"), "203.0.113.9");
}

static void a_chain_of_trusted_hops_only_ends_at_its_first(void **state)
{
        (void)state;
        assert_string_equal(client("127.0.0.1", "10.0.0.1, 10.0.0.2"), "10.0.0.1");
}

static void an_item_that_is_no_address_ends_the_walk(void **state)
{
        (void)state;
        assert_string_equal(client("127.0.0.1", "203.0.113.9, unknown"), "127.0.0.1");
        assert_string_equal(client("127.0.0.1", "203.0.113.9, _hidden, 10.0.0.1"), "10.0.0.1");
        assert_string_equal(client("127.0.0.1", "203.0.113.9,"), "127.0.0.1");
        assert_string_equal(client("127.0.0.1", "203.0.113.9,,10.0.0.1"), "10.0.0.1");
}

static void without_forwarding_the_peer_is_the_client(void **state)
{
        struct ipaddr peer = addr("127.0.0.1"), none = { 0 };

        (void)state;
        assert_string_equal(client("127.0.0.1", NULL), "127.0.0.1");
        assert_string_equal(client("127.0.0.1", ""), "127.0.0.1");
        assert_string_equal(client("127.0.0.1", "  "), "127.0.0.1");
        assert_string_equal(shown(ipnet_client(&peer, "192.0.2.1", NULL, 0)), "127.0.0.1");
        assert_int_equal(ipnet_client(&none, "192.0.2.1", NULL, 0).family, 0);
}

static void a_source_is_an_ipv4_address_or_a_64(void **state)
{
        static const char *const cases[][2] = {
                { "203.0.113.7", "203.0.113.7" },
                { "::ffff:203.0.113.7", "203.0.113.7" },
                { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
                { "2001:db8:1:2::", "2001:db8:1:2::/64" },
                { "::1", "::/64" },
        };
        char source[IPADDR_SOURCE_SIZE];
        struct ipaddr addr;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_true(ipaddr_parse(cases[i][0], strlen(cases[i][0]), &addr));
                ipaddr_source(&addr, source);
                assert_string_equal(source, cases[i][1]);
        }
        ipaddr_source(&(struct ipaddr){ 0 }, source);
        assert_string_equal(source, "unknown");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_read_and_print_in_canonical_form),
                cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
                cmocka_unit_test(what_is_no_address_is_refused),
                cmocka_unit_test(hosts_may_carry_a_port),
                cmocka_unit_test(a_wrong_port_makes_no_host),
                cmocka_unit_test(loopback_is_all_of_127_and_the_one_of_ipv6),
                cmocka_unit_test(a_range_holds_the_addresses_of_its_prefix),
                cmocka_unit_test(families_do_not_mix),
                cmocka_unit_test(what_is_no_range_is_refused),
                cmocka_unit_test(lists_are_separated_by_commas_and_blanks),
                cmocka_unit_test(the_bad_item_of_a_list_is_pointed_at),
                cmocka_unit_test(an_untrusted_peer_is_the_client_whatever_it_says),
                cmocka_unit_test(behind_one_proxy_the_client_is_the_only_element),
                cmocka_unit_test(trusted_hops_are_walked_from_the_right),
                cmocka_unit_test(what_the_client_itself_wrote_is_not_believed),
                cmocka_unit_test(a_chain_of_trusted_hops_only_ends_at_its_first),
                cmocka_unit_test(an_item_that_is_no_address_ends_the_walk),
                cmocka_unit_test(without_forwarding_the_peer_is_the_client),
                cmocka_unit_test(a_source_is_an_ipv4_address_or_a_64),
        };

        return cmocka_run_group_tests_name("ipnet", tests, NULL, NULL);
}
