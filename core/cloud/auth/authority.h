/* Who may change whom. Nobody raises himself or another above his own rights, nobody touches a user
 * who may more than he does, and the last administrator stays.
 *
 * All that changes users, levels, overrides and rules does so inside a transaction between
 * authority_begin and authority_commit: one after the other, so that what was checked still holds
 * when it is committed. */
#ifndef CORE_CLOUD_AUTH_AUTHORITY_H
#define CORE_CLOUD_AUTH_AUTHORITY_H

#include "core/cloud/auth/user.h"
#include "core/db/db.h"

/* Begin a transaction, hold IDENTITY_LOCK, and count the administrators. Faults. */
struct authority {
        struct db_tx tx; /* CLEANUP(authority_rollback) */
        int64_t admins;
};
NODISCARD enum err authority_begin(struct ctx *ctx, struct authority *ret);
void authority_rollback(struct authority *authority);

/* Commit, unless the last active administrator would be gone: ERR_CONFLICT, with these words. */
NODISCARD enum err authority_commit(struct ctx *ctx, struct authority *authority,
                                    const char *last_admin);

/* Is what this user may, as the rows are now, within what the one who acts may? Deactivated users
 * count as if they were not. To be asked before a change and after it. What his resource rules let
 * him name counts too. ERR_DENIED. ERR_NOT_FOUND: there is no such user. */
NODISCARD enum err authority_over_user(struct ctx *ctx, int64_t user_id);

/* Nobody but who may everything changes his own levels, overrides, rules or organisation: each of
 * them may bind him. what: "levels". ERR_DENIED. */
NODISCARD enum err authority_not_self(struct ctx *ctx, int64_t user_id, const char *what);

/* Is what these names of permissions give within what the one who acts may? ERR_DENIED. */
NODISCARD enum err authority_over_permissions(struct ctx *ctx, const char *names);

/* Whom resource rules bind, changes neither rules nor what levels give. ERR_DENIED. */
NODISCARD enum err authority_unbound(struct ctx *ctx);
/* authority_begin, and that. */
NODISCARD enum err authority_begin_unbound(struct ctx *ctx, struct authority *ret);

#endif
