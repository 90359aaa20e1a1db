#include "core/store/store_identity.h"

#include "core/db/db.h"

/* A row for each level of the user, one without a level for a user that has none. */
#define COLUMNS "u.user_id, u.username, u.is_admin, u.granted, u.denied, l.permissions"
#define LEVELS                                                                                     \
        " LEFT JOIN user_levels m ON m.user_id = u.user_id "                                       \
        "LEFT JOIN levels l ON l.level_id = m.level_id "
#define LIVE "u.deactivated_at_us IS NULL AND u.deleted_at_us IS NULL"

/* The identity in the row at hand and those after it, from column first on. */
static enum err read_identity(struct ctx *ctx, struct db_stmt *stmt, unsigned first,
                              struct identity *ret)
{
        struct identity identity = { .user_id = db_int(stmt, first), .levels = "" };
        enum err rc;

        identity.is_admin = db_int(stmt, first + 2) != 0;
        rc = db_text_dup(ctx, stmt, first + 1, &identity.username);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, first + 3, &identity.granted);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, first + 4, &identity.denied);
        while (rc == OK) {
                const char *permissions = db_text(stmt, first + 5);

                if (permissions)
                        identity.levels = arena_printf(ctx->arena, "%s%s%s", identity.levels,
                                                       *identity.levels ? " " : "", permissions);
                rc = identity.levels ? db_step(ctx, stmt) : ctx_nomem(ctx);
        }
        if (rc != ERR_NOT_FOUND)
                return rc;
        *ret = identity;
        return OK;
}

enum err store_identity_by_key(struct ctx *ctx, const char *key_sha256, struct api_key_use *ret_use,
                               struct identity *ret)
{
        static const char sql[] = "SELECT k.key_id, k.created_at_us, k.scopes, k.expires_at_us, "
                                  "k.last_used_at_us, " COLUMNS
                                  " FROM api_keys k JOIN users u ON u.user_id = k.user_id" LEVELS
                                  "WHERE k.key_sha256 = $1 AND k.revoked_at_us IS NULL AND " LIVE;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct api_key_use use;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", key_sha256);
        if (rc != OK)
                return rc;
        use = (struct api_key_use){
                .key_id = db_int(stmt, 0),
                .created_at_us = db_int(stmt, 1),
                .expires_at_us = db_int(stmt, 3),
                .last_used_at_us = db_int(stmt, 4),
        };
        rc = db_text_dup(ctx, stmt, 2, &use.scopes);
        if (rc == OK)
                rc = read_identity(ctx, stmt, 5, ret);
        if (rc == OK)
                *ret_use = use;
        return rc;
}

enum err store_identity_by_session(struct ctx *ctx, const char *token_sha256,
                                   struct session_use *ret_use, struct identity *ret)
{
        static const char sql[] =
                "SELECT s.session_id, s.seen_at_us, s.expires_at_us, s.lifetime_s, " COLUMNS
                " FROM sessions s JOIN users u ON u.user_id = s.user_id" LEVELS
                "WHERE s.token_sha256 = $1 AND " LIVE;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct session_use use;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", token_sha256);
        if (rc != OK)
                return rc;
        use = (struct session_use){
                .seen_at_us = db_int(stmt, 1),
                .expires_at_us = db_int(stmt, 2),
                .lifetime_s = db_int(stmt, 3),
        };
        rc = db_text_dup(ctx, stmt, 0, &use.session_id);
        if (rc == OK)
                rc = read_identity(ctx, stmt, 4, ret);
        if (rc == OK)
                *ret_use = use;
        return rc;
}

enum err store_identity_by_name(struct ctx *ctx, const char *username_key, struct identity *ret)
{
        static const char sql[] =
                "SELECT " COLUMNS " FROM users u" LEVELS "WHERE u.username_key = $1 AND " LIVE;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", username_key);
        return rc == OK ? read_identity(ctx, stmt, 0, ret) : rc;
}

enum err store_identity_by_id(struct ctx *ctx, int64_t user_id, struct identity *ret)
{
        static const char sql[] =
                "SELECT " COLUMNS " FROM users u" LEVELS "WHERE u.user_id = $1 AND " LIVE;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "i", user_id);
        return rc == OK ? read_identity(ctx, stmt, 0, ret) : rc;
}

enum err store_identity_any(struct ctx *ctx, bool *ret)
{
        static const char sql[] = "SELECT 1 FROM users LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "");
        if (rc == OK || rc == ERR_NOT_FOUND) {
                *ret = rc == OK;
                rc = OK;
        }
        return rc;
}
