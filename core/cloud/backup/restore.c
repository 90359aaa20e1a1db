#include "core/cloud/backup/restore.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_chain.h"
#include "core/cloud/audit/audit_note.h"
#include "core/cloud/backup/backup.h"
#include "core/cloud/backup/backup_sqlite.h"
#include "core/cloud/backup/restore_file.h"
#include "core/cloud/backup/restore_memory.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/db/sqlite_copy.h"
#include "core/store/store_backup.h"

/* What is known of the live database; nothing of one that is too damaged to be asked. */
struct before {
        bool readable, is_database, empty;
        struct store_continuity continuity;
        struct audit_head head;
};

static void look_at_live(struct ctx *ctx, struct before *ret)
{
        struct migrate_status status;

        *ret = (struct before){ 0 };
        ret->is_database =
                sqlite_copy_is_database(ctx, database_path(ctx->cloud->database)) != ERR_CONFLICT;
        ret->empty = ret->is_database && migrate_check(ctx, &status) == OK &&
                     status.state == MIGRATE_EMPTY;
        ret->readable = ret->is_database && migrate_check(ctx, &status) == OK &&
                        status.state != MIGRATE_EMPTY &&
                        store_continuity_get(ctx, &ret->continuity) == OK &&
                        store_audit_head_get(ctx, &ret->head) == OK;
        if (!ret->readable) /* a count that no process has seen */
                ret->continuity.restores = clock_wall_us(ctx->clock);
        db_disconnect(ctx);
}

/* ---- what the new one must be ---- */

static enum err migrate(struct ctx *scratch, struct restore_report *report)
{
        struct migrate_status status;
        unsigned applied;
        enum err rc = migrate_check(scratch, &status);

        if (rc == OK && status.state == MIGRATE_EMPTY)
                rc = ctx_fail(scratch, ERR_CONFLICT, "it is no database of this program");
        if (rc == OK && status.state == MIGRATE_BEHIND)
                rc = migrate_run(scratch, &applied);
        if (rc != OK)
                return rc;
        report->from_version = status.current;
        report->to_version = status.newest;
        return OK;
}

/* Entries go on only behind a head that was signed with the key of here. */
static enum err check_chain(struct ctx *scratch, const struct restore_wish *wish,
                            struct audit_head *ret_head)
{
        const struct audit_key_set *keys;
        int64_t first_id;
        enum err rc = store_audit_head_get(scratch, ret_head);

        if (rc == OK && ret_head->mac) {
                rc = audit_keys_get(scratch, wish->restart_audit, &keys);
                if (rc == OK && audit_head_is_good(keys, ret_head))
                        return OK;
        } else if (rc == OK) {
                return OK;
        }
        if (wish->restart_audit && (rc == OK || rc == ERR_NOT_FOUND))
                return audit_chain_restart(scratch, &first_id);
        return restore_fail_key(scratch);
}

static json_t *pack_details(const struct restore_wish *wish, const struct before *before,
                            const struct restore_report *report)
{
        json_t *details =
                json_pack("{s:s, s:s?, s:s?, s:i, s:i}", "source", wish->source, "until",
                          wish->until, "safety", report->safety, "from_version",
                          (int)report->from_version, "to_version", (int)report->to_version);

        if (details && before->readable)
                json_object_set_new(details, "audit_before",
                                    json_pack("{s:I, s:s?}", "audit_id",
                                              (json_int_t)before->head.audit_id, "entry_hash",
                                              before->head.entry_hash));
        if (details && report->cut_from)
                json_object_set_new(details, "audit_cut",
                                    json_pack("{s:I, s:I}", "from", (json_int_t)report->cut_from,
                                              "to", (json_int_t)report->cut_to));
        return details;
}

/* All that the restored database shall have is written before it takes the place. */
static enum err write_entry(struct ctx *scratch, const struct restore_wish *wish,
                            const struct before *before, const struct restore_report *report)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(json_decrefp) json_t *details = pack_details(wish, before, report);
        const struct audit_entry entry = {
                .event_type = "backup.restored",
                .target_type = "backup",
                .target_id = wish->source,
                .action = "Restored the database from a backup",
                .details = details,
        };
        enum err rc = details ? db_begin(scratch, &tx) : ctx_nomem(scratch);

        if (rc == OK)
                rc = store_continuity_put(scratch, &before->continuity);
        if (rc == OK)
                rc = audit_add(scratch, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err prepare(struct ctx *ctx, const struct restore_wish *wish,
                        const struct before *before, struct restore_report *report,
                        struct audit_head *ret_head)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        struct audit_head base = { 0 };
        enum err rc = backup_scratch_open(ctx, wish->path, &scratch);

        if (rc == OK)
                rc = check_chain(&scratch.ctx, wish, &base);
        if (rc != OK)
                return rc;
        if (before->head.audit_id > base.audit_id) {
                report->cut_from = base.audit_id + 1;
                report->cut_to = before->head.audit_id;
        }
        rc = write_entry(&scratch.ctx, wish, before, report);
        return rc == OK ? store_audit_head_get(&scratch.ctx, ret_head) : rc;
}

static enum err check_file(struct ctx *ctx, const struct restore_wish *wish,
                           struct restore_report *report)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        struct audit_head head = { 0 };
        enum err rc = backup_scratch_open(ctx, wish->path, &scratch);

        if (rc == OK)
                rc = migrate(&scratch.ctx, report);
        /* Looked at before anything is done: a chain is begun anew only in prepare. */
        if (rc == OK && !wish->restart_audit)
                rc = check_chain(&scratch.ctx, wish, &head);
        return rc;
}

/* ---- the old one is kept ---- */

static enum err keep_old(struct ctx *ctx, const struct backup_lock *lock,
                         const struct before *before, struct restore_report *report)
{
        const struct backup_wish wish = { .name = "before_restore", .quiet = true };
        struct backup backup;
        enum err rc = ERR_CONFLICT;

        if (before->readable)
                rc = backup_make(ctx, lock, &wish, &backup);
        if (rc == OK)
                report->safety = backup.id;
        if (rc != ERR_CONFLICT)
                return rc;
        return restore_file_copy_aside(ctx, &report->safety);
}

/* ---- the change ---- */

/* The log of its pages is as long as the database until it is written back. */
static enum err check_space(struct ctx *ctx, const char *path)
{
        const char *live = database_path(ctx->cloud->database);
        const char *slash = strrchr(live, '/');
        const char *dir = arena_strndup(ctx->arena, live, (size_t)(slash - live) + 1);
        CLEANUP(close_fdp) int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        struct stat st;

        if (fd < 0 || stat(path, &st) != 0) /* the directory is made with the file */
                return OK;
        return backup_need_space(ctx, fd, 2 * st.st_size, "restoring");
}

/* As a database, if it is one that can be written to; else as a file. */
static enum err replace(struct ctx *ctx, const struct restore_wish *wish,
                        const struct before *before, struct restore_report *report)
{
        const char *live = database_path(ctx->cloud->database);
        enum err rc = ERR_CONFLICT;

        if (before->is_database && access(live, F_OK) == 0)
                rc = sqlite_copy_into(ctx, wish->path, live);
        if (rc != ERR_CONFLICT)
                return rc;
        report->replaced_file = true;
        return restore_file_replace(ctx, wish->path);
}

enum err restore_sqlite_file(struct ctx *ctx, const struct backup_lock *lock,
                             const struct restore_wish *wish, struct restore_report *ret)
{
        struct restore_report report = { 0 };
        struct audit_head head = { 0 };
        struct before before;
        enum err rc, dropped;

        (void)lock;
        if (!database_path(ctx->cloud->database))
                return ctx_fail(ctx, ERR_UNSUPPORTED,
                                "the backup is of SQLite, and this service uses PostgreSQL");
        rc = check_file(ctx, wish, &report);
        if (rc == OK)
                rc = check_space(ctx, wish->path);
        if (rc != OK)
                return rc;
        look_at_live(ctx, &before);
        if (!wish->no_safety && !before.empty)
                rc = keep_old(ctx, lock, &before, &report);
        FAULT_POINT("restore.safety");
        if (rc == OK)
                rc = prepare(ctx, wish, &before, &report, &head);
        FAULT_POINT("restore.prepared");
        if (rc == OK)
                rc = audit_note_expect(ctx, &head);
        FAULT_POINT("restore.noted");
        if (rc != OK)
                return rc;
        rc = replace(ctx, wish, &before, &report);
        if (rc != OK) {
                dropped = audit_note_expect(ctx, NULL);
                return dropped == OK ? rc : dropped;
        }
        rc = restore_finish(ctx);
        if (rc == OK)
                *ret = report;
        return rc;
}
