/* Which way a request goes: straight to its host, or through which proxy. Private to http_*.c. */
#ifndef CORE_CLOUD_HTTP_HTTP_ROUTE_H
#define CORE_CLOUD_HTTP_HTTP_ROUTE_H

#include "core/cloud/http/http_client.h"

struct http_route {
        const char *host;            /* of the URL; IPv6 in brackets */
        unsigned port;               /* of the URL, or its scheme's */
        bool tls;                    /* https */
        const char *proxy;           /* a URL without user and password; NULL: straight */
        const char *proxy_name;      /* "proxy.example:3128", for people */
        const char *user, *password; /* percent-decoded; NULL: the proxy wants none */
        const char *pinned;          /* "::ADDRESS:PORT" for CURLOPT_CONNECT_TO; NULL: by name */
};

/* The route of a URL; texts are in the arena.
 *
 * settings->public_only and a proxy: the proxy would look the name up for itself, and might find
 * another address than the one that was checked. So the host is looked up here, every address of it
 * must be public, and the proxy is asked for one of those (always by CONNECT). Where names of the
 * world can only be looked up by the proxy, such a URL cannot be reached.
 *
 * ERR_PROVIDER: not an http or https URL, not a proxy URL, or a host that has to be looked up here
 * and cannot. ERR_DENIED: it leads to an address that is not public. ERR_NOMEM. */
NODISCARD enum err http_route_find(struct ctx *ctx, const struct http_settings *settings,
                                   const char *url, struct http_route *ret);

#endif
