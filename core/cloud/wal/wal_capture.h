/* Keeping the write-ahead log of the SQLite database, so that the database of any moment can be
 * had back (wal_replay.h). One process at a time captures; it copies what was committed every
 * SIMPLETUNER_BACKUP_WAL_INTERVAL seconds, and sooner when there is much. When something else than
 * this program let the log begin anew, transactions may be missing: then a new generation begins
 * with a new copy of the database. See wal_source.h for why nothing is missing otherwise. */
#ifndef CORE_CLOUD_WAL_WAL_CAPTURE_H
#define CORE_CLOUD_WAL_WAL_CAPTURE_H

#include "core/base/ctx.h"

struct wal_capture;

/* Nothing is opened yet. NULL: out of memory. */
NODISCARD struct wal_capture *wal_capture_new(void);
void wal_capture_free(struct wal_capture *capture);
DEFINE_CLEANUP(struct wal_capture *, wal_capture_free)

/* Is the log kept: a SQLite database, and the setting? */
bool wal_capture_is_on(const struct ctx *ctx);

struct wal_look {
        bool elsewhere;    /* another process captures */
        int64_t commits;   /* transactions that were captured */
        const char *begun; /* why a generation was begun; NULL: none was */
        unsigned removed;  /* generations that were too old */
};

/* For a process that stays: look when it is time. For one thread at a time.
 * ERR_NO_SPACE, and faults: what could not be copied is copied at the next look, or a new
 * generation begins. */
NODISCARD enum err wal_capture_run(struct ctx *ctx, struct wal_capture *capture,
                                   struct wal_look *ret);

/* Look now, and leave the log to the next process as it is. For one that ends soon. */
NODISCARD enum err wal_capture_once(struct ctx *ctx, struct wal_look *ret);

#endif
