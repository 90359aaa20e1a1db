/* The cookie of a session, RFC 6265: HttpOnly, SameSite=Lax, and Secure wherever the client speaks
 * TLS. A browser sends it with every request to us, whichever page asks for that; so what changes
 * anything needs a header beside it that only our pages can write (OWASP, Cross-Site Request
 * Forgery Prevention). */
#ifndef FCGI_SESSION_COOKIE_H
#define FCGI_SESSION_COOKIE_H

#include "fcgi/reply.h"
#include "fcgi/request.h"

/* The value that came with the request, NULL: none, or out of memory. In the arena. */
const char *session_cookie_get(struct ctx *ctx, const struct request *request);

/* Give it to the browser for max_age_s seconds; 0: until it is closed. ERR_NOMEM. */
NODISCARD enum err session_cookie_set(struct ctx *ctx, const struct request *request,
                                      struct reply *reply, const char *token, int64_t max_age_s);
/* Take it away. */
void session_cookie_clear(struct reply *reply);

/* May this request, by a browser that shows who it is by itself, change anything? ERR_DENIED: its
 * Origin is another site's, or X-CSRF-Token is not the session's. */
NODISCARD enum err session_cookie_check_forgery(struct ctx *ctx, const struct request *request);

#endif
