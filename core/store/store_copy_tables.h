/* The tables of a database as they stand, for moving all their rows to a database of another kind:
 * read from the live schema, so that no list has to be kept beside the migrations. */
#ifndef CORE_STORE_STORE_COPY_TABLES_H
#define CORE_STORE_STORE_COPY_TABLES_H

#include "core/db/db.h"

struct copy_column {
        struct copy_column *next;
        const char *name;
        bool is_integer; /* of 64 bits; else a text */
        unsigned key;    /* its place in the primary key from 1; 0: not in it */
};

struct copy_table {
        struct copy_table *next;
        const char *name;
        struct copy_column *columns;
        unsigned column_count, key_count;
        unsigned *key;      /* numbers of the key's columns from 0, in the order of the key */
        unsigned depth;     /* more than that of every table that it refers to */
        bool is_referenced; /* by another table */
};

/* Tables that hold rows of the service, those that others refer to first, in the arena. The tables
 * of migrations, of rate limits and of a copy are none of them. ERR_UNSUPPORTED: a table without a
 * primary key, a column that is neither BIGINT nor TEXT, or tables that refer to each other in a
 * circle. Faults. */
NODISCARD enum err store_copy_tables(struct ctx *ctx, struct copy_table **ret);

/* The same tables with the same columns and keys? ERR_CONFLICT: the first that is not, in ctx. */
NODISCARD enum err store_copy_same_tables(struct ctx *ctx, const struct copy_table *from,
                                          const struct copy_table *to);

#endif
