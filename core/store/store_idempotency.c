#include "core/store/store_idempotency.h"

#include "core/db/db.h"

enum err store_idempotency_claim(struct ctx *ctx, const struct idempotency_key *key)
{
        static const char sql[] =
                "INSERT INTO idempotency_keys (owner, idempotency_key, request_sha256, job_id, "
                "expires_at_us) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (owner, idempotency_key) DO UPDATE SET request_sha256 = $3, "
                "job_id = $4, expires_at_us = $5 WHERE idempotency_keys.expires_at_us <= $6";
        int64_t claimed;
        enum err rc;

        rc = db_run(ctx, &claimed, sql, "ttttii", key->owner, key->key, key->request_sha256,
                    key->job_id, key->expires_at_us, clock_wall_us(ctx->clock));
        if (rc != OK)
                return rc;
        return claimed ? OK : ctx_fail(ctx, ERR_CONFLICT, "idempotency_key is in use");
}

enum err store_idempotency_get(struct ctx *ctx, const char *owner, const char *key,
                               struct idempotency_key *ret)
{
        static const char sql[] =
                "SELECT request_sha256, job_id, expires_at_us FROM idempotency_keys "
                "WHERE owner = $1 AND idempotency_key = $2 AND expires_at_us > $3";
        struct idempotency_key found = { .owner = owner, .key = key };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "tti", owner, key, clock_wall_us(ctx->clock));
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, &found.request_sha256);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 1, &found.job_id);
        if (rc != OK)
                return rc;
        found.expires_at_us = db_int(stmt, 2);
        *ret = found;
        return OK;
}

enum err store_idempotency_forget(struct ctx *ctx, const char *owner, const char *job_id)
{
        static const char sql[] = "DELETE FROM idempotency_keys WHERE owner = $1 AND job_id = $2";

        return db_run(ctx, NULL, sql, "tt", owner, job_id);
}
