#include "core/cloud/auth/login.h"

#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/password.h"
#include "core/db/db.h"
#include "core/store/store_logins.h"
#include "core/store/store_users.h"

#define NAME_MAX_LEN  254
#define FREE_FAILURES 5
#define WAIT_MAX_S    60
#define FORGET_US     (60 * 60 * US_PER_S)

/* One attempt on its way. */
struct attempt {
        const struct login_given *given;
        const char *key;                  /* the name as it is compared */
        char key_sha256[SHA256_HEX_SIZE]; /* what failures are counted by */
        struct user user;                 /* user_id 0: nobody */
};

static enum err refuse(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "Invalid username or password");
}

static struct secret secret_of(const char *password)
{
        return (struct secret){ password, strlen(password) };
}

/* ---- the slow-down ---- */

/* How long a name has to wait after so many failures in a row: 1, 2, 4 ... seconds. */
static int64_t wait_us(int64_t failures)
{
        const int64_t beyond = failures - FREE_FAILURES;

        if (beyond < 0)
                return 0;
        return US_PER_S * (beyond < 6 ? INT64_C(1) << beyond : WAIT_MAX_S);
}

/* The failures that still count. */
static enum err count_failures(struct ctx *ctx, const char *key_sha256, struct login_failures *ret)
{
        struct login_failures row;
        enum err rc = store_login_failures(ctx, key_sha256, &row);

        if (rc == ERR_NOT_FOUND ||
            (rc == OK && row.failed_at_us < clock_wall_us(ctx->clock) - FORGET_US)) {
                *ret = (struct login_failures){ 0 };
                return OK;
        }
        if (rc == OK)
                *ret = row;
        return rc;
}

static enum err check_wait(struct ctx *ctx, const char *key_sha256)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct login_failures row;
        enum err rc = count_failures(ctx, key_sha256, &row);

        if (rc != OK || row.until_us <= now_us || row.until_us > now_us + WAIT_MAX_S * US_PER_S)
                return rc;
        ctx->retry_after_s = (unsigned)((row.until_us - now_us + US_PER_S - 1) / US_PER_S);
        return ctx_fail(ctx, ERR_LIMITED,
                        "Too many failed logins for this name; try again in %u seconds",
                        ctx->retry_after_s);
}

static enum err audit_failure(struct ctx *ctx, const struct attempt *attempt, int64_t failures)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:I}", "username", attempt->key, "failures_in_a_row",
                                    (json_int_t)failures);
        const struct audit_entry entry = {
                .event_type = "auth.login.failed",
                .target_type = attempt->user.user_id ? "user" : NULL,
                .target_id = attempt->user.user_id ? attempt->user.username : NULL,
                .action = "A login failed",
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* Write the failure down, then say it. */
static enum err fail(struct ctx *ctx, const struct attempt *attempt)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct login_failures row;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = db_lock(ctx, "logins");
        if (rc == OK)
                rc = count_failures(ctx, attempt->key_sha256, &row);
        if (rc != OK)
                return rc;
        row.failures++;
        row.failed_at_us = clock_wall_us(ctx->clock);
        row.until_us = row.failed_at_us + wait_us(row.failures);
        rc = store_login_failures_put(ctx, attempt->key_sha256, &row);
        if (rc == OK)
                rc = audit_failure(ctx, attempt, row.failures);
        if (rc == OK)
                rc = db_commit(&tx);
        return rc == OK ? refuse(ctx) : rc;
}

/* ---- the attempt ---- */

static enum err begin_attempt(struct ctx *ctx, const struct login_given *given, struct attempt *ret)
{
        enum err rc;

        *ret = (struct attempt){ .given = given };
        if (strlen(given->username) > NAME_MAX_LEN || strlen(given->password) > PASSWORD_MAX)
                return refuse(ctx);
        ret->key = identity_name_key(ctx, given->username);
        if (!ret->key)
                return ctx_nomem(ctx);
        if (!crypto_sha256_hex(ret->key, strlen(ret->key), ret->key_sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "SHA-256 failed");
        rc = check_wait(ctx, ret->key_sha256);
        if (rc == OK)
                rc = store_user_by_login(ctx, ret->key, &ret->user);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* *ret_rehash: what to store instead of a hash of older parameters; NULL: the hash stays. */
static enum err check_password(struct ctx *ctx, const struct attempt *attempt,
                               const char **ret_rehash)
{
        const struct secret password = secret_of(attempt->given->password);
        const struct user *user = &attempt->user;
        struct password_verdict verdict;
        enum err rc = password_verify(ctx, password, user->password_hash, &verdict);

        *ret_rehash = NULL;
        if (rc != OK)
                return rc;
        if (!verdict.matches || !user->is_active)
                return fail(ctx, attempt);
        return verdict.is_stale ? password_hash(ctx, password, ret_rehash) : OK;
}

static enum err audit_success(struct ctx *ctx)
{
        const struct audit_entry entry = {
                .event_type = "auth.login.success",
                .target_type = "user",
                .target_id = ctx->actor.name,
                .action = "Logged in",
        };

        return audit_add(ctx, &entry);
}

static bool is_same(const char *hash, const char *other)
{
        return hash && other && strcmp(hash, other) == 0;
}

/* Between the look at the password and this the user may have been deactivated, or the password
 * changed. Inside a transaction. */
static enum err check_unchanged(struct ctx *ctx, const struct attempt *attempt)
{
        struct identity identity;
        struct user now;
        enum err rc = store_user_get(ctx, attempt->user.user_id, &now);

        if (rc == OK && now.is_active && is_same(now.password_hash, attempt->user.password_hash))
                rc = store_identity_by_id(ctx, now.user_id, &identity);
        else if (rc == OK)
                rc = ERR_NOT_FOUND;
        if (rc == OK)
                ctx->actor = identity_actor(&identity, VIA_SESSION, NULL);
        return rc == ERR_NOT_FOUND ? refuse(ctx) : rc;
}

static enum err succeed(struct ctx *ctx, const struct attempt *attempt, const char *rehash,
                        struct login_result *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct login_given *given = attempt->given;
        struct login_result result = {
                .user_id = attempt->user.user_id,
                .lifetime_s = given->remember_me ? SESSION_LONG_S : SESSION_SHORT_S,
        };
        const struct session_given session = { result.user_id, result.lifetime_s,
                                               given->user_agent };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = check_unchanged(ctx, attempt);
        if (rc == OK)
                rc = store_login_failures_clear(ctx, attempt->key_sha256);
        if (rc == OK && rehash)
                rc = store_user_set_password(ctx, result.user_id, rehash);
        if (rc == OK)
                rc = store_user_note_login(ctx, result.user_id);
        if (rc == OK && given->session)
                rc = session_replace(ctx, given->session);
        if (rc == OK)
                rc = session_begin(ctx, &session, result.token);
        if (rc == OK)
                rc = audit_success(ctx);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = result;
        return rc;
}

enum err login(struct ctx *ctx, const struct login_given *given, struct login_result *ret)
{
        struct attempt attempt;
        const char *rehash;
        enum err rc;

        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        rc = begin_attempt(ctx, given, &attempt);
        if (rc == OK)
                rc = check_password(ctx, &attempt, &rehash);
        return rc == OK ? succeed(ctx, &attempt, rehash, ret) : rc;
}

/* ---- another password ---- */

static enum err store_change(struct ctx *ctx, const struct user *user, const char *hash)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = "user.password.changed",
                .target_type = "user",
                .target_id = user->username,
                .action = "Changed the own password",
        };
        int64_t ended = 0;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_user_set_password(ctx, user->user_id, hash);
        if (rc == OK)
                rc = store_sessions_delete_all(ctx, user->user_id, ctx->actor.session_id, &ended);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Whoever holds a session of somebody else may not try passwords faster than a stranger. */
static enum err check_current(struct ctx *ctx, const struct user *user, const char *password)
{
        struct attempt attempt = { .user = *user, .key = identity_name_key(ctx, user->username) };
        struct password_verdict verdict;
        enum err rc;

        if (!attempt.key)
                return ctx_nomem(ctx);
        if (!crypto_sha256_hex(attempt.key, strlen(attempt.key), attempt.key_sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "SHA-256 failed");
        rc = check_wait(ctx, attempt.key_sha256);
        if (rc == OK)
                rc = password_verify(ctx, secret_of(password), user->password_hash, &verdict);
        if (rc != OK || verdict.matches)
                return rc;
        rc = fail(ctx, &attempt);
        return rc == ERR_UNAUTHENTICATED ? ctx_fail(ctx, rc, "Current password is incorrect") : rc;
}

enum err login_change_password(struct ctx *ctx, const struct password_change *change)
{
        const char *hash = NULL;
        struct user user;
        enum err rc;

        if (ctx->actor.kind != ACTOR_USER)
                return ctx_fail(ctx, ERR_CONFLICT, "The local administrator has no password");
        rc = password_check_rules(ctx, "new_password", change->new_password);
        if (rc == OK)
                rc = store_user_get(ctx, ctx->actor.user_id, &user);
        if (rc == OK && !user.password_hash)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "This account has no password here: it logs in elsewhere");
        if (rc == OK)
                rc = check_current(ctx, &user, change->current_password);
        if (rc == OK)
                rc = password_hash(ctx, secret_of(change->new_password), &hash);
        return rc == OK ? store_change(ctx, &user, hash) : rc;
}

enum err login_prune(struct ctx *ctx, unsigned limit, unsigned *ret_pruned)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t pruned = 0;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_login_failures_prune(ctx, clock_wall_us(ctx->clock) - FORGET_US, limit,
                                                &pruned);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_pruned = (unsigned)pruned;
        return rc;
}
