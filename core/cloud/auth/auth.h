/* Who is asking, and may they. Until there is a user, a loopback peer without any forwarding header
 * is the local administrator; everyone else shows a session, an API key, an upload token or the
 * word of the front server, or is anonymous. */
#ifndef CORE_CLOUD_AUTH_AUTH_H
#define CORE_CLOUD_AUTH_AUTH_H

#include "core/base/ipnet.h"
#include "core/cloud/auth/permission.h"

/* What a request presents. NULL: not presented. */
struct credentials {
        struct ipaddr peer; /* REMOTE_ADDR */
        bool forwarded;     /* any header that a forwarding proxy adds is there */
        bool foreign;       /* a page of another site may have made the request */
        const char *api_key, *authorization, *upload_token;
        const char *session;                     /* of the cookie */
        const char *remote_user, *remote_groups; /* what the front server found out */
};

/* Set ctx->actor. ERR_UNAUTHENTICATED: a credential is presented and is not good; a bad one never
 * falls through to a weaker identity. ERR_DENIED: an API key of somebody who may not use any.
 * Faults. */
NODISCARD enum err auth_identify(struct ctx *ctx, const struct credentials *credentials);

/* Has the one who acts this permission, one that has a name? The local administrator has all. */
bool auth_may(const struct ctx *ctx, enum permission permission);
/* All that the one who acts has. */
permission_set auth_rights(const struct ctx *ctx);

/* May the one who acts use a route of this permission, or one of the named ones?
 * ERR_UNAUTHENTICATED: anonymous. ERR_DENIED: known, but not allowed. */
NODISCARD enum err auth_require(struct ctx *ctx, enum permission permission);

/* May the one who acts do to what owner has what takes "own" for his own things and all for those
 * of others? ERR_DENIED. Whoever may not even see it is answered ERR_NOT_FOUND before. */
NODISCARD enum err auth_require_over(struct ctx *ctx, const char *owner, enum permission all);

#endif
