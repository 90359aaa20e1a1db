/* The database itself: how large, what is in it, and whether it is sound. On a connection of
 * core/db/upkeep.h, whose limit these heed. */
#ifndef CORE_STORE_STORE_UPKEEP_H
#define CORE_STORE_STORE_UPKEEP_H

#include "core/db/db.h"

struct upkeep_size {
        int64_t bytes;
        int64_t page_count, page_size, free_pages; /* SQLite; else 0 */
        int64_t tables;
};
NODISCARD enum err store_upkeep_size(struct ctx *ctx, struct upkeep_size *ret);

struct upkeep_table {
        struct upkeep_table *next;
        const char *name;
        int64_t bytes; /* with its indexes; -1: not known */
        int64_t rows;  /* -1: not counted */
};
/* All tables by name, in the arena; rows are not counted yet. Faults. */
NODISCARD enum err store_upkeep_tables(struct ctx *ctx, struct upkeep_table **ret);
NODISCARD enum err store_upkeep_count(struct ctx *ctx, struct upkeep_table *table);

struct upkeep_finding {
        struct upkeep_finding *next;
        const char *text;
};
#define UPKEEP_FINDINGS_MAX 100 /* of a kind */
/* SQLite: what its own check of the whole file finds; PostgreSQL: indexes that are not valid. */
NODISCARD enum err store_upkeep_integrity(struct ctx *ctx, struct upkeep_finding **ret);
/* SQLite: "Table T: row R references missing P.C"; PostgreSQL: constraints that were not checked
 * against all rows. */
NODISCARD enum err store_upkeep_references(struct ctx *ctx, struct upkeep_finding **ret);

#endif
