/* Beginning a generation of the kept log: a copy of the database file as it lies on the disk, taken
 * while others write, and all of the log there is when it is done. The copy alone may be of no one
 * moment; with the log over it, it is the database at the end of that log. */
#ifndef CORE_CLOUD_WAL_WAL_BASE_H
#define CORE_CLOUD_WAL_WAL_BASE_H

#include "core/cloud/wal/wal_position.h"

/* Called between two pieces of the copy, and a last time behind it: to go on with the generation
 * before. A failure ends the copy. */
typedef enum err wal_tick_fn(struct ctx *ctx, void *arg, bool is_last);

struct wal_base_wish {
        const char *reason;
        bool follows;      /* on *position, without a gap */
        wal_tick_fn *tick; /* NULL: there is nothing to go on with */
        void *arg;
};

/* source holds a transaction, and it is the caller who lets nobody backfill the log before this
 * ends. On success *position is the new generation's, and source holds the moment it begins with.
 * ERR_CONFLICT: the log was begun anew in a bad moment, try again. ERR_NO_SPACE. Faults. */
NODISCARD enum err wal_base_begin(struct ctx *ctx, const struct wal_base_wish *wish,
                                  struct wal_source *source, struct wal_position *position);

#endif
