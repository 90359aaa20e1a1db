#include "core/store/store_leftovers.h"

#include "core/db/db.h"

enum err store_leftover_put(struct ctx *ctx, const struct leftover *leftover)
{
        static const char sql[] =
                "INSERT INTO remote_leftovers (url, remote_id, due_at_us) VALUES ($1, $2, $3) "
                "ON CONFLICT (url) DO UPDATE SET remote_id = $2, due_at_us = $3";

        return db_run(ctx, NULL, sql, "tti", leftover->url,
                      leftover->remote_id ? leftover->remote_id : "", leftover->due_at_us);
}

enum err store_leftover_forget(struct ctx *ctx, const char *url)
{
        return db_run(ctx, NULL, "DELETE FROM remote_leftovers WHERE url = $1", "t", url);
}

enum err store_leftover_due(struct ctx *ctx, int64_t before_us, struct leftover *ret)
{
        static const char sql[] = "SELECT url, remote_id, due_at_us FROM remote_leftovers "
                                  "WHERE due_at_us < $1 ORDER BY due_at_us LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct leftover leftover;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "i", before_us);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, &leftover.url);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 1, &leftover.remote_id);
        if (rc != OK)
                return rc;
        leftover.due_at_us = db_int(stmt, 2);
        *ret = leftover;
        return OK;
}
