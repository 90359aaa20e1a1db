/* Whole tables at a time, for those who move databases: one moment of a database, statements made
 * at run time, rows as they are stored, and many written at once. On databases of database_open_as
 * only: all of it is done on the connection of the thread. */
#ifndef CORE_DB_BULK_H
#define CORE_DB_BULK_H

#include "core/db/db.h"
#include "core/db/value.h"

/* A reading transaction: until it ends, all that is read is of this moment. Faults. */
NODISCARD enum err bulk_begin_snapshot(struct ctx *ctx, struct db_tx *ret_tx);

/* Read all rows of a statement without placeholders, one at a time and in bounded memory, by
 * db_step. Nothing else is done on this connection until db_stmt_free; what is not read by then
 * costs it the connection. sql lives as long as the statement. Faults. */
NODISCARD enum err bulk_scan(struct ctx *ctx, struct db_stmt **ret, const char *sql);
/* A column of the current row, from 0. PostgreSQL's are DB_TEXT or DB_NULL. Borrowed until the
 * next db_step. */
struct db_value bulk_value(struct db_stmt *stmt, unsigned column);

/* Inside a transaction: a statement without rows, to be run with many sets of values: $1 is
 * values[0]. sql lives as long as the statement; the statement ends with the connection. */
NODISCARD enum err bulk_prepare(struct ctx *ctx, struct db_stmt **ret, const char *sql);
/* ERR_CONFLICT: a constraint refused it. Faults. */
NODISCARD enum err bulk_run(struct ctx *ctx, struct db_stmt *stmt, const struct db_value *values,
                            size_t count);

/* PostgreSQL: sql is a "COPY ... FROM STDIN", bytes are rows in its text format. As bulk_run. */
bool bulk_can_load(const struct ctx *ctx);
NODISCARD enum err bulk_load(struct ctx *ctx, const char *sql, const char *bytes, size_t len);

/* Is anybody else at work on the database? ret_who says who, "" when nobody is. Of SQLite: another
 * process that has the file open; to be asked before this process opens it, for asking takes away
 * the locks of the process. Of PostgreSQL: sessions of this service. Faults. */
#define BULK_WHO_SIZE 96
NODISCARD enum err bulk_who_else(struct ctx *ctx, char ret_who[BULK_WHO_SIZE]);

#endif
