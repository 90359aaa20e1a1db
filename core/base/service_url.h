/* URLs of other services: scheme://[user[:password]@][host[:port]][/path][?name=value&...], RFC
 * 3986. What the parts mean is for those who speak with the service. */
#ifndef CORE_BASE_SERVICE_URL_H
#define CORE_BASE_SERVICE_URL_H

#include <stdbool.h>

#include "core/base/arena.h"

/* All in the arena and percent-decoded, but for the query. */
struct service_url {
        const char *scheme;
        const char *user, *password; /* NULL: not given */
        const char *host;            /* "": not given; an IPv6 address has no brackets */
        unsigned port;               /* 0: not given */
        const char *path;            /* with its slash; "": none */
        const char *query;           /* "": none */
};

/* False: not such a URL (or out of memory): it has a bad escape, a port that is none, or a part
 * after "#". */
NODISCARD bool service_url_parse(struct arena *arena, const char *url, struct service_url *ret);

/* The value of a name in the query, percent-decoded in the arena; NULL: it is not there, or bad. */
const char *service_url_option(struct arena *arena, const struct service_url *url,
                               const char *name);

/* Has the query no other names than these? names ends with NULL. */
bool service_url_has_only(const struct service_url *url, const char *const *names);

#endif
