/* Changing users. Each is a transaction of its own with its audit row, and asks core/cloud/
 * authority.h before and after: ERR_DENIED when the user has, or would have, more than the one who
 * acts. ERR_NOT_FOUND: there is no such user. ERR_CONFLICT: the last administrator would be gone.
 * That much is so of all of them. */
#ifndef CORE_CLOUD_AUTH_USER_CHANGE_H
#define CORE_CLOUD_AUTH_USER_CHANGE_H

#include "core/base/json.h"
#include "core/cloud/auth/user.h"

/* What is not NULL is set. */
struct user_patch {
        const char *email, *display_name; /* "" removes the former, empties the latter */
        const char *password_hash;        /* ends all his sessions */
        const bool *is_active, *is_admin; /* false for the former ends all his sessions */
};

/* As administrator. ERR_INVALID names the field. ERR_CONFLICT also: a user has the address; one's
 * own account would be deactivated; the front server keeps the password. */
NODISCARD enum err user_update(struct ctx *ctx, int64_t user_id, const struct user_patch *patch);

/* One's own address and display name; for the rest patch has NULL. */
NODISCARD enum err user_update_self(struct ctx *ctx, const struct user_patch *patch);

/* His jobs, and what the audit log says of him, stay under his name; his sessions, keys, S3
 * credentials, provider tokens, levels and teams do not. ERR_CONFLICT also: one's own account; jobs
 * of his run under a provider token of his own. */
NODISCARD enum err user_delete(struct ctx *ctx, int64_t user_id);

/* Under which name his things are kept, for one who may touch them. */
NODISCARD enum err user_owner(struct ctx *ctx, int64_t user_id, const char **ret);

/* ---- what a user may ---- */

/* Give or take a level by its name. ERR_DENIED also: one's own. ERR_NOT_FOUND also: there is no
 * such level, or the user has not got it. Giving what he has changes nothing. */
NODISCARD enum err user_add_level(struct ctx *ctx, int64_t user_id, const char *level);
NODISCARD enum err user_remove_level(struct ctx *ctx, int64_t user_id, const char *level);

/* Grant or deny a permission whatever the levels give, or leave it to them again. ERR_INVALID:
 * there is no such permission. ERR_NOT_FOUND also: it was left to them before. */
enum user_override { USER_GRANT, USER_DENY, USER_AS_LEVELS };
NODISCARD enum err user_set_override(struct ctx *ctx, int64_t user_id, const char *permission,
                                     enum user_override override);

#endif
