#include "core/db/upkeep.h"

#include <stdio.h>
#include <string.h>

#include "core/db/db_private.h"

struct db *upkeep_db_new(struct database *database)
{
        struct db *db = db_new(database);

        if (!db)
                return NULL;
        db->link.target.mode = DB_READ_WRITE;
        db->link.target.upkeep = true;
        return db;
}

enum err upkeep_set_limit(struct ctx *ctx, unsigned limit_ms)
{
        char sql[64];
        enum err rc;

        db_set_timeout(ctx, limit_ms);
        rc = link_ready(ctx, &ctx->db->link);
        if (rc != OK || strcmp(db_dialect(ctx->db), "pgsql") != 0)
                return rc;
        /* So that the server gives up, too. */
        snprintf(sql, sizeof(sql), "SET statement_timeout = %u", limit_ms);
        return link_exec(ctx, &ctx->db->link, sql);
}

enum err upkeep_vacuum(struct ctx *ctx)
{
        return link_exec(ctx, &ctx->db->link, ctx->db->link.driver->vacuum);
}
