#include "core/cloud/s3/s3_credential.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/secrets/seal.h"
#include "core/db/db.h"

#define LIVE_MAX     20
#define USE_NOTED_US (60 * US_PER_S)

static const char id_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char key_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* What is none is not looked for: from outside come all kinds of bytes. */
static bool is_id(const char *text)
{
        const size_t prefix_len = strlen(S3_CREDENTIAL_PREFIX);

        return strlen(text) == S3_CREDENTIAL_ID_SIZE - 1 &&
               strncmp(text, S3_CREDENTIAL_PREFIX, prefix_len) == 0 &&
               strspn(text + prefix_len, id_alphabet) == S3_CREDENTIAL_ID_SIZE - 1 - prefix_len;
}

/* ERR_NOT_FOUND. */
static enum err get(struct ctx *ctx, const char *access_key_id, struct s3_credential *ret)
{
        if (!is_id(access_key_id))
                return ctx_fail(ctx, ERR_NOT_FOUND, "S3 credential not found: %.64s",
                                access_key_id);
        return store_s3_credential_get(ctx, access_key_id, ret);
}

/* Where a secret belongs: sealed for it, it opens nowhere else. NULL: out of memory. */
static const char *place_of(struct ctx *ctx, const char *access_key_id)
{
        return arena_printf(ctx->arena, "s3_credentials.secret_sealed/%s", access_key_id);
}

static enum err note_change(struct ctx *ctx, const struct s3_credential *row,
                            const char *event_type, const char *action)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:s}", "owner", row->owner, "name", row->name);
        const struct audit_entry entry = {
                .event_type = event_type,
                .target_type = "s3_credential",
                .target_id = row->access_key_id,
                .action = action,
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* ---- making ---- */

/* Names are shown on terminals. */
static bool is_shown_safely(const char *name)
{
        for (const char *c = name; *c; c++) {
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        return false;
        }
        return utf8_is_valid(name);
}

static enum err check_given(struct ctx *ctx, const struct s3_credential_given *given)
{
        if (given->name &&
            (strlen(given->name) > S3_CREDENTIAL_NAME_MAX || !is_shown_safely(given->name)))
                return ctx_fail(ctx, ERR_INVALID, "name must be a line of text of at most %d bytes",
                                S3_CREDENTIAL_NAME_MAX);
        if (given->expires_in_days < 0 || given->expires_in_days > S3_CREDENTIAL_DAYS_MAX)
                return ctx_fail(ctx, ERR_INVALID, "expires_in_days must be 1 to %d",
                                S3_CREDENTIAL_DAYS_MAX);
        return OK;
}

static enum err make(struct ctx *ctx, const struct s3_credential_given *given,
                     struct s3_credential_made *ret)
{
        static const char prefix[] = S3_CREDENTIAL_PREFIX;
        const size_t prefix_len = sizeof(prefix) - 1;
        const int64_t now_us = clock_wall_us(ctx->clock);

        memcpy(ret->access_key_id, prefix, prefix_len);
        if (!crypto_random_text(id_alphabet, ret->access_key_id + prefix_len,
                                sizeof(ret->access_key_id) - 1 - prefix_len) ||
            !crypto_random_text(key_alphabet, ret->secret_access_key,
                                sizeof(ret->secret_access_key) - 1))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for an S3 credential");
        ret->name = given->name ? given->name : "";
        ret->created_at_us = now_us;
        ret->expires_at_us =
                given->expires_in_days ? now_us + given->expires_in_days * US_PER_DAY : 0;
        return OK;
}

/* Those who make one at the same time wait for each other, so that nobody gets one too many. */
static enum err check_room(struct ctx *ctx, const char *owner)
{
        int64_t live = 0;
        enum err rc = db_lock(ctx, "s3_credentials");

        if (rc == OK)
                rc = store_s3_credentials_live(ctx, owner, &live);
        if (rc == OK && live >= LIVE_MAX)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "There are %d S3 credentials, the most that one owner may have; "
                                "revoke one first",
                                LIVE_MAX);
        return rc;
}

static enum err store(struct ctx *ctx, const struct s3_credential *row)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = check_room(ctx, row->owner);
        if (rc == OK)
                rc = store_s3_credential_insert(ctx, row);
        if (rc == OK)
                rc = note_change(ctx, row, "s3_credential.created", "Made an S3 credential");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err s3_credential_new(struct ctx *ctx, const struct s3_credential_given *given,
                           struct s3_credential_made *ret)
{
        struct s3_credential row = { .owner = ctx_actor_name(ctx) };
        struct s3_credential_made made;
        const char *place;
        enum err rc;

        rc = check_given(ctx, given);
        if (rc == OK)
                rc = make(ctx, given, &made);
        if (rc != OK)
                return rc;
        place = place_of(ctx, made.access_key_id);
        if (!place)
                return ctx_nomem(ctx);
        rc = seal_text(ctx, place,
                       (struct secret){ made.secret_access_key, S3_CREDENTIAL_KEY_SIZE - 1 },
                       &row.secret_sealed);
        row.access_key_id = made.access_key_id;
        row.name = made.name;
        row.created_at_us = made.created_at_us;
        row.expires_at_us = made.expires_at_us;
        if (rc == OK)
                rc = store(ctx, &row);
        if (rc == OK)
                *ret = made;
        secret_wipe(made.secret_access_key, sizeof(made.secret_access_key));
        return rc;
}

/* ---- keeping ---- */

static bool has_expired(const struct ctx *ctx, const struct s3_credential *row)
{
        return row->expires_at_us && row->expires_at_us <= clock_wall_us(ctx->clock);
}

const char *s3_credential_state(const struct ctx *ctx, const struct s3_credential *row)
{
        return has_expired(ctx, row) ? "expired" : "active";
}

void s3_credential_render(const struct ctx *ctx, struct jsonw *json,
                          const struct s3_credential *row)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "access_key_id", row->access_key_id);
        jsonw_string(json, "owner", row->owner);
        jsonw_string(json, "name", row->name);
        jsonw_string(json, "status", s3_credential_state(ctx, row));
        jsonw_time(json, "created_at", row->created_at_us);
        jsonw_time(json, "expires_at", row->expires_at_us);
        jsonw_time(json, "last_used_at", row->last_used_at_us);
        jsonw_object_end(json);
}

enum err s3_credential_list(struct ctx *ctx, bool all, s3_credential_row_fn *row, void *arg)
{
        enum err rc = all ? auth_require(ctx, PERM_ADMIN_CONFIG) : OK;

        if (rc != OK)
                return rc;
        return store_s3_credentials_each(ctx, all ? NULL : ctx_actor_name(ctx), row, arg);
}

static bool may_revoke(struct ctx *ctx, const struct s3_credential *row)
{
        return strcmp(row->owner, ctx_actor_name(ctx)) == 0 || auth_may(ctx, PERM_ADMIN_CONFIG);
}

enum err s3_credential_revoke(struct ctx *ctx, const char *access_key_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct s3_credential row;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = get(ctx, access_key_id, &row);
        if (rc == OK && !may_revoke(ctx, &row))
                return ctx_fail(ctx, ERR_NOT_FOUND, "S3 credential not found: %.64s",
                                access_key_id);
        if (rc == OK)
                rc = store_s3_credential_revoke(ctx, access_key_id);
        if (rc == OK)
                rc = note_change(ctx, &row, "s3_credential.revoked", "Revoked an S3 credential");
        return rc == OK ? db_commit(&tx) : rc;
}

/* ---- using ---- */

static enum err write_use(struct ctx *ctx, const char *access_key_id, int64_t since_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_s3_credential_used(ctx, access_key_id, since_us);
        return rc == OK ? db_commit(&tx) : rc;
}

void s3_credential_note_use(struct ctx *ctx, const struct s3_credential *row)
{
        const int64_t now_us = clock_wall_us(ctx->clock), since_us = now_us - USE_NOTED_US;

        if (row->last_used_at_us >= since_us && row->last_used_at_us <= now_us)
                return;
        if (write_use(ctx, row->access_key_id, since_us) !=
            OK) /* it may pass at the next request */
                log_event(ctx, LOG_DEBUG, "simpletuner.cloud.credentials",
                          "The use of an S3 credential was not written down", "reason",
                          ctx->detail);
}

enum err s3_credential_open(struct ctx *ctx, const char *access_key_id, struct s3_credential *ret,
                            struct secret *ret_secret)
{
        struct s3_credential row;
        const char *place;
        enum err rc;

        rc = get(ctx, access_key_id, &row);
        if (rc == ERR_NOT_FOUND || (rc == OK && (row.revoked_at_us || has_expired(ctx, &row))))
                return ctx_fail(ctx, ERR_UNAUTHENTICATED, "Invalid S3 credential");
        if (rc != OK)
                return rc;
        place = place_of(ctx, row.access_key_id);
        if (!place)
                return ctx_nomem(ctx);
        rc = seal_open(ctx, place, row.secret_sealed, ret_secret);
        if (rc != OK)
                return rc;
        *ret = row;
        return OK;
}
