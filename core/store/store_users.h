/* Users as rows. A deleted user's row stays, without what identified the person, so that its name
 * is never given to somebody else; every function but store_user_insert passes over it. */
#ifndef CORE_STORE_STORE_USERS_H
#define CORE_STORE_STORE_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct user {
        int64_t user_id;
        const char *username;
        const char *email;         /* NULL: none */
        const char *display_name;  /* "": none */
        const char *password_hash; /* NULL: no login by password */
        const char *auth_provider; /* "local", "remote" */
        bool is_admin, is_active;
        const char *granted, *denied; /* names of permissions, separated by spaces */
        int64_t org_id;               /* 0: none */
        int64_t created_at_us;
        int64_t last_login_at_us; /* 0: never */
        int64_t avatar_at_us;     /* since when there is this picture of him; 0: none */
};

/* Write a new one with the number *ret_user_id; username_key and email_key as they are compared.
 * Inside a transaction. ERR_CONFLICT: a user has, or had, the name or the address. */
struct user_keys {
        const char *username_key, *email_key; /* the latter NULL: no address */
};
NODISCARD enum err store_user_insert(struct ctx *ctx, const struct user *row,
                                     const struct user_keys *keys, int64_t *ret_user_id);

/* ERR_NOT_FOUND. Everything of *ret is in the arena. Deactivated ones are found. */
NODISCARD enum err store_user_get(struct ctx *ctx, int64_t user_id, struct user *ret);
/* By name in lower case; by name or address in lower case. */
NODISCARD enum err store_user_by_name(struct ctx *ctx, const char *username_key, struct user *ret);
NODISCARD enum err store_user_by_login(struct ctx *ctx, const char *login_key, struct user *ret);

/* Call row for each, the oldest first; texts live until it returns. */
struct user_page {
        int64_t offset, limit;
        bool include_inactive;
};
typedef void user_row_fn(void *arg, const struct user *row);
NODISCARD enum err store_users_each(struct ctx *ctx, const struct user_page *page, user_row_fn *row,
                                    void *arg);

/* Inside a transaction each. ERR_NOT_FOUND. */

/* Address, display name, is_admin and is_active are those of row from now on. ERR_CONFLICT: a user
 * has the address. */
NODISCARD enum err store_user_update(struct ctx *ctx, const struct user *row,
                                     const char *email_key);
NODISCARD enum err store_user_set_overrides(struct ctx *ctx, int64_t user_id, const char *granted,
                                            const char *denied);
NODISCARD enum err store_user_set_org(struct ctx *ctx, int64_t user_id, int64_t org_id);
/* Nothing of the person stays but the name. Sessions and keys are for others to end. */
NODISCARD enum err store_user_delete(struct ctx *ctx, int64_t user_id);
NODISCARD enum err store_user_set_password(struct ctx *ctx, int64_t user_id, const char *hash);
/* Without a password from then on. */
NODISCARD enum err store_user_set_provider(struct ctx *ctx, int64_t user_id, const char *provider);
NODISCARD enum err store_user_note_login(struct ctx *ctx, int64_t user_id);

/* How many active ones may do everything: administrators, and those of a level that gives "*" who
 * are denied nothing. */
NODISCARD enum err store_users_count_admins(struct ctx *ctx, int64_t *ret);
/* How many there are, deactivated ones too. */
NODISCARD enum err store_users_count(struct ctx *ctx, int64_t *ret);
NODISCARD enum err store_users_count_active(struct ctx *ctx, int64_t *ret);

/* Give a user the level of this name as well. Inside a transaction. ERR_NOT_FOUND: there is none.
 */
NODISCARD enum err store_user_add_level(struct ctx *ctx, int64_t user_id, const char *level);

#endif
