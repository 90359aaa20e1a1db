/* Writing rows of one table in batches, each of them a transaction that also notes the progress. */
#ifndef CORE_STORE_STORE_COPY_WRITE_H
#define CORE_STORE_STORE_COPY_WRITE_H

#include "core/base/buf.h"
#include "core/store/store_copy_rows.h"

enum copy_change { COPY_INSERT, COPY_REPLACE, COPY_DELETE, COPY_CHANGE_COUNT };

struct copy_writer {
        struct ctx *ctx;
        const struct copy_table *table;
        const char *sql[COPY_CHANGE_COUNT], *load; /* load: NULL where there is no such thing */
        struct db_stmt *stmts[COPY_CHANGE_COUNT];
        struct db_tx tx;
        struct buf rows;    /* waiting to be loaded */
        int64_t batch_rows; /* of this transaction */
        size_t batch_bytes;
};

/* Faults. */
NODISCARD enum err copy_writer_open(struct ctx *ctx, const struct copy_table *table,
                                    struct copy_writer *ret);
/* What has no transaction behind it is rolled back. */
void copy_writer_close(struct copy_writer *writer);
/* The row as it is in the source, or of COPY_DELETE in the destination. ERR_CONFLICT, faults. */
NODISCARD enum err copy_writer_add(struct copy_writer *writer, enum copy_change change,
                                   const struct copy_scan *row);
/* Commit what is left. ERR_CONFLICT, faults. */
NODISCARD enum err copy_writer_flush(struct copy_writer *writer);

#endif
