#include "core/base/ipnet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"
#define HOST_BYTES 8 /* of a /64 */

static size_t addr_size(const struct ipaddr *addr)
{
        return addr->family == 4 ? 4 : 16;
}

/* A mapped address becomes the IPv4 address it means. */
static void unmap(struct ipaddr *addr)
{
        static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };

        if (addr->family != 6 || memcmp(addr->bytes, mapped, sizeof(mapped)) != 0)
                return;
        addr->family = 4;
        memmove(addr->bytes, addr->bytes + sizeof(mapped), 4);
        memset(addr->bytes + 4, 0, 12);
}

/* As written, mapped addresses included. A NUL inside is no address; inet_pton itself refuses
 * blanks, zone ids and leading zeros. */
static bool parse_as_written(const char *text, size_t len, struct ipaddr *ret)
{
        struct ipaddr addr = { 0 };
        char copy[IPADDR_TEXT_SIZE];

        if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
                text++;
                len -= 2;
                if (!memchr(text, ':', len))
                        return false;
        }
        if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len))
                return false;
        memcpy(copy, text, len);
        copy[len] = '\0';
        addr.family = memchr(text, ':', len) ? 6 : 4;
        if (inet_pton(addr.family == 6 ? AF_INET6 : AF_INET, copy, addr.bytes) != 1)
                return false;
        *ret = addr;
        return true;
}

bool ipaddr_parse(const char *text, size_t len, struct ipaddr *ret)
{
        if (!parse_as_written(text, len, ret))
                return false;
        unmap(ret);
        return true;
}

/* Decimal digits only, no leading zero, at most max. */
static bool parse_number(const char *text, size_t len, unsigned max, unsigned *ret)
{
        unsigned value = 0;

        if (len == 0 || len > 5 || (len > 1 && text[0] == '0'))
                return false;
        for (size_t i = 0; i < len; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                value = value * 10 + (unsigned)(text[i] - '0');
        }
        *ret = value;
        return value <= max;
}

/* The colon before the port, NULL without one: after ']' or as the only colon there is. */
static const char *port_colon(const char *text, size_t len)
{
        const char *colon = memrchr(text, ':', len);

        if (!colon || colon == text)
                return NULL;
        if (text[0] == '[')
                return colon[-1] == ']' ? colon : NULL;
        return memchr(text, ':', len) == colon ? colon : NULL;
}

bool ipaddr_parse_host(const char *text, size_t len, struct ipaddr *ret)
{
        const char *colon = port_colon(text, len);
        unsigned port;

        if (!colon)
                return ipaddr_parse(text, len, ret);
        return parse_number(colon + 1, (size_t)(text + len - colon - 1), 65535, &port) &&
               ipaddr_parse(text, (size_t)(colon - text), ret);
}

void ipaddr_format(const struct ipaddr *addr, char ret_text[IPADDR_TEXT_SIZE])
{
        ret_text[0] = '\0';
        if (addr->family != 0)
                inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, ret_text,
                          IPADDR_TEXT_SIZE);
}

struct ipaddr ipaddr_network(const struct ipaddr *addr)
{
        struct ipaddr network = *addr;

        if (network.family == 6)
                memset(network.bytes + HOST_BYTES, 0, HOST_BYTES);
        return network;
}

void ipaddr_source(const struct ipaddr *addr, char ret_text[IPADDR_SOURCE_SIZE])
{
        struct ipaddr network = ipaddr_network(addr);
        char text[IPADDR_TEXT_SIZE];

        ipaddr_format(&network, text);
        snprintf(ret_text, IPADDR_SOURCE_SIZE, "%s%s", *text ? text : "unknown",
                 addr->family == 6 ? "/64" : "");
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
        return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ipaddr_is_loopback(const struct ipaddr *addr)
{
        static const uint8_t one[16] = { [15] = 1 };

        if (addr->family == 4)
                return addr->bytes[0] == 127;
        return addr->family == 6 && memcmp(addr->bytes, one, sizeof(one)) == 0;
}

bool ipnet_parse(const char *text, size_t len, struct ipnet *ret)
{
        const char *slash = memchr(text, '/', len);
        size_t addr_len = slash ? (size_t)(slash - text) : len;
        struct ipaddr addr;
        unsigned prefix, skip;

        if (!parse_as_written(text, addr_len, &addr))
                return false;
        prefix = (unsigned)addr_size(&addr) * 8;
        if (slash && !parse_number(slash + 1, len - addr_len - 1, prefix, &prefix))
                return false;
        skip = addr.family == 6 ? 96 : 0;
        unmap(&addr);
        if (addr.family == 6)
                skip = 0;
        if (prefix < skip) /* wider than the mapped addresses: neither IPv4 nor IPv6 */
                return false;
        *ret = (struct ipnet){ .addr = addr, .prefix = (uint8_t)(prefix - skip) };
        return true;
}

bool ipnet_contains(const struct ipnet *net, const struct ipaddr *addr)
{
        size_t whole = net->prefix / 8;
        unsigned rest = net->prefix % 8;

        if (net->addr.family == 0 || net->addr.family != addr->family)
                return false;
        if (memcmp(net->addr.bytes, addr->bytes, whole) != 0)
                return false;
        return rest == 0 || (net->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest) == 0;
}

int ipnet_parse_list(const char *text, struct ipnet *ret_nets, size_t max, const char **ret_bad)
{
        size_t count = 0;

        for (text += strspn(text, SEPARATORS); *text; text += strspn(text, SEPARATORS)) {
                size_t len = strcspn(text, SEPARATORS);

                if (count == max || !ipnet_parse(text, len, &ret_nets[count])) {
                        *ret_bad = text;
                        return -1;
                }
                count++;
                text += len;
        }
        return (int)count;
}

bool ipnet_list_contains(const struct ipnet *nets, size_t count, const struct ipaddr *addr)
{
        for (size_t i = 0; i < count; i++) {
                if (ipnet_contains(&nets[i], addr))
                        return true;
        }
        return false;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* The last item of text[0..*len): its address, and *len cut to what stands before it. */
static bool last_hop(const char *text, size_t *len, struct ipaddr *ret)
{
        const char *comma = memrchr(text, ',', *len);
        const char *start = comma ? comma + 1 : text;
        const char *end = text + *len;

        while (start < end && is_blank(*start))
                start++;
        while (end > start && is_blank(end[-1]))
                end--;
        *len = comma ? (size_t)(comma - text) : 0;
        return ipaddr_parse_host(start, (size_t)(end - start), ret);
}

struct ipaddr ipnet_client(const struct ipaddr *peer, const char *forwarded,
                           const struct ipnet *trusted, size_t count)
{
        size_t len = forwarded ? strlen(forwarded) : 0;
        struct ipaddr client = *peer, hop;

        while (len > 0 && ipnet_list_contains(trusted, count, &client)) {
                if (!last_hop(forwarded, &len, &hop))
                        break;
                client = hop;
        }
        return client;
}

bool ipaddr_is_public(const struct ipaddr *addr)
{
        /* clang-format off */
        static const char *const special[] = {
                "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
                "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
                "::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
                "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
        };
        /* clang-format on */

        for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
                struct ipnet net;

                if (ipnet_parse(special[i], strlen(special[i]), &net) && ipnet_contains(&net, addr))
                        return false;
        }
        return addr->family != 0;
}

bool ipaddr_from_sockaddr(const void *sockaddr, struct ipaddr *ret)
{
        const struct sockaddr *any = sockaddr;
        struct ipaddr addr = { 0 };

        if (any->sa_family == AF_INET) {
                addr.family = 4;
                memcpy(addr.bytes, &((const struct sockaddr_in *)sockaddr)->sin_addr, 4);
        } else if (any->sa_family == AF_INET6) {
                addr.family = 6;
                memcpy(addr.bytes, &((const struct sockaddr_in6 *)sockaddr)->sin6_addr, 16);
                unmap(&addr);
        } else {
                return false;
        }
        *ret = addr;
        return true;
}
