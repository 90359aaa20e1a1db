#include "core/store/store_sessions.h"

#include "core/db/db.h"

enum err store_session_insert(struct ctx *ctx, const struct session *row, const char *token_sha256)
{
        static const char sql[] =
                "INSERT INTO sessions (token_sha256, session_id, user_id, created_at_us, "
                "seen_at_us, expires_at_us, lifetime_s, client, user_agent) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

        return db_run(ctx, NULL, sql, "ttiiiiitt", token_sha256, row->session_id, row->user_id,
                      row->created_at_us, row->seen_at_us, row->expires_at_us, row->lifetime_s,
                      row->client, row->user_agent);
}

enum err store_session_seen(struct ctx *ctx, const char *session_id, int64_t expires_at_us)
{
        static const char sql[] = "UPDATE sessions SET seen_at_us = $2, expires_at_us = $3 "
                                  "WHERE session_id = $1";

        return db_run(ctx, NULL, sql, "tii", session_id, clock_wall_us(ctx->clock), expires_at_us);
}

enum err store_session_delete(struct ctx *ctx, int64_t user_id, const char *session_id)
{
        static const char sql[] = "DELETE FROM sessions WHERE user_id = $1 AND session_id = $2";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "it", user_id, session_id);

        if (rc == OK && changed == 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Session not found: %.64s", session_id);
        return rc;
}

enum err store_session_delete_by_token(struct ctx *ctx, const char *token_sha256,
                                       int64_t *ret_deleted)
{
        static const char sql[] = "DELETE FROM sessions WHERE token_sha256 = $1";

        return db_run(ctx, ret_deleted, sql, "t", token_sha256);
}

enum err store_sessions_delete_all(struct ctx *ctx, int64_t user_id, const char *keep,
                                   int64_t *ret_deleted)
{
        static const char sql[] = "DELETE FROM sessions WHERE user_id = $1 AND session_id <> $2";

        return db_run(ctx, ret_deleted, sql, "it", user_id, keep ? keep : "");
}

enum err store_sessions_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                              int64_t *ret_pruned)
{
        static const char sql[] =
                "DELETE FROM sessions WHERE token_sha256 IN (SELECT token_sha256 FROM sessions "
                "WHERE expires_at_us < $1 ORDER BY expires_at_us LIMIT $2)";

        return db_run(ctx, ret_pruned, sql, "ii", before_us, (int64_t)limit);
}

enum err store_sessions_each(struct ctx *ctx, int64_t user_id, session_row_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT session_id, user_id, created_at_us, seen_at_us, expires_at_us, "
                "lifetime_s, client, user_agent FROM sessions "
                "WHERE user_id = $1 AND expires_at_us > $2 ORDER BY seen_at_us DESC, session_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ii", user_id, clock_wall_us(ctx->clock));
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct session read = {
                        .session_id = db_text(stmt, 0),
                        .user_id = db_int(stmt, 1),
                        .created_at_us = db_int(stmt, 2),
                        .seen_at_us = db_int(stmt, 3),
                        .expires_at_us = db_int(stmt, 4),
                        .lifetime_s = db_int(stmt, 5),
                        .client = db_text(stmt, 6),
                        .user_agent = db_text(stmt, 7),
                };

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
