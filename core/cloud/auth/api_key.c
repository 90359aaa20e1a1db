#include "core/cloud/auth/api_key.h"

#include <string.h>

#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/identity.h"
#include "core/db/db.h"

#define PREFIX_SHOWN   11 /* "st_" and 8 characters */
#define USE_NOTED_US   (60 * US_PER_S)
#define USE_AUDITED_US US_PER_DAY

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static enum err audit_key(struct ctx *ctx, const struct api_key *row, const char *event_type,
                          const char *action)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:s, s:s, s:s?}", "username", row->username, "name",
                                    row->name, "prefix", row->prefix, "scopes", row->scopes);
        const struct audit_entry entry = {
                .event_type = event_type,
                .target_type = "api_key",
                .target_id = arena_printf(ctx->arena, "%lld", (long long)row->key_id),
                .action = action,
                .details = details,
        };

        return details && entry.target_id ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* ---- using ---- */

/* What is none is not looked for: from outside come all kinds of bytes. */
static bool is_key(const char *key)
{
        const size_t prefix_len = strlen(API_KEY_PREFIX);

        return strlen(key) == API_KEY_SIZE - 1 && strncmp(key, API_KEY_PREFIX, prefix_len) == 0 &&
               strspn(key + prefix_len, alphabet) == API_KEY_SIZE - 1 - prefix_len;
}

static enum err refuse(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "Invalid API key");
}

/* The first use of a day is in the audit log: more would make it a log of requests. */
static enum err write_use(struct ctx *ctx, const struct api_key_use *use)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        int64_t changed = 0;
        struct api_key row;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_api_key_used(ctx, use->key_id, now_us - USE_NOTED_US, &changed);
        if (rc == OK && changed && use->last_used_at_us < now_us - USE_AUDITED_US) {
                rc = store_api_key_get(ctx, use->key_id, &row);
                if (rc == OK)
                        rc = audit_key(ctx, &row, "auth.api_key.used",
                                       "Used an API key for the first time in a day");
        }
        return rc == OK ? db_commit(&tx) : rc;
}

static void note_use(struct ctx *ctx, const struct api_key_use *use)
{
        const int64_t now_us = clock_wall_us(ctx->clock);

        if (use->last_used_at_us >= now_us - USE_NOTED_US && use->last_used_at_us <= now_us)
                return;
        if (write_use(ctx, use) != OK) /* it may pass at the next request */
                log_event(ctx, LOG_DEBUG, "simpletuner.cloud.auth",
                          "The use of an API key was not written down", "reason", ctx->detail);
}

enum err api_key_identify(struct ctx *ctx, const char *key)
{
        char sha256[SHA256_HEX_SIZE];
        struct identity identity;
        struct api_key_use use;
        enum err rc;

        if (!is_key(key))
                return refuse(ctx);
        if (!crypto_sha256_hex(key, strlen(key), sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "SHA-256 failed");
        rc = store_identity_by_key(ctx, sha256, &use, &identity);
        if (rc == ERR_NOT_FOUND ||
            (rc == OK && use.expires_at_us && use.expires_at_us <= clock_wall_us(ctx->clock)))
                return refuse(ctx);
        if (rc != OK)
                return rc;
        if (!permission_set_has(identity_rights(&identity), PERM_API_ACCESS))
                return ctx_fail(ctx, ERR_DENIED, "Permission denied: %s",
                                permission_name(PERM_API_ACCESS));
        ctx->actor = identity_actor(&identity, VIA_API_KEY, use.scopes);
        note_use(ctx, &use);
        return OK;
}

/* ---- making ---- */

static enum err check_given(struct ctx *ctx, const struct api_key_given *given)
{
        const permission_set beyond = given->scopes & ~auth_rights(ctx);
        const char *names;
        enum err rc;

        if (!given->name || !*given->name || strlen(given->name) > API_KEY_NAME_MAX)
                return ctx_fail(ctx, ERR_INVALID, "name must be text of 1 to %d bytes",
                                API_KEY_NAME_MAX);
        if (given->expires_days < 0 || given->expires_days > API_KEY_DAYS_MAX)
                return ctx_fail(ctx, ERR_INVALID, "expires_days must be 1 to %d, or null for never",
                                API_KEY_DAYS_MAX);
        if (!given->is_scoped || !beyond)
                return OK;
        rc = permission_set_text(ctx, beyond, &names);
        if (rc != OK)
                return rc;
        return ctx_fail(ctx, ERR_INVALID,
                        "scoped_permissions: Cannot scope to permissions you don't have: %s",
                        names);
}

/* Those who make one at the same time wait for each other, so that nobody gets one too many. */
static enum err check_room(struct ctx *ctx, int64_t user_id)
{
        int64_t live = 0;
        enum err rc = db_lock(ctx, "api_keys");

        if (rc == OK)
                rc = store_api_keys_live(ctx, user_id, &live);
        if (rc == OK && live >= API_KEYS_MAX)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "There are %d API keys, the most that one user may have; revoke "
                                "one first",
                                API_KEYS_MAX);
        return rc;
}

/* The row of a new key, but for its number. */
static enum err make(struct ctx *ctx, int64_t user_id, const struct api_key_given *given,
                     struct api_key_made *ret)
{
        const size_t prefix_len = strlen(API_KEY_PREFIX);
        char *key = arena_strdup(ctx->arena, API_KEY_PREFIX "0123456789abcdef0123456789abcdef");
        struct api_key row = {
                .user_id = user_id,
                .name = given->name,
                .created_at_us = clock_wall_us(ctx->clock),
        };
        permission_set scopes = given->scopes;
        enum err rc = OK;

        if (!key)
                return ctx_nomem(ctx);
        if (!crypto_random_text(alphabet, key + prefix_len, API_KEY_SIZE - 1 - prefix_len))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for an API key");
        /* Of a caller who is bounded himself, what he makes is bounded at least as much. */
        if (!given->is_scoped)
                scopes = auth_rights(ctx);
        if (given->is_scoped || ctx->actor.via == VIA_API_KEY)
                rc = permission_set_text(ctx, scopes, &row.scopes);
        if (rc != OK)
                return rc;
        row.prefix = arena_printf(ctx->arena, "%.*s", PREFIX_SHOWN, key);
        if (!row.prefix)
                return ctx_nomem(ctx);
        if (given->expires_days)
                row.expires_at_us = row.created_at_us + given->expires_days * US_PER_DAY;
        *ret = (struct api_key_made){ .key = key, .row = row };
        return OK;
}

enum err api_key_new(struct ctx *ctx, int64_t user_id, const struct api_key_given *given,
                     struct api_key_made *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char sha256[SHA256_HEX_SIZE];
        struct api_key_made made;
        enum err rc;

        rc = check_given(ctx, given);
        if (rc == OK)
                rc = make(ctx, user_id, given, &made);
        if (rc == OK && !crypto_sha256_hex(made.key, strlen(made.key), sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "SHA-256 failed");
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = check_room(ctx, user_id);
        if (rc == OK)
                rc = store_api_key_insert(ctx, &made.row, sha256, &made.row.key_id);
        if (rc == OK)
                rc = store_api_key_get(ctx, made.row.key_id, &made.row);
        if (rc == OK)
                rc = audit_key(ctx, &made.row, "api_key.created", "Made an API key");
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = made;
        return rc;
}

/* ---- keeping ---- */

const char *api_key_state(const struct ctx *ctx, const struct api_key *key)
{
        return key->expires_at_us && key->expires_at_us <= clock_wall_us(ctx->clock) ? "expired"
                                                                                     : "active";
}

enum err api_key_list(struct ctx *ctx, int64_t user_id, api_key_row_fn *row, void *arg)
{
        return store_api_keys_each(ctx, user_id, row, arg);
}

enum err api_key_revoke(struct ctx *ctx, int64_t key_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct api_key row;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_api_key_get(ctx, key_id, &row);
        if (rc == OK && row.user_id != ctx->actor.user_id && !auth_may(ctx, PERM_API_KEYS_ALL))
                return ctx_fail(ctx, ERR_NOT_FOUND, "API key not found or already revoked");
        if (rc == OK)
                rc = store_api_key_revoke(ctx, key_id);
        if (rc == OK)
                rc = audit_key(ctx, &row, "api_key.revoked", "Revoked an API key");
        return rc == OK ? db_commit(&tx) : rc;
}
