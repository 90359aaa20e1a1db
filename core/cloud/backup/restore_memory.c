#include "core/cloud/backup/restore_memory.h"

#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit_note.h"
#include "core/cloud/backup/restore.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/store/store_backup.h"

static const char logger[] = "simpletuner.cloud.restore";

static void forget(struct ctx *ctx, int64_t restores)
{
        struct cloud *cloud = ctx->cloud;

        atomic_store(&cloud->schema_current, false);
        atomic_store(&cloud->has_users, false);
        atomic_store(&cloud->metrics_known, 0);
        atomic_store(&cloud->newest_event, 0);
        atomic_store(&cloud->restores_seen, restores + 1);
}

enum err restore_watch(struct ctx *ctx)
{
        int64_t restores, seen = atomic_load(&ctx->cloud->restores_seen);
        enum err rc = store_restores(ctx, &restores);

        if (rc == OK && seen && seen != restores + 1) {
                log_event(ctx, LOG_WARNING, logger, "The database was restored from a backup");
                forget(ctx, restores);
        }
        if (rc == OK)
                atomic_store(&ctx->cloud->restores_seen, restores + 1);
        return rc;
}

enum err restore_finish(struct ctx *ctx)
{
        bool written;
        int64_t restores;
        enum err rc;

        db_disconnect(ctx);
        rc = store_restores(ctx, &restores);
        if (rc != OK)
                return rc;
        forget(ctx, restores);
        rc = audit_note_write(ctx, &written);
        if (rc != OK)
                log_event(ctx, LOG_WARNING, logger, "The note of the audit log is not up to date",
                          "reason", ctx->detail);
        FAULT_POINT("restore.done");
        return OK;
}

enum err restore_fail_key(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_CONFLICT,
                        "the audit log of this backup is not signed with the audit key that is set "
                        "here: bring that key back (SIMPLETUNER_AUDIT_KEY, audit.key), or give "
                        "--restart-audit to begin a new chain");
}
