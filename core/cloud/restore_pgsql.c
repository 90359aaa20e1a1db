/* Restoring on PostgreSQL: pg_restore puts the tables back in one transaction; what follows from
 * that comes in the next. */
#include <string.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/audit.h"
#include "core/cloud/audit_chain.h"
#include "core/cloud/audit_note.h"
#include "core/cloud/backup.h"
#include "core/cloud/backup_pgsql.h"
#include "core/cloud/cloud.h"
#include "core/cloud/restore_memory.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/store/store_backup.h"

#define ATTEMPTS 3 /* somebody else's locks may be in the way of ours */

static enum err check_wish(struct ctx *ctx, const struct backup *backup,
                           const struct restore_wish *wish)
{
        const struct audit_head *head = &backup->audit_head;
        const struct audit_key_set *keys;
        struct migrate_status status;
        enum err rc = migrate_check(ctx, &status);

        if (rc != OK)
                return rc;
        if (backup->schema_version > status.newest)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "the backup has schema version %u, and this program knows %u: "
                                "install the version that made it (%s)",
                                backup->schema_version, status.newest, backup->program_version);
        if (wish->restart_audit || !head->mac)
                return OK;
        rc = audit_keys_get(ctx, false, &keys);
        return rc == OK && audit_head_is_good(keys, head) ? OK : restore_fail_key(ctx);
}

static enum err keep_old(struct ctx *ctx, const struct backup_lock *lock,
                         struct restore_report *report)
{
        const struct backup_wish wish = { .name = "before_restore", .quiet = true };
        struct backup backup;
        enum err rc = backup_make(ctx, lock, &wish, &backup);

        if (rc == OK)
                report->safety = backup.id;
        return rc;
}

static enum err put_back(struct ctx *ctx, const char *path, const char *dir)
{
        enum err rc = ERR_UNAVAILABLE;

        for (int attempt = 0; rc == ERR_UNAVAILABLE && attempt < ATTEMPTS; attempt++)
                rc = backup_pgsql_restore(ctx, path, dir);
        db_disconnect(ctx);
        return rc;
}

static enum err write_entry(struct ctx *ctx, const struct restore_wish *wish,
                            const struct store_continuity *before,
                            const struct restore_report *report)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(json_decrefp)
        json_t *details =
                json_pack("{s:s, s:s?, s:i, s:i, s:I, s:I}", "source", wish->source, "safety",
                          report->safety, "from_version", (int)report->from_version, "to_version",
                          (int)report->to_version, "audit_cut_from", (json_int_t)report->cut_from,
                          "audit_cut_to", (json_int_t)report->cut_to);
        const struct audit_entry entry = {
                .event_type = "backup.restored",
                .target_type = "backup",
                .target_id = wish->source,
                .action = "Restored the database from a backup",
                .details = details,
        };
        enum err rc = details ? db_begin(ctx, &tx) : ctx_nomem(ctx);

        if (rc == OK)
                rc = store_continuity_put(ctx, before);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err settle(struct ctx *ctx, const struct restore_wish *wish,
                       const struct store_continuity *before, struct restore_report *report)
{
        struct migrate_status status;
        unsigned applied;
        int64_t first_id;
        enum err rc = migrate_check(ctx, &status);

        if (rc == OK && status.state == MIGRATE_BEHIND)
                rc = migrate_run(ctx, &applied);
        report->from_version = status.current;
        report->to_version = status.newest;
        if (rc == OK && wish->restart_audit)
                rc = audit_chain_restart(ctx, &first_id);
        if (rc == OK)
                rc = write_entry(ctx, wish, before, report);
        return rc == OK ? restore_finish(ctx) : rc;
}

static enum err restore(struct ctx *ctx, const struct backup *backup,
                        const struct restore_wish *wish, const char *dir,
                        struct restore_report *report)
{
        const char *path = arena_printf(ctx->arena, "%s/%s", backup->path, backup->file);
        const struct audit_head *head = &backup->audit_head;
        struct store_continuity before = { 0 };
        struct audit_head old = { 0 };
        enum err rc = path ? OK : ctx_nomem(ctx), dropped;

        if (rc == OK)
                rc = store_continuity_get(ctx, &before);
        if (rc == OK)
                rc = store_audit_head_get(ctx, &old);
        if (rc == OK && old.audit_id > head->audit_id) {
                report->cut_from = head->audit_id + 1;
                report->cut_to = old.audit_id;
        }
        if (rc == OK && head->mac && !wish->restart_audit)
                rc = audit_note_expect(ctx, head);
        FAULT_POINT("restore.noted");
        if (rc != OK)
                return rc;
        rc = put_back(ctx, path, dir);
        if (rc != OK) {
                dropped = audit_note_expect(ctx, NULL);
                return dropped == OK ? rc : dropped;
        }
        return settle(ctx, wish, &before, report);
}

enum err restore_pgsql(struct ctx *ctx, const struct backup_lock *lock, const struct backup *backup,
                       const struct restore_wish *wish, struct restore_report *ret)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        struct restore_report report = { 0 };
        enum err rc = check_wish(ctx, backup, wish);

        if (rc == OK && !wish->no_safety)
                rc = keep_old(ctx, lock, &report);
        FAULT_POINT("restore.safety");
        if (rc == OK)
                rc = backup_new_begin(ctx, lock, "restore-files", &made);
        if (rc == OK)
                rc = restore(ctx, backup, wish, made.path, &report);
        if (rc == OK)
                *ret = report;
        return rc;
}
