/* Where the kept log stands: the generation and segment that are being written, and the place in
 * the database's log behind what is in them. */
#ifndef CORE_CLOUD_WAL_WAL_POSITION_H
#define CORE_CLOUD_WAL_WAL_POSITION_H

#include "core/cloud/wal/wal_archive.h"
#include "core/cloud/wal/wal_segment.h"

#define WAL_PATH_SIZE 4096

struct wal_position {
        bool is_known; /* false: there is no generation that could be gone on with */
        char generation[WAL_PATH_SIZE]; /* path of its directory */
        int64_t number, first_us;       /* of the generation */
        unsigned segment_number;        /* 0: none yet */
        struct wal_segment segment;     /* its fd is -1 when none is open */
        struct wal_point point;
};
#define WAL_POSITION_NONE ((struct wal_position){ .segment = { .fd = -1 } })
void wal_position_done(struct wal_position *position);

/* Open the newest generation at its end. *ret->is_known is false when there is none, or when it is
 * damaged: ctx->detail then says how. ERR_UNAVAILABLE, ERR_NOMEM. */
NODISCARD enum err wal_position_resume(struct ctx *ctx, struct wal_position *ret);

/* How the log of now relates to what is kept. */
enum wal_verdict {
        WAL_NOTHING_NEW,
        WAL_GOES_ON,   /* in the same log */
        WAL_NEW_LOG,   /* which was begun where the kept one ends */
        WAL_NOT_KNOWN, /* transactions may be missing in between */
};
/* is_held: a transaction was held since the position was reached. */
enum wal_verdict wal_position_compare(const struct wal_position *position,
                                      const struct wal_index *index, bool is_held);

/* Append what is new, in a segment of its own when it is of a new log. As wal_segment_append. */
NODISCARD enum err wal_position_append(struct ctx *ctx, struct wal_position *position,
                                       struct wal_source *source, const struct wal_index *index);

#endif
