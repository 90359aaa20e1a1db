/* Putting the SQLite database of a moment back. */
#ifndef CORE_CLOUD_WAL_WAL_RESTORE_H
#define CORE_CLOUD_WAL_WAL_RESTORE_H

#include "core/cloud/backup/restore.h"
#include "core/cloud/wal/wal_replay.h"

struct wal_restore_wish {
        int64_t to_us;                 /* or WAL_LATEST */
        bool dry_run;                  /* all but the last step */
        bool restart_audit, no_safety; /* as in struct restore_wish */
};

/* Find how to get there, make that database, check it, and put it in the place of the live one as
 * restore_sqlite_file does. ERR_UNSUPPORTED: the database is not SQLite. Else as wal_replay_find,
 * wal_replay_write, sqlite_copy_check and restore_sqlite_file. */
NODISCARD enum err wal_restore(struct ctx *ctx, const struct backup_lock *lock,
                               const struct wal_restore_wish *wish, struct wal_reach *ret_reach,
                               struct restore_report *ret);

#endif
