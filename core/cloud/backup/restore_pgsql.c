/* Restoring on PostgreSQL: pg_restore puts the tables back in one transaction, which also says that
 * nobody has told of it yet; what follows from that comes in the next. In between, and when that is
 * another process, the intent knows what to tell. */
#include <stdio.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_chain.h"
#include "core/cloud/audit/audit_note.h"
#include "core/cloud/backup/backup.h"
#include "core/cloud/backup/backup_pgsql.h"
#include "core/cloud/backup/restore_intent.h"
#include "core/cloud/backup/restore_memory.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/store/store_backup.h"

#define STALE_US (24 * 3600 * US_PER_S) /* nothing of a dead process is under way still */
#define ATTEMPTS 3                      /* somebody else's locks may be in the way of ours */

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

/* ---- what follows ---- */

/* late: by another process than the one that put it back. */
static enum err write_entry(struct ctx *ctx, const struct restore_intent *intent, bool late,
                            const struct restore_report *report)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char begun_at[CLOCK_ISO_SIZE];
        CLEANUP(json_decrefp)
        json_t *details =
                json_pack("{s:s, s:s?, s:i, s:i, s:I, s:I}", "source", intent->source, "safety",
                          report->safety, "from_version", (int)report->from_version, "to_version",
                          (int)report->to_version, "audit_cut_from", (json_int_t)report->cut_from,
                          "audit_cut_to", (json_int_t)report->cut_to);
        const struct audit_entry entry = {
                .event_type = "backup.restored",
                .target_type = "backup",
                .target_id = intent->source,
                .action = late ? "Restored the database from a backup; told late, because the "
                                 "process that did it could not"
                               : "Restored the database from a backup",
                .details = details,
        };
        enum err rc = details ? db_begin(ctx, &tx) : ctx_nomem(ctx);

        clock_format_iso(intent->begun_at_us, begun_at);
        if (rc == OK && late &&
            json_object_set_new(details, "begun_at", json_string(begun_at)) != 0)
                rc = ctx_nomem(ctx);
        if (rc == OK)
                rc = store_continuity_put(ctx, &intent->before);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err settle(struct ctx *ctx, const struct restore_intent *intent, bool late,
                       struct restore_report *report)
{
        struct migrate_status status;
        unsigned applied;
        int64_t first_id;
        enum err rc = migrate_check(ctx, &status);

        if (rc == OK && status.state == MIGRATE_BEHIND)
                rc = migrate_run(ctx, &applied);
        report->from_version = status.current;
        report->to_version = status.newest;
        if (rc == OK && intent->restart_audit)
                rc = audit_chain_restart(ctx, &first_id);
        if (rc == OK)
                rc = write_entry(ctx, intent, late, report);
        if (rc == OK)
                rc = restore_finish(ctx);
        return rc == OK ? restore_intent_drop(ctx) : rc;
}

static enum err is_untold(struct ctx *ctx, const struct restore_intent *intent, bool *ret)
{
        int64_t begun_at_us;
        enum err rc = store_restore_untold(ctx, &begun_at_us);

        if (rc == OK)
                *ret = begun_at_us == intent->begun_at_us;
        return rc;
}

/* ---- by another process ---- */

/* ret_stale: it came to nothing. A psql may outlive who started it, so that takes a while. */
static enum err look(struct ctx *ctx, struct restore_intent *ret, bool *ret_untold, bool *ret_stale)
{
        enum err rc = restore_intent_read(ctx, ret);

        *ret_untold = *ret_stale = false;
        if (rc == OK)
                rc = is_untold(ctx, ret, ret_untold);
        if (rc == OK)
                *ret_stale =
                        !*ret_untold && clock_wall_us(ctx->clock) - ret->begun_at_us > STALE_US;
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* In the name of who asked. */
static enum err tell_for(struct ctx *ctx, const struct restore_intent *intent)
{
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        const struct actor self = ctx->actor;
        struct restore_report report = { .safety = intent->safety,
                                         .cut_from = intent->cut_from,
                                         .cut_to = intent->cut_to };
        enum err rc;

        ctx_topic_keep(ctx, &topic);
        ctx_adopt_correlation_id(ctx, intent->correlation_id);
        ctx->actor = (struct actor){ .kind = intent->actor_id ? ACTOR_USER : ACTOR_LOCAL_ADMIN,
                                     .name = intent->actor,
                                     .user_id = intent->actor_id };
        snprintf(ctx->client, sizeof(ctx->client), "%s", intent->client);
        rc = settle(ctx, intent, true, &report);
        ctx->actor = self;
        ctx->client[0] = '\0';
        return rc;
}

enum err restore_tell(struct ctx *ctx)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct restore_intent intent;
        bool untold, stale;
        enum err rc;

        if (database_path(ctx->cloud->database)) /* SQLite's has its entry from the first */
                return OK;
        rc = look(ctx, &intent, &untold, &stale);
        if (rc != OK || !(untold || stale))
                return rc;
        rc = backup_lock_take(ctx, &lock);
        if (rc != OK)
                return rc == ERR_CONFLICT ? OK : rc;
        rc = look(ctx, &intent, &untold, &stale); /* it may have been told just now */
        if (rc == OK && untold)
                return tell_for(ctx, &intent);
        return rc == OK && stale ? restore_intent_drop(ctx) : rc;
}

/* ---- the change ---- */

static enum err put_back(struct ctx *ctx, const char *path, const char *dir, int64_t begun_at_us)
{
        enum err rc = ERR_UNAVAILABLE;

        for (int attempt = 0; rc == ERR_UNAVAILABLE && attempt < ATTEMPTS; attempt++)
                rc = backup_pgsql_restore(ctx, path, dir, begun_at_us);
        db_disconnect(ctx);
        return rc;
}

/* It failed, as far as we know. OK: it did not. While the database does not say, all is left to
 * restore_tell. */
static enum err look_after_failure(struct ctx *ctx, const struct restore_intent *intent,
                                   enum err rc)
{
        char detail[CTX_DETAIL_SIZE];
        bool untold = false;
        enum err asked, dropped;

        memcpy(detail, ctx->detail, sizeof(detail));
        asked = is_untold(ctx, intent, &untold);
        if (asked == OK && untold)
                return OK;
        dropped = asked == OK ? restore_intent_drop(ctx) : OK;
        if (asked == OK && dropped == OK)
                dropped = audit_note_expect(ctx, NULL);
        if (dropped != OK)
                return dropped;
        memcpy(ctx->detail, detail, sizeof(detail));
        return rc;
}

static enum err prepare(struct ctx *ctx, const struct audit_head *head,
                        struct restore_intent *intent)
{
        struct audit_head old = { 0 };
        enum err rc = store_continuity_get(ctx, &intent->before);

        if (rc == OK)
                rc = store_audit_head_get(ctx, &old);
        if (rc == OK && old.audit_id > head->audit_id) {
                intent->cut_from = head->audit_id + 1;
                intent->cut_to = old.audit_id;
        }
        if (rc == OK)
                rc = restore_intent_write(ctx, intent);
        if (rc == OK && head->mac && !intent->restart_audit)
                rc = audit_note_expect(ctx, head);
        FAULT_POINT("restore.noted");
        return rc;
}

static enum err restore(struct ctx *ctx, const struct backup *backup,
                        const struct restore_wish *wish, const char *dir,
                        struct restore_report *report)
{
        const char *path = arena_printf(ctx->arena, "%s/%s", backup->path, backup->file);
        struct restore_intent intent = {
                .source = wish->source,
                .safety = report->safety,
                .restart_audit = wish->restart_audit,
                .actor = ctx_actor_name(ctx),
                .client = ctx->client,
                .correlation_id = ctx->correlation_id,
                .actor_id = ctx->actor.user_id,
                .begun_at_us = clock_wall_us(ctx->clock),
        };
        enum err rc = path ? prepare(ctx, &backup->audit_head, &intent) : ctx_nomem(ctx);

        if (rc != OK)
                return rc;
        report->cut_from = intent.cut_from;
        report->cut_to = intent.cut_to;
        rc = put_back(ctx, path, dir, intent.begun_at_us);
        if (rc != OK)
                rc = look_after_failure(ctx, &intent, rc);
        return rc == OK ? settle(ctx, &intent, false, report) : rc;
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
