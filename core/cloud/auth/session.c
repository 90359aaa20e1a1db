#include "core/cloud/auth/session.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/identity.h"
#include "core/db/db.h"

#define SESSION_ID_SIZE 17 /* 16 hex digits */
#define SEEN_NOTED_US   (60 * US_PER_S)
#define USER_AGENT_MAX  500

static enum err no_session(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "The session has ended; log in again");
}

/* What is none is not looked for: from outside come all kinds of bytes. */
static bool is_token(const char *token)
{
        static const char alphabet[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

        return strlen(token) == SESSION_TOKEN_SIZE - 1 &&
               strspn(token, alphabet) == SESSION_TOKEN_SIZE - 1;
}

static enum err hash(struct ctx *ctx, const char *token, char ret[SHA256_HEX_SIZE])
{
        if (!crypto_sha256_hex(token, strlen(token), ret))
                return ctx_fail(ctx, ERR_INTERNAL, "SHA-256 failed");
        return OK;
}

/* ---- using ---- */

static enum err write_seen(struct ctx *ctx, const struct session_use *use, int64_t now_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_session_seen(ctx, use->session_id, now_us + use->lifetime_s * US_PER_S);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Once a minute is often enough to know when somebody was there last. */
static void slide(struct ctx *ctx, const struct session_use *use, int64_t now_us)
{
        if (use->seen_at_us > now_us - SEEN_NOTED_US && use->seen_at_us <= now_us)
                return;
        if (write_seen(ctx, use, now_us) != OK) /* it may pass at the next request */
                log_event(ctx, LOG_DEBUG, "simpletuner.cloud.auth",
                          "The use of a session was not written down", "reason", ctx->detail);
}

/* An expired one is gone with its first use after that, which the audit log tells. */
static enum err expire(struct ctx *ctx, const struct identity *identity,
                       const struct session_use *use)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = "auth.session.expired",
                .target_type = "session",
                .target_id = use->session_id,
                .action = "A session was used after its end",
        };
        enum err rc;

        ctx->actor = identity_actor(identity, VIA_NOTHING, NULL);
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_session_delete(ctx, identity->user_id, use->session_id);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        if (rc == OK)
                rc = db_commit(&tx);
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        return rc == OK || rc == ERR_NOT_FOUND ? no_session(ctx) : rc;
}

enum err session_identify(struct ctx *ctx, const char *token)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        char sha256[SHA256_HEX_SIZE];
        struct identity identity;
        struct session_use use;
        enum err rc;

        if (!is_token(token))
                return no_session(ctx);
        rc = hash(ctx, token, sha256);
        if (rc == OK)
                rc = store_identity_by_session(ctx, sha256, &use, &identity);
        if (rc == ERR_NOT_FOUND)
                return no_session(ctx);
        if (rc != OK)
                return rc;
        if (use.expires_at_us <= now_us)
                return expire(ctx, &identity, &use);
        ctx->actor = identity_actor(&identity, VIA_SESSION, NULL);
        ctx->actor.session_id = use.session_id;
        slide(ctx, &use, now_us);
        return OK;
}

/* ---- beginning and ending ---- */

enum err session_begin(struct ctx *ctx, const struct session_given *given,
                       char ret_token[SESSION_TOKEN_SIZE])
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        unsigned char random[32], id[8];
        char sha256[SHA256_HEX_SIZE], session_id[SESSION_ID_SIZE], token[BASE64_SIZE(32)];
        const char *agent = given->user_agent;
        struct session row = {
                .session_id = session_id,
                .user_id = given->user_id,
                .created_at_us = now_us,
                .seen_at_us = now_us,
                .expires_at_us = now_us + given->lifetime_s * US_PER_S,
                .lifetime_s = given->lifetime_s,
                .client = ctx->client,
                .user_agent = "",
        };
        enum err rc;

        if (!crypto_random(random, sizeof(random)) || !crypto_random(id, sizeof(id)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for a session");
        crypto_base64url(random, sizeof(random), token);
        crypto_hex(id, sizeof(id), session_id);
        if (agent && utf8_is_valid(agent) && strlen(agent) <= USER_AGENT_MAX)
                row.user_agent = agent;
        rc = hash(ctx, token, sha256);
        if (rc == OK)
                rc = store_session_insert(ctx, &row, sha256);
        if (rc == OK)
                memcpy(ret_token, token, SESSION_TOKEN_SIZE);
        secret_wipe(random, sizeof(random));
        secret_wipe(token, sizeof(token));
        return rc;
}

static enum err audit_end(struct ctx *ctx, const char *session_id, const char *action)
{
        const struct audit_entry entry = {
                .event_type = "auth.logout",
                .target_type = "session",
                .target_id = session_id,
                .action = action,
        };

        return audit_add(ctx, &entry);
}

enum err session_end(struct ctx *ctx, const char *token)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char sha256[SHA256_HEX_SIZE];
        int64_t deleted = 0;
        enum err rc;

        if (!is_token(token))
                return OK;
        rc = hash(ctx, token, sha256);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_session_delete_by_token(ctx, sha256, &deleted);
        if (rc == OK && deleted > 0)
                rc = audit_end(ctx, ctx->actor.session_id, "Logged out");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err session_replace(struct ctx *ctx, const char *token)
{
        char sha256[SHA256_HEX_SIZE];
        int64_t deleted;
        enum err rc;

        if (!is_token(token))
                return OK;
        rc = hash(ctx, token, sha256);
        return rc == OK ? store_session_delete_by_token(ctx, sha256, &deleted) : rc;
}

enum err session_list(struct ctx *ctx, session_row_fn *row, void *arg)
{
        return store_sessions_each(ctx, ctx->actor.user_id, row, arg);
}

enum err session_revoke(struct ctx *ctx, const char *session_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_session_delete(ctx, ctx->actor.user_id, session_id);
        if (rc == OK)
                rc = audit_end(ctx, session_id, "Ended a session");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err session_revoke_others(struct ctx *ctx, bool also_this, int64_t *ret_count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_sessions_delete_all(ctx, ctx->actor.user_id,
                                               also_this ? NULL : ctx->actor.session_id, ret_count);
        if (rc == OK && *ret_count > 0)
                rc = audit_end(ctx, NULL,
                               also_this ? "Ended all sessions" : "Ended all other sessions");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err session_prune(struct ctx *ctx, unsigned limit, unsigned *ret_pruned)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t pruned = 0;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_sessions_prune(ctx, clock_wall_us(ctx->clock), limit, &pruned);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_pruned = (unsigned)pruned;
        return rc;
}

enum err session_csrf_token(struct ctx *ctx, const char *token, char ret[SHA256_HEX_SIZE])
{
        static const char purpose[] = "csrf";
        unsigned char mac[SHA256_SIZE];

        if (!crypto_hmac_sha256(token, strlen(token), purpose, sizeof(purpose) - 1, mac))
                return ctx_fail(ctx, ERR_INTERNAL, "HMAC failed");
        crypto_hex(mac, sizeof(mac), ret);
        return OK;
}
