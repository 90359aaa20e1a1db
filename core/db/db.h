/* Statements, rows and transactions over SQLite or PostgreSQL, one connection per thread.
 * Writing happens only inside a transaction (db_begin); outside one the connection is read-only.
 * SQL is written once with $1 placeholders and lives in core/store; statements are kept prepared,
 * so sql must be a string constant. */
#ifndef CORE_DB_DB_H
#define CORE_DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/db/database.h"

struct db; /* one thread's connection */
struct db_stmt;

/* A thread's connection; connects on first use and anew after a failure. NULL: out of memory. */
NODISCARD struct db *db_new(struct database *database);
void db_free(struct db *db);
DEFINE_CLEANUP(struct db *, db_free)
const char *db_dialect(const struct db *db); /* of SQL: "sqlite", "pgsql", "mysql" */

/* Start a statement. types has one letter per placeholder, in order of their numbers:
 *   t const char *, NULL is SQL NULL     i int64_t       d double
 *   z int64_t, 0 is SQL NULL (times that are not set)
 * Texts must stay valid until the first db_step. Faults only. */
NODISCARD enum err db_query(struct ctx *ctx, struct db_stmt **ret, const char *sql,
                            const char *types, ...);
void db_stmt_free(struct db_stmt *stmt);
DEFINE_CLEANUP(struct db_stmt *, db_stmt_free)

/* OK: a row is there | ERR_NOT_FOUND: no more | ERR_CONFLICT: a constraint refused it | faults. */
NODISCARD enum err db_step(struct ctx *ctx, struct db_stmt *stmt);

/* db_query and its first row. OK: it is there | ERR_NOT_FOUND: there is none | ERR_CONFLICT |
 * faults. */
NODISCARD enum err db_first(struct ctx *ctx, struct db_stmt **ret, const char *sql,
                            const char *types, ...);

/* Columns of the current row, from 0. NULL reads as NULL, 0, 0.0. Text is borrowed until the next
 * db_step; db_text_dup copies it into the arena (ERR_NOMEM). */
const char *db_text(struct db_stmt *stmt, unsigned column);
int64_t db_int(struct db_stmt *stmt, unsigned column);
double db_real(struct db_stmt *stmt, unsigned column);
NODISCARD enum err db_text_dup(struct ctx *ctx, struct db_stmt *stmt, unsigned column,
                               const char **ret);

/* The first column of the first row, for a statement that answers one number; types and what follow
 * as for db_query. ERR_NOT_FOUND: there is no row. Faults. */
NODISCARD enum err db_number(struct ctx *ctx, int64_t *ret, const char *sql, const char *types,
                             ...);

/* How rows become a list in the arena: of a record whose member "next" links them. */
struct db_list {
        size_t size, next;
        enum err (*copy)(struct ctx *ctx, struct db_stmt *stmt, void *row);
};
#define DB_LIST(type, copy) ((struct db_list){ sizeof(type), offsetof(type, next), (copy) })
/* All rows that are left; *ret points to a pointer to the record, NULL when there are none. Faults,
 * and what copy returns. */
NODISCARD enum err db_collect(struct ctx *ctx, struct db_stmt *stmt, struct db_list list,
                              void *ret);

/* Run a statement without rows, inside a transaction. ret_changed may be NULL: rows written. */
NODISCARD enum err db_run(struct ctx *ctx, int64_t *ret_changed, const char *sql, const char *types,
                          ...);

/* A transaction is a guard: CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
 * No other work than statements belongs inside: on SQLite every writer waits behind it. */
struct db_tx {
        struct ctx *ctx; /* NULL: not open */
};
NODISCARD enum err db_begin(struct ctx *ctx, struct db_tx *ret_tx);
NODISCARD enum err db_commit(struct db_tx *tx); /* OK: durable. ERR_UNAVAILABLE: nothing written */
void db_rollback_unless_committed(struct db_tx *tx);

/* Is this thread inside one? */
bool db_in_transaction(const struct ctx *ctx);

/* Inside a transaction: hold name until it ends, one holder over all processes and hosts. */
NODISCARD enum err db_lock(struct ctx *ctx, const char *name);

/* Inside a transaction: the next number of a row of the table counters. Numbers are given in the
 * order of commits: until this transaction ends, all who want the next one wait. ERR_INTERNAL:
 * there is no such counter. */
NODISCARD enum err db_next(struct ctx *ctx, const char *counter, int64_t *ret);

/* Inside a transaction: when it is committed, all who are in db_wait learn of it, in all processes
 * and on all hosts. */
NODISCARD enum err db_notify(struct ctx *ctx);

/* Outside one: wait until somebody else has committed a transaction with db_notify since the last
 * wait of this connection, at most timeout_ms. *ret_changed: so it may be (other commits count too,
 * and so does the first wait of a connection); false: time is up. */
NODISCARD enum err db_wait(struct ctx *ctx, unsigned timeout_ms, bool *ret_changed);

/* All that is done on this connection from now on together may last so long, connecting included;
 * what is not done then fails with ERR_UNAVAILABLE, and the connection is closed. 0: without limit,
 * as at first. Where threads share a writer (sqlite, unless database_open_as) it bounds reading. */
void db_set_timeout(struct ctx *ctx, unsigned timeout_ms);

/* Close this thread's connection until it is used again. Outside transactions and statements. */
void db_disconnect(struct ctx *ctx);

/* For migrations: several statements at once, inside a transaction; and a look for a table. */
NODISCARD enum err db_exec_script(struct ctx *ctx, const char *sql);
/* Write a consistent copy of a SQLite database to a file that must not exist yet. */
NODISCARD enum err db_copy_to(struct ctx *ctx, const char *path);
NODISCARD enum err db_has_table(struct ctx *ctx, const char *table, bool *ret_exists);

#endif
