#include "core/cloud/backup/backup.h"

#include <stdio.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/backup/backup_pgsql.h"
#include "core/cloud/backup/backup_private.h"
#include "core/cloud/backup/backup_sqlite.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/store/store_totals.h"

static const char logger[] = "simpletuner.cloud.backup";

#define DESCRIPTION_MAX 500

static enum err note_success(struct ctx *ctx, const struct backup *backup)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(json_decrefp)
        json_t *details =
                json_pack("{s:I, s:b, s:s}", "size_bytes", (json_int_t)backup->size_bytes,
                          "with_config", backup->private_bytes > 0, "sha256", backup->sha256);
        const struct audit_entry entry = {
                .event_type = "backup.created",
                .target_type = "backup",
                .target_id = backup->id,
                .action = "Made a backup",
                .details = details,
        };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_total_set(ctx, TOTAL_BACKUP_SUCCESS_US, backup->created_at_us);
        if (rc == OK)
                rc = store_total_set(ctx, TOTAL_BACKUP_BYTES, backup->size_bytes);
        if (rc == OK)
                rc = store_total_set(ctx, TOTAL_BACKUP_TOOK_US, backup->took_us);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

void backup_count_failure(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char detail[CTX_DETAIL_SIZE];
        enum err rc;

        memcpy(detail, ctx->detail, sizeof(detail));
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_totals_backup_failed(ctx);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc != OK)
                log_event(ctx, LOG_WARNING, logger, "A failed backup could not be counted",
                          "reason", ctx->detail);
        memcpy(ctx->detail, detail, sizeof(detail));
}

static enum err check_wish(struct ctx *ctx, const struct backup_wish *wish)
{
        if (wish->description && strlen(wish->description) > DESCRIPTION_MAX)
                return ctx_fail(ctx, ERR_INVALID, "description must have at most %d bytes",
                                DESCRIPTION_MAX);
        return wish->with_private ? backup_private_ready(ctx) : OK;
}

static enum err fill(struct ctx *ctx, const struct backup_new *made, struct backup *backup)
{
        const int64_t start_us = clock_mono_us(ctx->clock);
        enum err rc = database_path(ctx->cloud->database) ? backup_sqlite_make(ctx, made, backup)
                                                          : backup_pgsql_make(ctx, made, backup);

        if (rc == OK && backup_private_ready(ctx) == OK)
                rc = backup_private_write(ctx, made, backup);
        backup->took_us = clock_mono_us(ctx->clock) - start_us;
        if (rc == OK)
                rc = backup_manifest_write(ctx, made, backup);
        FAULT_POINT("backup.manifest");
        return rc;
}

static enum err make(struct ctx *ctx, const struct backup_lock *lock,
                     const struct backup_wish *wish, struct backup *backup)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        char id[BACKUP_ID_SIZE];
        enum err rc = check_wish(ctx, wish);

        if (rc == OK && wish->id)
                snprintf(id, sizeof(id), "%s", wish->id);
        else if (rc == OK)
                rc = backup_new_id(ctx, lock, wish->name, id);
        if (rc == OK)
                rc = ctx_strdup(ctx, id, &backup->id);
        if (rc == OK)
                rc = backup_new_begin(ctx, lock, id, &made);
        if (rc == OK)
                rc = fill(ctx, &made, backup);
        if (rc == OK)
                rc = backup_new_end(ctx, &made, id);
        if (rc != OK)
                return rc;
        backup->path = arena_printf(ctx->arena, "%s/%s", lock->dir, id);
        backup->size_bytes = backup_files_size(lock->dir_fd, id);
        return backup->path ? OK : ctx_nomem(ctx);
}

enum err backup_make(struct ctx *ctx, const struct backup_lock *lock,
                     const struct backup_wish *wish, struct backup *ret)
{
        struct backup backup = {
                .name = wish->name,
                .description = wish->description,
                .kind = database_kind(ctx->cloud->database),
                .created_by = ctx_actor_name(ctx),
                .program_version = PACKAGE_VERSION,
        };
        enum err rc = make(ctx, lock, wish, &backup);

        if (rc == OK && !wish->quiet)
                rc = note_success(ctx, &backup);
        else if (rc != OK && rc != ERR_INVALID && !wish->quiet)
                backup_count_failure(ctx);
        if (rc == OK)
                *ret = backup;
        return rc;
}
