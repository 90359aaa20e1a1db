/* Where kept pieces of the write-ahead log lie: {backup directory}/wal/{generation}/ has a copy of
 * the database file, base.db.gz; the segments from the moment of that copy on, without a gap; and
 * generation.json, which says what it is. A generation ends when another is begun: once a day, or
 * because transactions may be missing. The file "alive" there is locked by the one process that
 * captures; its time is when that looked last. */
#ifndef CORE_CLOUD_WAL_WAL_ARCHIVE_H
#define CORE_CLOUD_WAL_WAL_ARCHIVE_H

#include "core/base/ctx.h"

#define WAL_DIRECTORY  "wal" /* in the backup directory */
#define WAL_BASE_FILE  "base.db.gz"
#define WAL_ALIVE_FILE "alive"

struct wal_generation {
        struct wal_generation *next;
        const char *id;   /* its directory: number, time */
        const char *path; /* of the directory */
        int64_t number;
        const char *reason; /* why it was begun */
        bool follows;       /* nothing is missing between the one before and this */
        const char *base_sha256;
        int64_t base_bytes;
        int64_t first_us;          /* the first moment that can be restored */
        int64_t previous_until_us; /* the last one of the generation before; 0: there was none */
        int64_t until_us;          /* the last moment of this one */
        unsigned segments;         /* files, numbered from 1 */
        int64_t bytes;             /* of all its files */
};

/* The directory. ERR_NOMEM. */
NODISCARD enum err wal_archive_dir(struct ctx *ctx, const char **ret);

/* All generations, oldest first, in the arena; NULL: none. Directories without a good
 * generation.json are left out. ERR_UNAVAILABLE, ERR_NOMEM. */
NODISCARD enum err wal_archive_list(struct ctx *ctx, struct wal_generation **ret);

/* When was the last look, of whichever process; 0: never. */
int64_t wal_archive_alive_us(struct ctx *ctx);

/* The path of a segment. NULL: out of memory. */
const char *wal_archive_segment(struct ctx *ctx, const char *generation_path, unsigned number);

/* Write generation.json into the directory at path, durably. ERR_UNAVAILABLE, ERR_NOMEM. */
NODISCARD enum err wal_archive_describe(struct ctx *ctx, const char *path,
                                        const struct wal_generation *generation);

/* Remove generations that ended before oldest_us, but the newest; and what was never finished.
 * Only the process that captures may. *ret_removed: how many. ERR_UNAVAILABLE. */
NODISCARD enum err wal_archive_prune(struct ctx *ctx, int64_t oldest_us, unsigned *ret_removed);

#endif
