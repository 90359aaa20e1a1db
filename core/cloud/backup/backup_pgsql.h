/* The PostgreSQL half of backups: its own programs pg_dump and pg_restore do the work. Private to
 * backup*.c. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_PGSQL_H
#define CORE_CLOUD_BACKUP_BACKUP_PGSQL_H

#include "core/cloud/backup/backup.h"

/* As backup_sqlite_make. ERR_NOT_READY: there is no pg_dump that is new enough; detail says so. */
NODISCARD enum err backup_pgsql_make(struct ctx *ctx, const struct backup_new *made,
                                     struct backup *backup);

/* Can pg_restore read the archive? */
NODISCARD enum err backup_pgsql_check(struct ctx *ctx, const char *path);

/* Put the archive in the place of what is there, in one transaction. dir: for files that only we
 * may read, which are gone afterwards. begun_at_us: for store_restore_untold. */
NODISCARD enum err backup_pgsql_restore(struct ctx *ctx, const char *path, const char *dir,
                                        int64_t begun_at_us);

/* Restore it into a database of its own and compare its rows with the manifest. ERR_DENIED: the
 * role may make no database. */
NODISCARD enum err backup_pgsql_rehearse(struct ctx *ctx, const struct backup *backup,
                                         const char *dir);

#endif
