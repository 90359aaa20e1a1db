#include "core/store/store_s3_credentials.h"

#include "core/db/db.h"

#define COLUMNS                                                                                    \
        "access_key_id, owner, name, secret_sealed, created_at_us, COALESCE(expires_at_us, 0), "   \
        "COALESCE(last_used_at_us, 0), COALESCE(revoked_at_us, 0)"

static struct s3_credential borrow(struct db_stmt *stmt)
{
        return (struct s3_credential){
                .access_key_id = db_text(stmt, 0),
                .owner = db_text(stmt, 1),
                .name = db_text(stmt, 2),
                .secret_sealed = db_text(stmt, 3),
                .created_at_us = db_int(stmt, 4),
                .expires_at_us = db_int(stmt, 5),
                .last_used_at_us = db_int(stmt, 6),
                .revoked_at_us = db_int(stmt, 7),
        };
}

static enum err unknown(struct ctx *ctx, const char *access_key_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "S3 credential not found: %.64s", access_key_id);
}

enum err store_s3_credential_insert(struct ctx *ctx, const struct s3_credential *row)
{
        static const char sql[] =
                "INSERT INTO s3_credentials (access_key_id, owner, name, secret_sealed, "
                "created_at_us, expires_at_us) VALUES ($1, $2, $3, $4, $5, $6)";

        return db_run(ctx, NULL, sql, "ttttiz", row->access_key_id, row->owner, row->name,
                      row->secret_sealed, row->created_at_us, row->expires_at_us);
}

enum err store_s3_credential_get(struct ctx *ctx, const char *access_key_id,
                                 struct s3_credential *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM s3_credentials WHERE access_key_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct s3_credential row;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", access_key_id);
        if (rc == ERR_NOT_FOUND)
                return unknown(ctx, access_key_id);
        if (rc != OK)
                return rc;
        row = borrow(stmt);
        rc = ctx_strdup(ctx, row.access_key_id, &row.access_key_id);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.owner, &row.owner);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.name, &row.name);
        if (rc == OK)
                rc = ctx_strdup(ctx, row.secret_sealed, &row.secret_sealed);
        if (rc == OK)
                *ret = row;
        return rc;
}

enum err store_s3_credentials_live(struct ctx *ctx, const char *owner, int64_t *ret)
{
        static const char sql[] = "SELECT COUNT(*) FROM s3_credentials "
                                  "WHERE owner = $1 AND revoked_at_us IS NULL "
                                  "AND (expires_at_us IS NULL OR expires_at_us > $2)";

        return db_number(ctx, ret, sql, "ti", owner, clock_wall_us(ctx->clock));
}

enum err store_s3_credential_revoke(struct ctx *ctx, const char *access_key_id)
{
        static const char sql[] = "UPDATE s3_credentials SET revoked_at_us = $2, "
                                  "secret_sealed = '' "
                                  "WHERE access_key_id = $1 AND revoked_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ti", access_key_id, clock_wall_us(ctx->clock));

        return rc == OK && changed == 0 ? unknown(ctx, access_key_id) : rc;
}

enum err store_s3_credentials_revoke_all(struct ctx *ctx, const char *owner)
{
        static const char sql[] = "UPDATE s3_credentials SET revoked_at_us = $2, "
                                  "secret_sealed = '' "
                                  "WHERE owner = $1 AND revoked_at_us IS NULL";

        return db_run(ctx, NULL, sql, "ti", owner, clock_wall_us(ctx->clock));
}

enum err store_s3_credential_used(struct ctx *ctx, const char *access_key_id, int64_t since_us)
{
        static const char sql[] =
                "UPDATE s3_credentials SET last_used_at_us = $2 WHERE access_key_id = $1 "
                "AND (last_used_at_us IS NULL OR last_used_at_us < $3 OR last_used_at_us > $2)";

        return db_run(ctx, NULL, sql, "tii", access_key_id, clock_wall_us(ctx->clock), since_us);
}

enum err store_s3_credentials_each(struct ctx *ctx, const char *owner, s3_credential_row_fn *row,
                                   void *arg)
{
        static const char of_all[] = "SELECT " COLUMNS " FROM s3_credentials "
                                     "WHERE revoked_at_us IS NULL "
                                     "ORDER BY owner, created_at_us, access_key_id";
        static const char of_one[] = "SELECT " COLUMNS " FROM s3_credentials "
                                     "WHERE owner = $1 AND revoked_at_us IS NULL "
                                     "ORDER BY created_at_us, access_key_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        if (owner)
                rc = db_query(ctx, &stmt, of_one, "t", owner);
        else
                rc = db_query(ctx, &stmt, of_all, "");
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct s3_credential read = borrow(stmt);

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
