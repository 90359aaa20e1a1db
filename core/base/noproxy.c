#include "core/base/noproxy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/ipnet.h"

#define SEPARATORS ", \t\r\n"
#define PORT_CHARS 5

/* A piece of text that does not end with a NUL. */
struct piece {
        const char *text;
        size_t len;
};

/* Take ":8443" off the end; *ret_port is 0 when there is none. A colon inside an IPv6 address
 * without brackets is part of it. False: what follows the colon is no port. */
static bool split_port(struct piece *item, unsigned *ret_port)
{
        const char *colon = memrchr(item->text, ':', item->len);
        size_t digits;

        *ret_port = 0;
        if (!colon ||
            (colon > item->text && colon[-1] != ']' && memchr(item->text, ':', item->len) != colon))
                return true;
        if (item->text[0] == '[' && colon[-1] != ']')
                return true;
        digits = (size_t)(item->text + item->len - colon - 1);
        if (digits == 0 || digits > PORT_CHARS || strspn(colon + 1, "0123456789") < digits)
                return false;
        *ret_port = (unsigned)strtoul(colon + 1, NULL, 10);
        item->len = (size_t)(colon - item->text);
        return true;
}

static struct piece without_last_dot(struct piece name)
{
        if (name.len > 1 && name.text[name.len - 1] == '.')
                name.len--;
        return name;
}

static bool is_below(struct piece host, struct piece domain)
{
        const char *end = host.text + host.len - domain.len;

        return host.len > domain.len && end[-1] == '.' &&
               strncasecmp(end, domain.text, domain.len) == 0;
}

static bool name_matches(struct piece item, struct piece host)
{
        bool itself = true;

        if (item.len > 2 && item.text[0] == '*' && item.text[1] == '.') {
                itself = false;
                item = (struct piece){ item.text + 2, item.len - 2 };
        } else if (item.len > 1 && item.text[0] == '.') {
                item = (struct piece){ item.text + 1, item.len - 1 };
        }
        item = without_last_dot(item);
        host = without_last_dot(host);
        if (is_below(host, item))
                return true;
        return itself && host.len == item.len && strncasecmp(host.text, item.text, item.len) == 0;
}

static bool item_matches(struct piece item, struct piece host, unsigned port)
{
        struct ipaddr address;
        struct ipnet net;
        unsigned item_port;

        if (item.len == 1 && item.text[0] == '*')
                return true;
        if (!split_port(&item, &item_port) || item.len == 0 || (item_port && item_port != port))
                return false;
        if (ipaddr_parse(host.text, host.len, &address))
                return ipnet_parse(item.text, item.len, &net) && ipnet_contains(&net, &address);
        return name_matches(item, host);
}

bool noproxy_matches(const char *list, const char *host, unsigned port)
{
        const struct piece whole = { host, strlen(host) };

        for (list += strspn(list, SEPARATORS); *list; list += strspn(list, SEPARATORS)) {
                struct piece item = { list, strcspn(list, SEPARATORS) };

                if (item_matches(item, whole, port))
                        return true;
                list += item.len;
        }
        return false;
}
