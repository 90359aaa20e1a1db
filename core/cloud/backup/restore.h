/* Putting a database back while the service runs. The new contents take the place of the old ones
 * in one transaction of the live database: whoever is killed at whatever instant, it is the old or
 * the new one, all processes keep their connections, and what they remember of the old one is
 * forgotten. Before that the old one is backed up. A SQLite file that is too damaged for this is
 * copied aside and replaced, and all processes connect to the new one by themselves. Choosing and
 * unpacking a backup: backup.h. */
#ifndef CORE_CLOUD_BACKUP_RESTORE_H
#define CORE_CLOUD_BACKUP_RESTORE_H

#include "core/cloud/backup/backup_lock.h"

struct restore_wish {
        const char *path;   /* a verified SQLite file that is the caller's own: it is changed */
        const char *source; /* what it was made from, for the audit log: a backup's id */
        const char *until;  /* the moment it is of, when that is no backup's own; NULL */
        bool restart_audit; /* its audit log is of another key: begin a new chain */
        bool no_safety;     /* do not back the live database up first */
};

struct restore_report {
        const char *safety; /* id of the backup of the old database, or path of its copy; NULL */
        unsigned from_version, to_version; /* of its schema, before and after migrating it */
        int64_t cut_from, cut_to;          /* entries of the audit log that are gone; 0: none */
        bool replaced_file;                /* SQLite refused the live file: another is there now */
};

/* Bring the file at wish->path to this program's schema, make a safety backup "before_restore" of
 * the live database, and put the file's contents in its place, with an entry "backup.restored" in
 * the audit log. The caller holds lock, and has checked the file (sqlite_copy_check).
 * ERR_CONFLICT: its schema is newer than this program, or its audit log is not signed with the key
 * that is set here. ERR_UNSUPPORTED: the live database is not SQLite. ERR_NO_SPACE. Faults. */
NODISCARD enum err restore_sqlite_file(struct ctx *ctx, const struct backup_lock *lock,
                                       const struct restore_wish *wish, struct restore_report *ret);

/* The same for a backup of PostgreSQL, by its own programs, in one transaction of the server; the
 * entry in the audit log follows in the next one, at the latest by restore_tell. */
struct backup;
NODISCARD enum err restore_pgsql(struct ctx *ctx, const struct backup_lock *lock,
                                 const struct backup *backup, const struct restore_wish *wish,
                                 struct restore_report *ret);

/* Did a process put a database back and die before the audit log says so? Then say it in the name
 * of who asked for it, once, and when it began. For every command, and for a background thread.
 * OK, too: somebody else is at it. As restore_pgsql. */
NODISCARD enum err restore_tell(struct ctx *ctx);

/* Has another process put a database back since this one looked last? Then forget what is
 * remembered of the old one. For a background thread. Faults. */
NODISCARD enum err restore_watch(struct ctx *ctx);

#endif
