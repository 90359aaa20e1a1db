/* The rows of one table in the order of its primary key, numbers by value and texts by their bytes
 * on every database, with values in one canonical form: NULL, a 64-bit integer, or a text. */
#ifndef CORE_STORE_STORE_COPY_ROWS_H
#define CORE_STORE_STORE_COPY_ROWS_H

#include "core/base/crypto.h"
#include "core/db/bulk.h"
#include "core/store/store_copy_tables.h"

#define COPY_COLUMNS_MAX 64
#define COPY_KEY_SIZE    200

struct copy_scan {
        struct ctx *ctx;
        const struct copy_table *table;
        struct db_stmt *stmt;
        struct db_value values[COPY_COLUMNS_MAX]; /* of the row; texts until the next */
        bool is_over;
};
#define COPY_SCAN_GUARD CLEANUP(copy_scan_close)

/* Start at the first row. Faults. */
NODISCARD enum err copy_scan_open(struct ctx *ctx, const struct copy_table *table,
                                  struct copy_scan *ret);
void copy_scan_close(struct copy_scan *scan);
/* The next row, or is_over. ERR_INVALID: a value that not every database can hold; detail names
 * table, key and column. Faults. */
NODISCARD enum err copy_scan_next(struct copy_scan *scan);

/* Less than, equal to or greater than 0. */
int copy_key_order(const struct copy_scan *a, const struct copy_scan *b);
bool copy_rows_are_equal(const struct copy_scan *a, const struct copy_scan *b);
/* "job_id=01hx..., part_number=3", cut where it is long. */
void copy_key_text(const struct copy_scan *row, char ret[COPY_KEY_SIZE]);
/* Add the row to a hash. ERR_NOMEM, ERR_INTERNAL. */
NODISCARD enum err copy_hash_row(const struct copy_scan *row, struct crypto_hash *hash);

/* A name of the schema in SQL: "name". */
struct buf;
void copy_put_name(struct buf *sql, const char *name);

#endif
