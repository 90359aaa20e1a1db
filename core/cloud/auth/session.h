/* Sessions of people in browsers. The cookie's value is random and only its SHA-256 is stored. A
 * session slides: each use puts its end further away. It ends when its user logs out, changes the
 * password, is deactivated or deleted, or does nothing for its lifetime. */
#ifndef CORE_CLOUD_AUTH_SESSION_H
#define CORE_CLOUD_AUTH_SESSION_H

#include "core/base/crypto.h"
#include "core/store/store_sessions.h"

#define SESSION_TOKEN_SIZE 44 /* 43 characters of base64url: 256 random bits */
#define SESSION_SHORT_S    (24 * 3600)
#define SESSION_LONG_S     (30 * 24 * 3600)

/* Set ctx->actor to the session's user. ERR_UNAUTHENTICATED: there is no such session, or it has
 * ended. Faults. */
NODISCARD enum err session_identify(struct ctx *ctx, const char *token);

/* Begin one for the user. Inside a transaction. user_agent: may be NULL. */
struct session_given {
        int64_t user_id, lifetime_s;
        const char *user_agent;
};
NODISCARD enum err session_begin(struct ctx *ctx, const struct session_given *given,
                                 char ret_token[SESSION_TOKEN_SIZE]);

/* End the one of this cookie, because another takes its place. Inside a transaction. */
NODISCARD enum err session_replace(struct ctx *ctx, const char *token);

/* End the one of this cookie; that there is none is no error. In a transaction of its own. */
NODISCARD enum err session_end(struct ctx *ctx, const char *token);

/* Call row for each live session of the caller, the newest use first. */
NODISCARD enum err session_list(struct ctx *ctx, session_row_fn *row, void *arg);
/* End one of the caller's by its id. ERR_NOT_FOUND. */
NODISCARD enum err session_revoke(struct ctx *ctx, const char *session_id);
/* End all of the caller's, or all but the one in use. */
NODISCARD enum err session_revoke_others(struct ctx *ctx, bool also_this, int64_t *ret_count);

/* Forget at most limit that have ended. */
NODISCARD enum err session_prune(struct ctx *ctx, unsigned limit, unsigned *ret_pruned);

/* What a page of ours proves with that it can read our answers, which no other site's can: 64 hex
 * digits, HMAC-SHA256 of the cookie's value. OWASP, signed double submit. ERR_INTERNAL. */
NODISCARD enum err session_csrf_token(struct ctx *ctx, const char *token,
                                      char ret[SHA256_HEX_SIZE]);

#endif
