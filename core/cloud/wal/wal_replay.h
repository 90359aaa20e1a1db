/* The database of a moment, made of what wal_capture.h keeps: a copy of the file, and all
 * transactions that were captured up to then. */
#ifndef CORE_CLOUD_WAL_WAL_REPLAY_H
#define CORE_CLOUD_WAL_WAL_REPLAY_H

#include "core/cloud/wal/wal_archive.h"

/* A stretch of time that can be gone back to. */
struct wal_window {
        struct wal_window *next;
        int64_t from_us, until_us;
        const char *reason; /* why it begins only then: that of its first generation */
};
/* Oldest first, in the arena; NULL: none. ERR_UNAVAILABLE, ERR_NOMEM. */
NODISCARD enum err wal_windows(struct ctx *ctx, struct wal_window **ret);

#define WAL_LATEST INT64_MAX

/* How to get to a moment. */
struct wal_reach {
        const struct wal_generation *generation;
        unsigned segments; /* files that are needed, the first ones of the generation */
        unsigned members;  /* captures in them */
        int64_t transactions;
        int64_t reached_us; /* all that was committed until then is in it */
        int64_t missing_us; /* the next capture that found more; 0: there is none */
};

/* to_us: the moment, or WAL_LATEST. ERR_NOT_FOUND: it is in no window; detail says which there are.
 * ERR_CONFLICT: what is kept is damaged before that moment; detail says until when it is good.
 * Faults. */
NODISCARD enum err wal_replay_find(struct ctx *ctx, int64_t to_us, struct wal_reach *ret);

/* Write that database to path, a new file with mode 0600, one file without a journal, synced.
 * ERR_CONFLICT: damaged; detail says what. ERR_NO_SPACE. Faults. On failure there is no file. */
NODISCARD enum err wal_replay_write(struct ctx *ctx, const struct wal_reach *reach,
                                    const char *path);

#endif
