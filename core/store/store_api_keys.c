#include "core/store/store_api_keys.h"

#include "core/db/db.h"

#define SELECT                                                                                     \
        "SELECT k.key_id, k.user_id, u.username, k.name, k.prefix, k.scopes, k.created_at_us, "    \
        "k.expires_at_us, k.last_used_at_us "                                                      \
        "FROM api_keys k JOIN users u ON u.user_id = k.user_id WHERE k.revoked_at_us IS NULL "

static struct api_key borrow(struct db_stmt *stmt)
{
        return (struct api_key){
                .key_id = db_int(stmt, 0),
                .user_id = db_int(stmt, 1),
                .username = db_text(stmt, 2),
                .name = db_text(stmt, 3),
                .prefix = db_text(stmt, 4),
                .scopes = db_text(stmt, 5),
                .created_at_us = db_int(stmt, 6),
                .expires_at_us = db_int(stmt, 7),
                .last_used_at_us = db_int(stmt, 8),
        };
}

static enum err unknown(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "API key not found or already revoked");
}

enum err store_api_key_insert(struct ctx *ctx, const struct api_key *row, const char *key_sha256,
                              int64_t *ret_key_id)
{
        static const char sql[] =
                "INSERT INTO api_keys (key_id, user_id, name, prefix, key_sha256, scopes, "
                "created_at_us, expires_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        int64_t key_id;
        enum err rc = db_next(ctx, "api_key", &key_id);

        if (rc == OK)
                rc = db_run(ctx, NULL, sql, "iittttiz", key_id, row->user_id, row->name,
                            row->prefix, key_sha256, row->scopes, row->created_at_us,
                            row->expires_at_us);
        if (rc == OK)
                *ret_key_id = key_id;
        return rc;
}

enum err store_api_key_get(struct ctx *ctx, int64_t key_id, struct api_key *ret)
{
        static const char sql[] = SELECT "AND k.key_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct api_key row;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "i", key_id);
        if (rc == ERR_NOT_FOUND)
                return unknown(ctx);
        if (rc != OK)
                return rc;
        row = borrow(stmt);
        rc = ctx_strdup(ctx, row.username, &row.username);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.name, &row.name);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.prefix, &row.prefix);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.scopes, &row.scopes);
        if (rc == OK)
                *ret = row;
        return rc;
}

enum err store_api_keys_live(struct ctx *ctx, int64_t user_id, int64_t *ret)
{
        static const char sql[] = "SELECT COUNT(*) FROM api_keys WHERE user_id = $1 "
                                  "AND revoked_at_us IS NULL "
                                  "AND (expires_at_us IS NULL OR expires_at_us > $2)";

        return db_number(ctx, ret, sql, "ii", user_id, clock_wall_us(ctx->clock));
}

enum err store_api_key_revoke(struct ctx *ctx, int64_t key_id)
{
        static const char sql[] = "UPDATE api_keys SET revoked_at_us = $2 "
                                  "WHERE key_id = $1 AND revoked_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ii", key_id, clock_wall_us(ctx->clock));

        return rc == OK && changed == 0 ? unknown(ctx) : rc;
}

enum err store_api_keys_revoke_all(struct ctx *ctx, int64_t user_id)
{
        static const char sql[] = "UPDATE api_keys SET revoked_at_us = $2 "
                                  "WHERE user_id = $1 AND revoked_at_us IS NULL";

        return db_run(ctx, NULL, sql, "ii", user_id, clock_wall_us(ctx->clock));
}

enum err store_api_key_used(struct ctx *ctx, int64_t key_id, int64_t since_us, int64_t *ret_changed)
{
        static const char sql[] =
                "UPDATE api_keys SET last_used_at_us = $2 WHERE key_id = $1 "
                "AND (last_used_at_us IS NULL OR last_used_at_us < $3 OR last_used_at_us > $2)";

        return db_run(ctx, ret_changed, sql, "iii", key_id, clock_wall_us(ctx->clock), since_us);
}

enum err store_api_keys_each(struct ctx *ctx, int64_t user_id, api_key_row_fn *row, void *arg)
{
        static const char of_all[] = SELECT "ORDER BY k.user_id, k.key_id";
        static const char of_one[] = SELECT "AND k.user_id = $1 ORDER BY k.key_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        if (user_id)
                rc = db_query(ctx, &stmt, of_one, "i", user_id);
        else
                rc = db_query(ctx, &stmt, of_all, "");
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct api_key read = borrow(stmt);

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
