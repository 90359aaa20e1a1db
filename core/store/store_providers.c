#include "core/store/store_providers.h"

#include "core/db/db.h"

enum err store_provider_get(struct ctx *ctx, const char *provider, const char **ret_config)
{
        static const char sql[] = "SELECT config FROM providers WHERE provider = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", provider);
        if (rc == ERR_NOT_FOUND)
                return ctx_strdup(ctx, "{}", ret_config);
        if (rc != OK)
                return rc;
        return db_text_dup(ctx, stmt, 0, ret_config);
}

enum err store_provider_put(struct ctx *ctx, const char *provider, const char *config)
{
        static const char sql[] =
                "INSERT INTO providers (provider, config, updated_at_us) VALUES ($1, $2, $3) "
                "ON CONFLICT (provider) DO UPDATE SET config = $2, updated_at_us = $3";

        return db_run(ctx, NULL, sql, "tti", provider, config, clock_wall_us(ctx->clock));
}
