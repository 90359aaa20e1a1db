/* Moving the rows of one table from a database to another one, whatever their kinds: both are read
 * in the order of the primary key, side by side, and what is not alike is made so. That is how a
 * copy begins, how it goes on after it was stopped, and how it is verified. */
#ifndef CORE_STORE_STORE_COPY_H
#define CORE_STORE_STORE_COPY_H

#include "core/base/crypto.h"
#include "core/store/store_copy_tables.h"

enum copy_pass {
        COPY_PRUNE,   /* remove rows that are not in the source, and, where nothing refers to the
                         table, those that have changed there */
        COPY_FILL,    /* write rows that are missing or have changed */
        COPY_COMPARE, /* write nothing; name what differs, and hash the rows of the destination */
        COPY_PASS_COUNT
};

enum copy_difference { COPY_MISSING, COPY_CHANGED, COPY_EXTRA, COPY_DIFFERENCE_COUNT };
typedef void copy_difference_fn(void *arg, const struct copy_table *table,
                                enum copy_difference what, const char *key);
/* How many rows of the table have been read in this pass, now and then. */
typedef void copy_progress_fn(void *arg, const struct copy_table *table, enum copy_pass pass,
                              int64_t rows);

/* Each ctx has a database connection of its own. A failure is told in from. */
struct copy_sides {
        struct ctx *from;  /* in a snapshot (bulk.h) */
        struct ctx *to;    /* reads the destination */
        struct ctx *write; /* writes to it; NULL where only COPY_COMPARE is asked for */
        copy_difference_fn *difference; /* of COPY_COMPARE */
        copy_progress_fn *progress;
        void *arg;
};

struct copy_result {
        int64_t from_rows, to_rows;
        int64_t differences[COPY_DIFFERENCE_COUNT]; /* found in this pass */
        int64_t written;                            /* and put right */
        unsigned char sha256[SHA256_SIZE];          /* COPY_COMPARE: of the destination's rows */
};

/* Batches are transactions: after kill -9 at any time the same call goes on behind the last one.
 * ERR_CONFLICT: a constraint of the destination refuses a row. ERR_INVALID: as copy_scan_next.
 * Faults. */
NODISCARD enum err store_copy_table(const struct copy_sides *sides, const struct copy_table *table,
                                    enum copy_pass pass, struct copy_result *ret);

/* Read all rows of a table: how many, their hash, and whether every database can hold them.
 * ERR_INVALID: as copy_scan_next. Faults. */
NODISCARD enum err store_copy_read(struct ctx *ctx, const struct copy_table *table,
                                   int64_t *ret_rows, unsigned char ret_sha256[SHA256_SIZE]);

/* The first table that holds rows which no migration put there, in the arena; NULL: none does. */
NODISCARD enum err store_copy_find_rows(struct ctx *ctx, const struct copy_table *tables,
                                        const char **ret);

#endif
