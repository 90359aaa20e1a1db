/* Users: how they are seen, and how they come to be. What changes them later is in user_change.h.
 */
#ifndef CORE_CLOUD_AUTH_USER_H
#define CORE_CLOUD_AUTH_USER_H

#include "core/cloud/auth/permission.h"
#include "core/store/store_levels.h"
#include "core/store/store_orgs.h"
#include "core/store/store_resource_rules.h"
#include "core/store/store_users.h"

#define USER_NAME_MIN      3
#define USER_NAME_MAX      50
#define USER_EMAIL_MAX     254
#define USER_SHOWN_MAX     100 /* bytes of a display name */
#define USER_LEVEL_DEFAULT "researcher"
#define USER_LOCAL         "local"
#define USER_REMOTE        "remote" /* auth_provider of those whom the front server identifies */

/* ---- seeing ---- */

/* A user with all that belongs to him. */
struct user_view {
        struct user user;
        permission_set rights;      /* what he may; nothing while deactivated */
        const struct level *levels; /* the highest first */
        bool is_whole;              /* what follows was looked up */
        const struct resource_rule *rules;
        const struct org *org; /* NULL: of none */
        const struct team *teams;
};

/* Deactivated ones too. Everything is in the arena. ERR_NOT_FOUND. */
NODISCARD enum err user_view_load(struct ctx *ctx, int64_t user_id, struct user_view *ret);

/* Call row for each, the oldest first, without what is_whole is about; *ret_total: how many there
 * are. Faults. */
struct user_filter {
        int64_t offset, limit; /* at most 500 */
        bool include_inactive;
};
typedef void user_view_fn(void *arg, const struct user_view *view);
NODISCARD enum err user_list(struct ctx *ctx, const struct user_filter *filter, user_view_fn *row,
                             void *arg, int64_t *ret_total);

/* By name or address, in any case of letters. ERR_NOT_FOUND. */
NODISCARD enum err user_find(struct ctx *ctx, const char *name, int64_t *ret_user_id);

/* How many there are, deactivated ones too. Faults. */
NODISCARD enum err user_count(struct ctx *ctx, int64_t *ret);

/* What the user's levels and overrides come to, deactivated or not. */
NODISCARD enum err user_rights(struct ctx *ctx, const struct user *user, const struct level *levels,
                               permission_set *ret);

/* ---- making ---- */

struct user_given {
        const char *username;           /* 3 to 50 of A-Z a-z 0-9 _ -; for ever */
        const char *email;              /* NULL or "": none */
        const char *display_name;       /* NULL or "": none */
        const char *password_hash;      /* of password_hash(); NULL: no login by password */
        const char *auth_provider;      /* NULL: "local"; USER_REMOTE, whose names may be others */
        const char *const *level_names; /* up to NULL; NULL: none */
        bool is_admin;
};

/* Are username, email and display_name such as a user may have? Nothing else is looked at.
 * ERR_INVALID names the field. */
NODISCARD enum err user_given_check(struct ctx *ctx, const struct user_given *given);

/* Make one, in a transaction of its own: he has nothing that the caller has not. ERR_INVALID names
 * the field. ERR_CONFLICT: the name or the address is, or was, somebody's; it is the first user and
 * no administrator. ERR_DENIED: he would have more than the caller. ERR_NOT_FOUND: there is no such
 * level. */
NODISCARD enum err user_create(struct ctx *ctx, const struct user_given *given,
                               int64_t *ret_user_id);

/* The same inside the caller's transaction, which holds the lock IDENTITY_LOCK, and whatever the
 * caller may: for those who are let in by other rules, as the first administrator. With the audit
 * row. */
#define IDENTITY_LOCK "identity"
NODISCARD enum err user_add(struct ctx *ctx, const struct user_given *given, int64_t *ret_user_id);

#endif
