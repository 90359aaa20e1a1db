/* How accounts begin: the first administrator, who is made on the server itself, and registration,
 * which is off until an administrator switches it on. */
#ifndef CORE_CLOUD_AUTH_SETUP_H
#define CORE_CLOUD_AUTH_SETUP_H

#include "core/cloud/auth/login.h"

struct setup_status {
        bool needs_setup; /* there is no user, and never was */
        bool registration_enabled;
};
NODISCARD enum err setup_status(struct ctx *ctx, struct setup_status *ret);

struct account_given {
        const char *email, *username, *password, *display_name;
        const char *user_agent; /* as in struct login_given */
};

/* Make the first administrator, and log in. ERR_CONFLICT: there is, or was, a user. ERR_DENIED: the
 * caller is not the local administrator. ERR_INVALID: a field. ERR_LIMITED as login. */
NODISCARD enum err setup_first_admin(struct ctx *ctx, const struct account_given *given,
                                     struct login_result *ret);

/* Make an account of the level that is set for it, and log in. ERR_CONFLICT: there is no user yet,
 * or the name or the address is taken. ERR_DENIED: registration is switched off. */
NODISCARD enum err setup_register(struct ctx *ctx, const struct account_given *given,
                                  struct login_result *ret);

/* The setting. */
struct registration {
        bool enabled;
        const char *default_level;
};
NODISCARD enum err registration_get(struct ctx *ctx, struct registration *ret);
/* ERR_INVALID: there is no such level. ERR_DENIED: it gives what the caller has not got, or all. */
NODISCARD enum err registration_set(struct ctx *ctx, const struct registration *given);

#endif
