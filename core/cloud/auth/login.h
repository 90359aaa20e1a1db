/* Logging in by password. Whoever fails learns nothing but that: not whether the name is anybody's,
 * by words, by status or by time. After some failures in a row a name has to wait, whether it is
 * anybody's or not and from wherever the attempts come. */
#ifndef CORE_CLOUD_AUTH_LOGIN_H
#define CORE_CLOUD_AUTH_LOGIN_H

#include "core/cloud/auth/session.h"

struct login_given {
        const char *username; /* or the e-mail address */
        const char *password;
        bool remember_me;
        const char *user_agent; /* NULL: not said */
        const char *session;    /* the cookie that came with it: it ends here. NULL: none */
};
struct login_result {
        int64_t user_id;
        int64_t lifetime_s;
        char token[SESSION_TOKEN_SIZE]; /* of the new session */
};

/* Begin a session; its user is the one who acts from here on. ERR_UNAUTHENTICATED: name and
 * password are not of an active user with a password. ERR_LIMITED: this name, or everybody, has to
 * wait; ctx->retry_after_s. No transaction is open while the password is looked at. */
NODISCARD enum err login(struct ctx *ctx, const struct login_given *given,
                         struct login_result *ret);

/* Another password for the caller, who knows the current one. His other sessions end. ERR_CONFLICT:
 * the account has no password. ERR_UNAUTHENTICATED: it is not the current one. ERR_INVALID: the new
 * one. ERR_LIMITED as above. */
struct password_change {
        const char *current_password, *new_password;
};
NODISCARD enum err login_change_password(struct ctx *ctx, const struct password_change *change);

/* Forget at most limit names whose failures are long ago. */
NODISCARD enum err login_prune(struct ctx *ctx, unsigned limit, unsigned *ret_pruned);

#endif
