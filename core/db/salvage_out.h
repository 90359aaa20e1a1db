/* The new file that is made of a damaged one. Private to core/db. */
#ifndef CORE_DB_SALVAGE_OUT_H
#define CORE_DB_SALVAGE_OUT_H

#include "core/db/salvage_walk.h"

struct salvage_out;
struct salvage_target; /* a table in it that takes rows */

/* ERR_CONFLICT: one of them is there. */
NODISCARD enum err salvage_out_open(struct ctx *ctx, const char *path, const char *strays,
                                    uint32_t page_size, struct salvage_out **ret);
void salvage_out_free(struct salvage_out *out); /* and remove what was not ended */
DEFINE_CLEANUP(struct salvage_out *, salvage_out_free)
/* Commit and sync. ERR_NO_SPACE, ERR_UNAVAILABLE. */
NODISCARD enum err salvage_out_end(struct ctx *ctx, struct salvage_out *out);

/* Run the text of the schema. False: it cannot be; salvage_out_message says why. */
bool salvage_out_make(struct salvage_out *out, const char *sql);
const char *salvage_out_message(const struct salvage_out *out);

/* A table that was made. In the arena until salvage_out_free. ERR_NOT_FOUND: it was not. */
NODISCARD enum err salvage_target_new(struct ctx *ctx, struct salvage_out *out, const char *table,
                                      struct salvage_target **ret, uint32_t *ret_columns);
/* ERR_CONFLICT: the table does not take this row. ERR_NO_SPACE, ERR_UNAVAILABLE. */
NODISCARD enum err salvage_target_add(struct ctx *ctx, struct salvage_target *target,
                                      const struct salvage_row *row);
/* Keep a row of no table. */
NODISCARD enum err salvage_out_stray(struct ctx *ctx, struct salvage_out *out,
                                     const struct salvage_row *row);

#endif
