/* The write-ahead log of SQLite and its index, as bytes: https://sqlite.org/fileformat2.html 4 and
 * https://sqlite.org/walformat.html 2. Every frame is proved by the salts of the log and by sums
 * that go on from frame to frame. Nothing here reads a file or knows a connection. */
#ifndef CORE_DB_WAL_FILE_H
#define CORE_DB_WAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/scope.h"

#define WAL_HEADER_SIZE 32
#define WAL_FRAME_SIZE  24 /* before the page */
#define WAL_INDEX_SIZE  136
#define WAL_PAGE_MAX    65536

struct wal_header {
        uint32_t page_size;
        uint32_t sequence; /* goes up when the log begins anew */
        uint32_t salt[2];
        uint32_t sum[2];
        bool big_endian; /* how the sums take the bytes */
};

/* A place in a log: behind a frame, 0 is behind the header. */
struct wal_point {
        uint32_t salt[2];
        uint32_t frame;
        uint32_t sum[2];
};

struct wal_frame {
        uint32_t page;           /* from 1 */
        uint32_t database_pages; /* of the database after it, when it ends a transaction; else 0 */
};

/* What all processes that have the database open agree on. */
struct wal_index {
        uint32_t changes;    /* transactions, since somebody opened the database first */
        uint32_t last;       /* frame of the last transaction; 0: the log is empty */
        uint32_t backfilled; /* frames that are in the database file too */
        uint32_t database_pages;
        uint32_t page_size;
        struct wal_point point; /* behind the last frame */
        int64_t before_us,
                after_us; /* wall clock: between the two it was so; set by who reads it */
};

/* False: not the header of a log, or damaged. */
NODISCARD bool wal_header_parse(const unsigned char bytes[WAL_HEADER_SIZE], struct wal_header *ret);
/* Behind the header. */
struct wal_point wal_header_point(const struct wal_header *header);

/* Bytes of a frame with its page, and where frame number n (from 1) begins. */
size_t wal_frame_bytes(uint32_t page_size);
int64_t wal_frame_at(uint32_t page_size, uint32_t n);

/* Is this the frame behind *point? Then *point is behind it, and what it is in *ret. False: torn,
 * of an older log, or damaged; both are untouched. */
NODISCARD bool wal_frame_check(const struct wal_header *header, const unsigned char *bytes,
                               struct wal_point *point, struct wal_frame *ret);

bool wal_same_log(const struct wal_point *a, const struct wal_point *b);
bool wal_same_point(const struct wal_point *a, const struct wal_point *b);

/* The first bytes of the index, as they were copied at one moment. False: it was being written, or
 * is damaged. */
NODISCARD bool wal_index_parse(const unsigned char bytes[WAL_INDEX_SIZE], struct wal_index *ret);

#endif
