/* What backups need of the tables: numbers that go on after a restore, the count of restores, and
 * on PostgreSQL the rows of every table as of a snapshot. */
#ifndef CORE_STORE_STORE_BACKUP_H
#define CORE_STORE_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* How often a backup was put back into this database. Faults. */
NODISCARD enum err store_restores(struct ctx *ctx, int64_t *ret);

/* PostgreSQL: when the restore began that was done and whose entry is missing in the audit log;
 * 0: there is none. Faults. */
NODISCARD enum err store_restore_untold(struct ctx *ctx, int64_t *ret_us);

/* When the database was made: of its oldest migration. Faults. */
NODISCARD enum err store_database_since(struct ctx *ctx, int64_t *ret_us);

/* What a database that is put back takes over from the one it replaces: numbers that somebody
 * outside may remember, and what is known of backups. */
struct store_continuity {
        int64_t restores, event;                                 /* counters */
        int64_t success_us, verified_us, bytes, took_us, failed; /* of backups; 0: not known */
};
NODISCARD enum err store_continuity_get(struct ctx *ctx, struct store_continuity *ret);
/* Inside a transaction: go on from whichever is further, and count a restore, which is told. */
NODISCARD enum err store_continuity_put(struct ctx *ctx, const struct store_continuity *from);

/* PostgreSQL, outside transactions: begin to see one moment on this connection, until
 * store_snapshot_end. *ret_name: for pg_dump --snapshot, in the arena. Faults. */
NODISCARD enum err store_snapshot_begin(struct ctx *ctx, const char **ret_name);
void store_snapshot_end(struct ctx *ctx);

/* PostgreSQL: call row for each table of the schema that new tables go to, by name. Faults. */
typedef enum err store_table_fn(struct ctx *ctx, void *arg, const char *table, int64_t rows);
NODISCARD enum err store_tables_each(struct ctx *ctx, store_table_fn *row, void *arg);

/* PostgreSQL: the server's major version, the name of that schema, and the size of the database.
 * In the arena. Faults. */
struct store_server {
        int64_t major, bytes;
        const char *schema;
};
NODISCARD enum err store_server_get(struct ctx *ctx, struct store_server *ret);

/* Scripts for psql around what pg_restore writes, in one transaction: the first makes room, taking
 * the place of every table there is; the last is the commit, with which the restore that began then
 * is untold. In the arena. Faults. */
NODISCARD enum err store_restore_head(struct ctx *ctx, const char **ret);
NODISCARD enum err store_restore_tail(struct ctx *ctx, const struct store_continuity *from,
                                      int64_t begun_at_us, const char **ret);
/* The same for a database that is made for it and thrown away. */
NODISCARD enum err store_rehearsal_make(struct ctx *ctx, const char *database, const char **ret);
NODISCARD enum err store_rehearsal_head(struct ctx *ctx, const char **ret);
NODISCARD enum err store_rehearsal_drop(struct ctx *ctx, const char *database, const char **ret);

#endif
