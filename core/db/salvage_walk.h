/* Walking the trees of a damaged SQLite file: around what cannot be read, and never twice over a
 * page. Private to core/db. */
#ifndef CORE_DB_SALVAGE_WALK_H
#define CORE_DB_SALVAGE_WALK_H

#include "core/db/salvage_source.h"

struct salvage_row {
        uint32_t page;
        int64_t rowid;
        const struct sqlite_field *fields;
        uint32_t count;
};
typedef enum err salvage_row_fn(struct ctx *ctx, void *arg, const struct salvage_row *row);

/* Rows of a tree or a page, and what of it is gone. */
struct salvage_walk {
        struct salvage_source *source; /* borrowed */
        salvage_row_fn *row;           /* NULL: only count the entries of an index */
        void *arg;
        int64_t entries;
        uint32_t bad_pages;          /* that should be there and are not, or are damaged */
        int64_t bad_rows;            /* that are there, and cannot be read */
        struct sqlite_field *fields; /* private: room for SQLITE_FIELDS_MAX */
};
NODISCARD enum err salvage_walk_init(struct ctx *ctx, struct salvage_source *source,
                                     salvage_row_fn *row, void *arg, struct salvage_walk *ret);
void salvage_walk_done(struct salvage_walk *walk);

/* The tree whose root is this page. What row returns, ERR_NOMEM. */
NODISCARD enum err salvage_walk_tree(struct ctx *ctx, struct salvage_walk *walk, uint32_t root);

/* Rows of all pages that look like leaves of tables and belong to nothing that was walked.
 * accept: NULL, or whether a row is one that is looked for: a page with any other is left alone. */
typedef bool salvage_accept_fn(const struct salvage_row *row);
NODISCARD enum err salvage_walk_orphans(struct ctx *ctx, struct salvage_walk *walk,
                                        salvage_accept_fn *accept);

#endif
