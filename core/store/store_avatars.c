#include "core/store/store_avatars.h"

#include "core/db/db.h"

enum err store_avatar_put(struct ctx *ctx, int64_t user_id, const struct avatar_row *row)
{
        static const char sql[] =
                "INSERT INTO user_avatars (user_id, content_type, bytes_base64, updated_at_us) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO UPDATE SET "
                "content_type = excluded.content_type, bytes_base64 = excluded.bytes_base64, "
                "updated_at_us = excluded.updated_at_us";

        return db_run(ctx, NULL, sql, "itti", user_id, row->content_type, row->bytes_base64,
                      clock_wall_us(ctx->clock));
}

static enum err unknown(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Avatar not found");
}

enum err store_avatar_delete(struct ctx *ctx, int64_t user_id)
{
        int64_t changed = 0;
        enum err rc =
                db_run(ctx, &changed, "DELETE FROM user_avatars WHERE user_id = $1", "i", user_id);

        return rc == OK && changed == 0 ? unknown(ctx) : rc;
}

enum err store_avatar_get(struct ctx *ctx, int64_t user_id, struct avatar_row *ret)
{
        static const char sql[] =
                "SELECT content_type, bytes_base64 FROM user_avatars WHERE user_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct avatar_row row;
        enum err rc = db_first(ctx, &stmt, sql, "i", user_id);

        if (rc == ERR_NOT_FOUND)
                return unknown(ctx);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, &row.content_type);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 1, &row.bytes_base64);
        if (rc == OK)
                *ret = row;
        return rc;
}
