/* What a copy of a whole database leaves in its destination while it is under way: one table, which
 * is gone when the copy is finished. Nobody else may use the database before. */
#ifndef CORE_STORE_STORE_COPY_STATE_H
#define CORE_STORE_STORE_COPY_STATE_H

#include "core/db/db.h"

struct copy_state {
        const char *source_id; /* store_copy_source_id of where the rows come from */
        const char *source;    /* for people: no password in it */
        const char *table;     /* written last; "": none yet */
        int64_t rows;          /* written so far */
        int64_t started_at_us;
};

/* ERR_NOT_FOUND: the database is no unfinished copy. In the arena. Faults. */
NODISCARD enum err store_copy_state_get(struct ctx *ctx, struct copy_state *ret);
/* OK: it is none. ERR_NOT_READY: it is; detail says of what, and what to do. Faults. */
NODISCARD enum err store_copy_check_finished(struct ctx *ctx);

/* Inside transactions: begin, note what was written, and end. Faults. */
NODISCARD enum err store_copy_state_begin(struct ctx *ctx, const struct copy_state *state);
NODISCARD enum err store_copy_state_note(struct ctx *ctx, const char *table, int64_t rows);
NODISCARD enum err store_copy_state_end(struct ctx *ctx);

/* A migrated database's own mark: when each migration was applied, hashed. A copy gets it from its
 * source at its end (store_copy_take_times). In the arena. Faults. */
NODISCARD enum err store_copy_source_id(struct ctx *ctx, const char **ret);
/* Inside a transaction of to: migrations were applied when they were in from. Faults. */
NODISCARD enum err store_copy_take_times(struct ctx *from, struct ctx *to);

#endif
