/* Whole SQLite databases: copying one while others write to it, checking one, and putting one in
 * another's place. Works on files, with connections of its own; nothing here knows what is in
 * them. */
#ifndef CORE_DB_SQLITE_COPY_H
#define CORE_DB_SQLITE_COPY_H

#include "core/base/ctx.h"

/* Write the database from, as of one moment, to the new file to (mode 0600), which is one file
 * without a journal, and not synced. Nobody who writes to from waits. ERR_CONFLICT: from is no
 * database or damaged; detail says how. ERR_NO_SPACE. Faults. */
NODISCARD enum err sqlite_copy_out(struct ctx *ctx, const char *from, const char *to);

/* Make it one file without a journal, as sqlite_copy_out left it, after it was used. Faults. */
NODISCARD enum err sqlite_copy_settle(struct ctx *ctx, const char *path);

/* PRAGMA integrity_check and foreign_key_check. ERR_CONFLICT: not good; detail has the first that
 * is wrong. Opens the file for reading only, as one that nobody else has. */
NODISCARD enum err sqlite_copy_check(struct ctx *ctx, const char *path);

/* Call row for each table but SQLite's own, by name, with the number of its rows. */
typedef enum err sqlite_table_fn(struct ctx *ctx, void *arg, const char *table, int64_t rows);
NODISCARD enum err sqlite_copy_tables(struct ctx *ctx, const char *path, sqlite_table_fn *row,
                                      void *arg);

/* Is the file at path a database at all? A malformed one is. ERR_NOT_FOUND: there is no
 * file. ERR_CONFLICT: it is something else. Faults. */
NODISCARD enum err sqlite_copy_is_database(struct ctx *ctx, const char *path);

/* Make the live database's contents those of from, in one transaction, durably; from may be
 * rewritten to live's page size. Others who write wait, those who read see the one or the other.
 * ERR_CONFLICT: live is no database, or so damaged where SQLite looks first (SQLITE_NOTADB,
 * SQLITE_CORRUPT) that it cannot be written to; damage elsewhere is written over. ERR_NO_SPACE.
 * ERR_UNAVAILABLE: others hold it for a minute. Faults. */
NODISCARD enum err sqlite_copy_into(struct ctx *ctx, const char *from, const char *live);

#endif
