#include "core/store/store_credentials.h"

#include "core/db/db.h"

#define COLUMNS                                                                                    \
        "owner, provider, name, value, description, created_at_us, COALESCE(last_used_at_us, 0)"

static struct credential_row borrow(struct db_stmt *stmt)
{
        return (struct credential_row){
                .key = { db_text(stmt, 0), db_text(stmt, 1), db_text(stmt, 2) },
                .value = db_text(stmt, 3),
                .description = db_text(stmt, 4),
                .created_at_us = db_int(stmt, 5),
                .last_used_at_us = db_int(stmt, 6),
        };
}

enum err store_credential_put(struct ctx *ctx, const struct credential_row *row)
{
        static const char sql[] =
                "INSERT INTO user_credentials (owner, provider, name, value, description, "
                "created_at_us) VALUES ($1, $2, $3, $4, $5, $6) "
                "ON CONFLICT (owner, provider, name) DO UPDATE SET value = $4, description = $5, "
                "created_at_us = $6, last_used_at_us = NULL";

        return db_run(ctx, NULL, sql, "ttttti", row->key.owner, row->key.provider, row->key.name,
                      row->value, row->description, row->created_at_us);
}

enum err store_credential_get(struct ctx *ctx, const struct credential_key *key,
                              struct credential_row *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM user_credentials "
                                  "WHERE owner = $1 AND provider = $2 AND name = $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct credential_row row;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "ttt", key->owner, key->provider, key->name);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "Credential not found: %.64s/%.64s", key->provider,
                                key->name);
        if (rc != OK)
                return rc;
        row = borrow(stmt);
        rc = ctx_strdup(ctx, row.key.owner, &row.key.owner);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.key.provider, &row.key.provider);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.key.name, &row.key.name);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.value, &row.value);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.description, &row.description);
        if (rc == OK)
                *ret = row;
        return rc;
}

enum err store_credential_delete(struct ctx *ctx, const struct credential_key *key)
{
        static const char sql[] =
                "DELETE FROM user_credentials WHERE owner = $1 AND provider = $2 AND name = $3";
        int64_t removed = 0;
        enum err rc = db_run(ctx, &removed, sql, "ttt", key->owner, key->provider, key->name);

        if (rc == OK && removed == 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Credential not found: %.64s/%.64s",
                                key->provider, key->name);
        return rc;
}

enum err store_credential_used(struct ctx *ctx, const struct credential_key *key, int64_t since_us)
{
        static const char sql[] =
                "UPDATE user_credentials SET last_used_at_us = $4 "
                "WHERE owner = $1 AND provider = $2 AND name = $3 "
                "AND (last_used_at_us IS NULL OR last_used_at_us < $5 OR last_used_at_us > $4)";

        return db_run(ctx, NULL, sql, "tttii", key->owner, key->provider, key->name,
                      clock_wall_us(ctx->clock), since_us);
}

enum err store_credentials_each(struct ctx *ctx, const char *owner, credential_row_fn *row,
                                void *arg)
{
        static const char sql[] = "SELECT " COLUMNS " FROM user_credentials WHERE owner = $1 "
                                  "ORDER BY provider, name";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "t", owner);

        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct credential_row read = borrow(stmt);

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
