#include "fcgi/origin.h"

#include <string.h>
#include <strings.h>

#include "core/base/ipnet.h"

/* The length of the name in "name:port"; an address in brackets is no name. */
static size_t name_length(const char *host)
{
        return strcspn(host, ":/");
}

static bool is_name(const char *host, const char *name, size_t len)
{
        return name_length(host) == len && strncasecmp(host, name, len) == 0;
}

/* Other sites cannot make a browser take these names for theirs. */
static bool host_is_ours(const char *host, const char *public_url)
{
        static const char local[] = "localhost";
        const char *scheme_end = strstr(public_url, "://");
        struct ipaddr address;

        if (ipaddr_parse_host(host, strlen(host), &address) ||
            is_name(host, local, sizeof(local) - 1))
                return true;
        return scheme_end && name_length(scheme_end + 3) > 0 &&
               is_name(host, scheme_end + 3, name_length(scheme_end + 3));
}

/* An origin is "scheme://host", "null" where the browser keeps it to itself. */
static bool origin_is_host(const char *origin, const char *host)
{
        const char *scheme_end = strstr(origin, "://");

        return scheme_end && strcasecmp(scheme_end + 3, host) == 0;
}

static bool follows_a_link(const struct request *request)
{
        const char *mode = request_header(request, "Sec-Fetch-Mode");

        return mode && strcmp(mode, "navigate") == 0 &&
               (request->method == METHOD_GET || request->method == METHOD_HEAD);
}

bool origin_is_ours(const struct request *request, const char *public_url)
{
        const char *host = request_header(request, "Host");
        const char *origin = request_header(request, "Origin");
        const char *site = request_header(request, "Sec-Fetch-Site");

        if (host && !host_is_ours(host, public_url))
                return false;
        if (origin && !(host && origin_is_host(origin, host)))
                return false;
        return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0 ||
               follows_a_link(request);
}

/* Is the origin that of a URL? */
static bool origin_is_of(const char *origin, const char *url)
{
        const size_t len = strlen(origin);

        return len > 0 && strncasecmp(url, origin, len) == 0 && (!url[len] || url[len] == '/');
}

bool origin_is_same(const struct request *request, const char *public_url)
{
        const char *host = request_header(request, "Host");
        const char *origin = request_header(request, "Origin");
        const char *site = request_header(request, "Sec-Fetch-Site");

        if (origin && !(host && origin_is_host(origin, host)) && !origin_is_of(origin, public_url))
                return false;
        return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}
