/* Saving what is left of a damaged SQLite database into a new file, and saying what that is. */
#ifndef CORE_CLOUD_DATABASE_DB_RECOVER_H
#define CORE_CLOUD_DATABASE_DB_RECOVER_H

#include "core/cloud/audit/audit_verify.h"
#include "core/cloud/backup/restore.h"
#include "core/db/sqlite_salvage.h"

struct db_recover_report {
        const char *from, *path, *strays; /* strays NULL: there are none */
        struct sqlite_salvage salvage;
        bool sound;                      /* integrity_check and foreign_key_check found nothing */
        const char *unsound;             /* else: the first that they found */
        unsigned schema_version, newest; /* 0: it cannot be told */
        bool audit_checked, audit_valid;
        const char *audit_trouble; /* why it was not checked; NULL */
        bool complete;             /* nothing is known to be lost */
};

/* from: NULL is the database of SIMPLETUNER_DATABASE_URL. to: NULL is a name in the home directory.
 * The damaged file and its log are read, never written, and nothing is locked: stop the service
 * before. ERR_UNSUPPORTED: PostgreSQL, or UTF-16. ERR_NOT_FOUND: there is no file. ERR_CONFLICT:
 * nothing can be found in it, or to is there. ERR_NO_SPACE. Faults. */
NODISCARD enum err db_recover(struct ctx *ctx, const char *from, const char *to,
                              struct db_recover_report *ret);

/* Is this a plain SQLite file? Keeps ctx->detail. */
bool db_recover_is_database(struct ctx *ctx, const char *path);

/* Put a plain SQLite file in the place of the live database; the file itself is only read. dry_run:
 * all but the last step. As sqlite_copy_out, sqlite_copy_check and restore_sqlite_file. */
NODISCARD enum err db_recover_put_back(struct ctx *ctx, const struct backup_lock *lock,
                                       const struct restore_wish *wish, bool dry_run,
                                       struct restore_report *ret);

#endif
