#include "core/store/store_preferences.h"

#include "core/db/db.h"

enum err store_preference_get(struct ctx *ctx, const char *name, const char **ret_value)
{
        static const char sql[] = "SELECT value FROM preferences WHERE name = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", name);
        return rc == OK ? db_text_dup(ctx, stmt, 0, ret_value) : rc;
}

enum err store_preference_put(struct ctx *ctx, const char *name, const char *value)
{
        static const char put[] = "INSERT INTO preferences (name, value) VALUES ($1, $2) "
                                  "ON CONFLICT (name) DO UPDATE SET value = $2";
        static const char forget[] = "DELETE FROM preferences WHERE name = $1";

        return value ? db_run(ctx, NULL, put, "tt", name, value)
                     : db_run(ctx, NULL, forget, "t", name);
}
