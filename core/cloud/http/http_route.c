#include "core/cloud/http/http_route.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/ipnet.h"
#include "core/base/noproxy.h"
#include "core/cloud/http/http_transfer.h"

typedef CURLU url_parts;
DEFINE_CLEANUP(url_parts *, curl_url_cleanup)
typedef struct addrinfo addresses;
DEFINE_CLEANUP(addresses *, freeaddrinfo)

/* A part in the arena, NULL when the URL does not have it. ERR_NOMEM. */
static enum err copy_part(struct ctx *ctx, CURLU *parts, CURLUPart which, unsigned flags,
                          const char **ret)
{
        char *text = NULL;
        CURLUcode code = curl_url_get(parts, which, &text, flags);
        enum err rc;

        if (code == CURLUE_OUT_OF_MEMORY)
                return ctx_nomem(ctx);
        rc = ctx_strdup(ctx, code == CURLUE_OK ? text : NULL, ret);
        curl_free(text);
        return rc;
}

static unsigned port_or(const char *text, unsigned otherwise)
{
        return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static enum err read_target(struct ctx *ctx, const char *url, struct http_route *route)
{
        CLEANUP(curl_url_cleanupp) url_parts *parts = curl_url();
        const char *scheme = NULL, *port = NULL;
        enum err rc;

        if (!parts)
                return ctx_nomem(ctx);
        if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
                return ctx_fail(ctx, ERR_PROVIDER, "the URL is malformed");
        rc = copy_part(ctx, parts, CURLUPART_SCHEME, 0, &scheme);
        if (rc == OK)
                rc = copy_part(ctx, parts, CURLUPART_HOST, 0, &route->host);
        if (rc == OK)
                rc = copy_part(ctx, parts, CURLUPART_PORT, 0, &port);
        if (rc != OK)
                return rc;
        route->tls = scheme && strcmp(scheme, "https") == 0;
        if (!route->host || !scheme || (!route->tls && strcmp(scheme, "http") != 0))
                return ctx_fail(ctx, ERR_PROVIDER, "the URL is neither http nor https");
        route->port = port_or(port, route->tls ? 443 : 80);
        return OK;
}

/* The ports that people mean when they name none; 0: not a kind of proxy. */
static unsigned proxy_port(const char *scheme)
{
        static const struct {
                const char *scheme;
                unsigned port;
        } kinds[] = { { "http", 80 }, { "https", 443 }, { "socks5", 1080 }, { "socks5h", 1080 } };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (strcmp(kinds[i].scheme, scheme) == 0)
                        return kinds[i].port;
        }
        return 0;
}

/* Take the proxy's URL apart, so that nothing that is printed holds its password. */
static enum err read_proxy(struct ctx *ctx, const char *proxy, struct http_route *route)
{
        CLEANUP(curl_url_cleanupp) url_parts *parts = curl_url();
        const char *scheme = NULL, *host = NULL, *port = NULL;
        unsigned usual;
        enum err rc;

        if (!strstr(proxy, "://"))
                proxy = arena_printf(ctx->arena, "http://%s", proxy);
        if (!parts || !proxy)
                return ctx_nomem(ctx);
        if (curl_url_set(parts, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
                return ctx_fail(ctx, ERR_PROVIDER,
                                "proxy_url or HTTPS_PROXY is malformed; user and password must be "
                                "percent-encoded");
        rc = copy_part(ctx, parts, CURLUPART_SCHEME, 0, &scheme);
        if (rc == OK)
                rc = copy_part(ctx, parts, CURLUPART_HOST, 0, &host);
        if (rc == OK)
                rc = copy_part(ctx, parts, CURLUPART_PORT, 0, &port);
        if (rc == OK)
                rc = copy_part(ctx, parts, CURLUPART_USER, CURLU_URLDECODE, &route->user);
        if (rc == OK)
                rc = copy_part(ctx, parts, CURLUPART_PASSWORD, CURLU_URLDECODE, &route->password);
        if (rc != OK)
                return rc;
        usual = scheme ? proxy_port(scheme) : 0;
        if (!usual || !host)
                return ctx_fail(ctx, ERR_PROVIDER,
                                "proxy_url or HTTPS_PROXY is no http, https, socks5 or socks5h "
                                "URL");
        route->proxy_name = arena_printf(ctx->arena, "%s:%u", host, port_or(port, usual));
        route->proxy = route->proxy_name
                               ? arena_printf(ctx->arena, "%s://%s", scheme, route->proxy_name)
                               : NULL;
        return route->proxy ? OK : ctx_nomem(ctx);
}

static enum err look_up(struct ctx *ctx, const char *bracketed, addresses **ret)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        size_t len = strlen(bracketed);
        const char *host =
                *bracketed == '[' ? arena_strndup(ctx->arena, bracketed + 1, len - 2) : bracketed;
        int failed;

        if (!host)
                return ctx_nomem(ctx);
        failed = getaddrinfo(host, NULL, &hints, ret);
        if (failed)
                return ctx_fail(ctx, ERR_PROVIDER, "%.200s cannot be looked up: %s", host,
                                gai_strerror(failed));
        return OK;
}

/* Name one address of the host to the proxy, when all of them are public. */
static enum err pin_address(struct ctx *ctx, struct http_route *route)
{
        CLEANUP(freeaddrinfop) addresses *found = NULL;
        char text[IPADDR_TEXT_SIZE];
        struct ipaddr address;
        enum err rc;

        rc = look_up(ctx, route->host, &found);
        if (rc != OK)
                return rc;
        for (const addresses *each = found; each; each = each->ai_next) {
                if (!ipaddr_from_sockaddr(each->ai_addr, &address) || !ipaddr_is_public(&address))
                        return ctx_fail(ctx, ERR_DENIED, HTTP_NOT_PUBLIC);
        }
        if (!ipaddr_from_sockaddr(found->ai_addr, &address))
                return ctx_fail(ctx, ERR_DENIED, HTTP_NOT_PUBLIC);
        ipaddr_format(&address, text);
        route->pinned = arena_printf(ctx->arena, address.family == 6 ? "::[%s]:%u" : "::%s:%u",
                                     text, route->port);
        return route->pinned ? OK : ctx_nomem(ctx);
}

enum err http_route_find(struct ctx *ctx, const struct http_settings *settings, const char *url,
                         struct http_route *ret)
{
        struct http_route route = { 0 };
        enum err rc;

        rc = read_target(ctx, url, &route);
        if (rc != OK)
                return rc;
        if (settings->proxy &&
            !(settings->no_proxy && noproxy_matches(settings->no_proxy, route.host, route.port)))
                rc = read_proxy(ctx, settings->proxy, &route);
        if (rc == OK && route.proxy && settings->public_only)
                rc = pin_address(ctx, &route);
        if (rc == OK)
                *ret = route;
        return rc;
}
