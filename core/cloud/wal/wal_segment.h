/* A kept piece of the write-ahead log: {number}.wal.gz has one log from its first frame on. Each
 * capture appends a gzip member with the frames that were committed since the one before, always
 * whole transactions, and a note that says which and when; so "zcat 00000001.wal.gz >jobs.db-wal"
 * is a log that SQLite itself can read. What a dead process left half written is cut off. */
#ifndef CORE_CLOUD_WAL_WAL_SEGMENT_H
#define CORE_CLOUD_WAL_WAL_SEGMENT_H

#include "core/base/crypto.h"
#include "core/db/wal_source.h"

struct wal_note {
        int64_t captured_us;     /* wall clock: nothing that was committed later is in it, */
        uint32_t took_us;        /* and all that was so long before */
        uint32_t first, last;    /* frames; last < first: the log is empty, or has no news */
        uint32_t database_pages; /* after the last; 0: there is no frame */
        uint32_t page_size;
        uint32_t commits;       /* transactions in it */
        struct wal_point point; /* behind its last frame */
        struct wal_point from;  /* where it goes on: in this log, or at the end of the one before */
        unsigned char sha256[SHA256_SIZE]; /* of what is packed in it */
};

/* A segment file that is being appended to, or read. */
struct wal_segment {
        int fd;
        int64_t end; /* behind the last good member */
        unsigned members;
        struct wal_note newest; /* of the last one */
};

/* Append the frames behind from, up to index->last, with the log's header when they are the first.
 * Durable when OK. segment->newest is the new note. ERR_CONFLICT: the log does not go on from
 * there; detail says how. ERR_NO_SPACE, ERR_UNAVAILABLE. On failure the file is as before. */
NODISCARD enum err wal_segment_append(struct ctx *ctx, struct wal_segment *segment,
                                      struct wal_source *source, const struct wal_point *from,
                                      const struct wal_index *index);

/* The member at at: its note and where it ends. As gzip_member_note. */
NODISCARD enum err wal_segment_note(struct ctx *ctx, int fd, int64_t at, struct wal_note *ret,
                                    int64_t *ret_end);

/* Find the last good member of an open file, unpack it to see that it is, and cut off what follows.
 * *ret->members is 0 when there is none. ERR_CONFLICT: damaged before its end. Faults. */
NODISCARD enum err wal_segment_resume(struct ctx *ctx, int fd, struct wal_segment *ret);

/* Write the pages of the member at at to the database file out. *header: of the log, read from its
 * first member; *point: where the log stands, moved on. ERR_CONFLICT: damaged. Faults. */
struct wal_replay {
        int out; /* borrowed */
        struct wal_header header;
        struct wal_point point;
        uint32_t database_pages; /* after the last transaction; 0: as the file is */
        int64_t transactions;
};
NODISCARD enum err wal_segment_replay(struct ctx *ctx, int fd, int64_t at,
                                      const struct wal_note *note, struct wal_replay *replay);

#endif
