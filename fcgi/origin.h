/* Where a request was made: a browser sends a page's requests wherever the page wants, also to a
 * service that trusts whoever is on the same machine. */
#ifndef FCGI_ORIGIN_H
#define FCGI_ORIGIN_H

#include <stdbool.h>

#include "fcgi/request.h"

/* Is it certain that no page of another site made this request? False for a Host that another site
 * could have bound to our address (only "localhost", addresses and the host of public_url are
 * ours), for an Origin other than Host, and for what the browser calls cross-site, unless it only
 * follows a link. Programs other than browsers pass. Sources: WHATWG Fetch 3.2 (Origin), W3C Fetch
 * Metadata Request Headers. */
bool origin_is_ours(const struct request *request, const char *public_url);

/* The same for a request that comes with a cookie or with what the front server asked the browser
 * for: these belong to the name they were given under, so whatever name that is will do. False for
 * an Origin other than Host and public_url, and for what the browser calls cross-site or same-site.
 */
bool origin_is_same(const struct request *request, const char *public_url);

#endif
