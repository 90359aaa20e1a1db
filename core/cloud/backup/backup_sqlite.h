/* The SQLite half of backups. Private to backup*.c. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_SQLITE_H
#define CORE_CLOUD_BACKUP_BACKUP_SQLITE_H

#include "core/cloud/backup/backup.h"

/* Copy, check, count and pack the live database into made, and fill in what the manifest says of
 * it. ERR_NO_SPACE, ERR_CONFLICT: it is damaged. Faults. */
NODISCARD enum err backup_sqlite_make(struct ctx *ctx, const struct backup_new *made,
                                      struct backup *backup);

/* Another database, seen through a ctx of its own: the rest of it is that of ctx, whose
 * detail it shares. */
struct backup_scratch {
        struct ctx *outer;
        struct ctx ctx;
        struct database *database;
};
NODISCARD enum err backup_scratch_open(struct ctx *ctx, const char *path,
                                       struct backup_scratch *ret);
NODISCARD enum err backup_scratch_open_url(struct ctx *ctx, const char *url,
                                           struct backup_scratch *ret);
void backup_scratch_close(struct backup_scratch *scratch); /* for CLEANUP; hands the detail on */

#endif
