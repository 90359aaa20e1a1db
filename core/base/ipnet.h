/* Addresses and ranges: parsing, matching, printing. IPv4-mapped IPv6 counts as IPv4 everywhere,
 * so ::ffff:10.0.0.7 is in 10.0.0.0/8. No DNS. */
#ifndef CORE_BASE_IPNET_H
#define CORE_BASE_IPNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipaddr {
        uint8_t family; /* 4, 6, or 0 for "no address" */
        uint8_t bytes[16];
};

struct ipnet {
        struct ipaddr addr;
        uint8_t prefix; /* bits that count */
};

#define IPADDR_TEXT_SIZE 46

/* "10.0.0.7", "2001:db8::1", "[2001:db8::1]", "::ffff:10.0.0.7"; with port ("10.0.0.7:80",
 * "[::1]:80") only by ipaddr_parse_host. No zone ids, no leading zeros. False: not an address. */
bool ipaddr_parse(const char *text, size_t len, struct ipaddr *ret);
bool ipaddr_parse_host(const char *text, size_t len, struct ipaddr *ret);
/* Canonical text (RFC 5952). */
void ipaddr_format(const struct ipaddr *addr, char ret_text[IPADDR_TEXT_SIZE]);
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_is_loopback(const struct ipaddr *addr); /* 127.0.0.0/8, ::1 */
/* Who is counted as one: an IPv4 address; of an IPv6 one the /64, for that is what one customer may
 * choose from freely (RFC 6177). */
struct ipaddr ipaddr_network(const struct ipaddr *addr);
/* The same as text: "203.0.113.7", "2001:db8::/64", and "unknown" where there is no address. */
#define IPADDR_SOURCE_SIZE (IPADDR_TEXT_SIZE + 4)
void ipaddr_source(const struct ipaddr *addr, char ret_text[IPADDR_SOURCE_SIZE]);
/* Out in the world: none of the ranges that the registries set aside (IANA special-purpose address
 * registries, RFC 6890): private, loopback, link-local, shared, documentation, multicast ... */
bool ipaddr_is_public(const struct ipaddr *addr);
/* From a struct sockaddr of either family. False: of another. */
bool ipaddr_from_sockaddr(const void *sockaddr, struct ipaddr *ret);

/* "10.0.0.0/8" or a single address; host bits may be set. False: not a range. */
bool ipnet_parse(const char *text, size_t len, struct ipnet *ret);
bool ipnet_contains(const struct ipnet *net, const struct ipaddr *addr);

/* A list of ranges separated by commas and blanks. Returns how many were stored, or -1: an item is
 * not a range or there are more than max; *ret_bad then points at that item. */
int ipnet_parse_list(const char *text, struct ipnet *ret_nets, size_t max, const char **ret_bad);
bool ipnet_list_contains(const struct ipnet *nets, size_t count, const struct ipaddr *addr);

/* Who really asks (decisions 2): peer, unless it is trusted; then X-Forwarded-For is walked from
 * the right past trusted hops, and the first untrusted address is the client. An item that is not
 * an address ends the walk at the last good one. forwarded may be NULL or "". */
struct ipaddr ipnet_client(const struct ipaddr *peer, const char *forwarded,
                           const struct ipnet *trusted, size_t count);

#endif
