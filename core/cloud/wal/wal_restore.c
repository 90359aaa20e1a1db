#include "core/cloud/wal/wal_restore.h"

#include <sys/stat.h>

#include "core/cloud/backup/backup_files.h"
#include "core/cloud/cloud.h"
#include "core/cloud/wal/wal_capture.h"
#include "core/db/database.h"
#include "core/db/sqlite_copy.h"

#define PLAIN "database.db"

/* The base unpacked, and no more than all its segments. */
static enum err check_space(struct ctx *ctx, const struct backup_new *made,
                            const struct wal_reach *reach)
{
        return backup_need_space(ctx, made->fd,
                                 reach->generation->base_bytes + reach->generation->bytes,
                                 "the database of that moment");
}

static enum err put_back(struct ctx *ctx, const struct backup_lock *lock,
                         const struct wal_restore_wish *wish, const struct wal_reach *reach,
                         struct restore_report *report)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        struct restore_wish inner = { .source = reach->generation->id,
                                      .restart_audit = wish->restart_audit,
                                      .no_safety = wish->no_safety };
        char until[CLOCK_ISO_SIZE];
        enum err rc = backup_new_begin(ctx, lock, "moment", &made);

        if (rc == OK)
                rc = check_space(ctx, &made, reach);
        if (rc != OK)
                return rc;
        clock_format_iso(reach->reached_us, until);
        inner.until = until;
        inner.path = backup_new_path(ctx, &made, PLAIN);
        if (!inner.path)
                return ctx_nomem(ctx);
        rc = wal_replay_write(ctx, reach, inner.path);
        if (rc == OK)
                rc = sqlite_copy_check(ctx, inner.path);
        if (rc == OK && !wish->dry_run)
                rc = restore_sqlite_file(ctx, lock, &inner, report);
        return rc;
}

enum err wal_restore(struct ctx *ctx, const struct backup_lock *lock,
                     const struct wal_restore_wish *wish, struct wal_reach *ret_reach,
                     struct restore_report *ret)
{
        struct restore_report report = { 0 };
        struct wal_reach reach;
        struct wal_look look;
        enum err rc = OK;

        if (!database_path(ctx->cloud->database))
                return ctx_fail(ctx, ERR_UNSUPPORTED,
                                "going back to a moment is PostgreSQL's own business: its manual "
                                "tells how under \"Continuous Archiving and Point-in-Time "
                                "Recovery\": archive_command, pg_basebackup, restore_command and "
                                "recovery_target_time");
        if (wal_capture_is_on(ctx) && wal_capture_once(ctx, &look) != OK)
                ctx->detail[0] = '\0'; /* the live one may be what is to be got rid of */
        rc = wal_replay_find(ctx, wish->to_us, &reach);
        if (rc == OK)
                rc = put_back(ctx, lock, wish, &reach, &report);
        if (rc != OK)
                return rc;
        *ret_reach = reach;
        *ret = report;
        return OK;
}
