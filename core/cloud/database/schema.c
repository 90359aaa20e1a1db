#include "core/cloud/database/schema.h"

#include <sys/stat.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/store/store_backup.h"
#include "core/store/store_copy_state.h"

enum err schema_info(struct ctx *ctx, struct schema_info *ret)
{
        struct schema_info info = {
                .kind = database_kind(ctx->cloud->database),
                .path = database_path(ctx->cloud->database),
                .size_bytes = -1,
        };
        struct migrate_status status;
        struct store_server server;
        const char *log;
        struct stat st;
        enum err rc;

        rc = migrate_check(ctx, &status);
        if (rc != OK)
                return rc;
        info.version = status.current;
        info.newest = status.newest;
        if (info.path && stat(info.path, &st) == 0)
                info.size_bytes = st.st_size;
        log = info.path ? arena_printf(ctx->arena, "%s-wal", info.path) : NULL;
        if (log && stat(log, &st) == 0)
                info.wal_bytes = st.st_size;
        if (!info.path)
                rc = store_server_get(ctx, &server);
        if (!info.path && rc == OK)
                info.size_bytes = server.bytes;
        if (rc == OK)
                *ret = info;
        return rc;
}

static enum err copy_aside(struct ctx *ctx, const struct migrate_status *before,
                           const char **ret_path)
{
        const char *path = database_path(ctx->cloud->database);
        char stamp[CLOCK_ISO_SIZE];

        *ret_path = NULL;
        if (before->state != MIGRATE_BEHIND || !path)
                return OK;
        clock_format_iso(clock_wall_us(ctx->clock), stamp);
        *ret_path = arena_printf(ctx->arena, "%s.before-%u.%s", path, before->newest, stamp);
        return *ret_path ? db_copy_to(ctx, *ret_path) : ctx_nomem(ctx);
}

enum err schema_migrations(struct ctx *ctx, struct migration **ret)
{
        return migrate_list(ctx, ret);
}

static enum err add_entry(struct ctx *ctx, const struct schema_move *move)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:i, s:i}", "from", (int)move->from, "to", (int)move->to);
        const struct audit_entry entry = {
                .event_type = "database.migrated",
                .target_type = "database",
                .target_id = "jobs",
                .action = "The database was brought to another schema version",
                .details = details,
        };

        return details ? audit_note(ctx, &entry) : ctx_nomem(ctx);
}

enum err schema_migrate(struct ctx *ctx, struct schema_move *ret)
{
        struct migrate_status before;
        struct schema_move move = { 0 };
        enum err rc;

        rc = store_copy_check_finished(ctx);
        if (rc == OK)
                rc = migrate_check(ctx, &before);
        if (rc == OK)
                rc = copy_aside(ctx, &before, &move.copy);
        if (rc == OK)
                rc = migrate_run(ctx, &move.applied);
        if (rc != OK)
                return rc;
        move.from = before.current;
        move.to = before.newest;
        if (move.from > 0 && move.applied > 0)
                rc = add_entry(ctx, &move);
        if (rc != OK)
                return rc;
        *ret = move;
        return OK;
}
