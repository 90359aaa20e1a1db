#include "core/cloud/wal/wal_segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/crc.h"
#include "core/base/fault.h"
#include "core/base/gzip_member.h"

/* A note in a file: numbers with the highest byte first, and a CRC-32C of what is before it. */
#define NOTE_VERSION 1
#define NOTE_NUMBERS 16
#define NOTE_SHA_AT  (8 + 4 * NOTE_NUMBERS)
#define NOTE_SUM_AT  (NOTE_SHA_AT + SHA256_SIZE)
#define NOTE_SIZE    (NOTE_SUM_AT + 4)

static void put32(unsigned char *at, uint32_t value)
{
        at[0] = (unsigned char)(value >> 24);
        at[1] = (unsigned char)(value >> 16);
        at[2] = (unsigned char)(value >> 8);
        at[3] = (unsigned char)value;
}

static uint32_t get32(const unsigned char *at)
{
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void pack_note(const struct wal_note *note, unsigned char ret[NOTE_SIZE])
{
        const uint32_t numbers[NOTE_NUMBERS] = {
                NOTE_VERSION,       note->first,        note->last,          note->database_pages,
                note->page_size,    note->commits,      note->point.salt[0], note->point.salt[1],
                note->point.sum[0], note->point.sum[1], note->from.salt[0],  note->from.salt[1],
                note->from.frame,   note->from.sum[0],  note->from.sum[1],   note->took_us,
        };

        put32(ret, (uint32_t)((uint64_t)note->captured_us >> 32));
        put32(ret + 4, (uint32_t)note->captured_us);
        for (size_t i = 0; i < NOTE_NUMBERS; i++)
                put32(ret + 8 + 4 * i, numbers[i]);
        memcpy(ret + NOTE_SHA_AT, note->sha256, SHA256_SIZE);
        put32(ret + NOTE_SUM_AT, (uint32_t)crc_add(CRC_32C, 0, ret, NOTE_SUM_AT));
}

static bool unpack_note(const unsigned char bytes[NOTE_SIZE], struct wal_note *ret)
{
        uint32_t n[NOTE_NUMBERS];

        for (size_t i = 0; i < NOTE_NUMBERS; i++)
                n[i] = get32(bytes + 8 + 4 * i);
        if (n[0] != NOTE_VERSION || n[4] < 512 || n[4] > WAL_PAGE_MAX ||
            get32(bytes + NOTE_SUM_AT) != (uint32_t)crc_add(CRC_32C, 0, bytes, NOTE_SUM_AT))
                return false;
        *ret = (struct wal_note){
                .captured_us = (int64_t)((uint64_t)get32(bytes) << 32 | get32(bytes + 4)),
                .first = n[1],
                .last = n[2],
                .database_pages = n[3],
                .page_size = n[4],
                .commits = n[5],
                .took_us = n[15],
                .point = { .salt = { n[6], n[7] }, .frame = n[2], .sum = { n[8], n[9] } },
                .from = { .salt = { n[10], n[11] }, .frame = n[12], .sum = { n[13], n[14] } },
        };
        memcpy(ret->sha256, bytes + NOTE_SHA_AT, SHA256_SIZE);
        return true;
}

/* ---- writing ---- */

struct capture {
        struct wal_source *source;
        struct gzip_member *member;
        struct crypto_hash *hash;
        struct wal_header header;
        unsigned char frame[WAL_FRAME_SIZE + WAL_PAGE_MAX];
};

static void capture_free(struct capture *capture)
{
        gzip_member_free(capture->member);
        crypto_hash_free(capture->hash);
        free(capture);
}
DEFINE_CLEANUP(struct capture *, capture_free)

static enum err add(struct ctx *ctx, struct capture *capture, const void *bytes, size_t len)
{
        if (!crypto_hash_add(capture->hash, bytes, len))
                return ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        return gzip_member_add(ctx, capture->member, bytes, len);
}

static enum err add_header(struct ctx *ctx, struct capture *capture, struct wal_note *note)
{
        unsigned char bytes[WAL_HEADER_SIZE];
        enum err rc = wal_source_read_log(ctx, capture->source, 0, bytes, sizeof(bytes));

        if (rc != OK)
                return rc;
        if (!wal_header_parse(bytes, &capture->header) ||
            capture->header.salt[0] != note->point.salt[0] ||
            capture->header.salt[1] != note->point.salt[1])
                return ctx_fail(ctx, ERR_CONFLICT, "the log was begun anew meanwhile");
        if (note->first > 1)
                return OK;
        note->point.sum[0] = capture->header.sum[0];
        note->point.sum[1] = capture->header.sum[1];
        return add(ctx, capture, bytes, sizeof(bytes));
}

/* note->point moves to the end, which must be where the index says. */
static enum err add_frames(struct ctx *ctx, struct capture *capture, const struct wal_index *index,
                           struct wal_note *note)
{
        const size_t size = wal_frame_bytes(index->page_size);
        struct wal_frame frame = { 0 };

        while (note->point.frame < index->last) {
                const uint32_t n = note->point.frame + 1;
                enum err rc =
                        wal_source_read_log(ctx, capture->source, wal_frame_at(index->page_size, n),
                                            capture->frame, size);

                if (rc != OK)
                        return rc;
                if (!wal_frame_check(&capture->header, capture->frame, &note->point, &frame))
                        return ctx_fail(ctx, ERR_CONFLICT, "frame %u does not follow frame %u", n,
                                        n - 1);
                note->commits += frame.database_pages > 0;
                rc = add(ctx, capture, capture->frame, size);
                if (rc != OK)
                        return rc;
        }
        if (!wal_same_point(&note->point, &index->point))
                return ctx_fail(ctx, ERR_CONFLICT, "the log is not what its index says");
        note->last = note->point.frame;
        note->database_pages = frame.database_pages;
        return OK;
}

static enum err write_member(struct ctx *ctx, struct wal_segment *segment, struct capture *capture,
                             const struct wal_index *index, struct wal_note *note)
{
        unsigned char bytes[NOTE_SIZE];
        int64_t end;
        enum err rc = OK;

        if (index->last > 0)
                rc = add_header(ctx, capture, note);
        if (rc == OK && index->last > 0)
                rc = add_frames(ctx, capture, index, note);
        if (rc != OK)
                return rc;
        if (!crypto_hash_end(capture->hash, note->sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        pack_note(note, bytes);
        FAULT_POINT("wal.unnoted");
        rc = gzip_member_end(ctx, capture->member, bytes, &end);
        FAULT_POINT("wal.unsynced");
        if (rc == OK && fdatasync(segment->fd) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "a segment cannot be written: %m");
        if (rc != OK)
                return rc;
        segment->end = end;
        segment->members++;
        segment->newest = *note;
        return OK;
}

enum err wal_segment_append(struct ctx *ctx, struct wal_segment *segment, struct wal_source *source,
                            const struct wal_point *from, const struct wal_index *index)
{
        CLEANUP(capture_freep) struct capture *capture = calloc(1, sizeof(*capture));
        struct wal_note note = {
                .captured_us = index->after_us,
                .took_us = (uint32_t)(index->after_us - index->before_us),
                .page_size = index->page_size,
                .point = *from,
                .from = *from,
        };
        enum err rc;

        if (!wal_same_log(from, &index->point))
                note.point = (struct wal_point){ .salt = { index->point.salt[0],
                                                           index->point.salt[1] } };
        note.first = note.point.frame + 1;
        if (!capture)
                return ctx_nomem(ctx);
        capture->source = source;
        capture->hash = crypto_hash_new(CRYPTO_SHA256);
        if (!capture->hash)
                return ctx_nomem(ctx);
        rc = gzip_member_new(ctx, segment->fd, segment->end, NOTE_SIZE, &capture->member);
        if (rc == OK)
                rc = write_member(ctx, segment, capture, index, &note);
        if (rc != OK && ftruncate(segment->fd, segment->end) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "a segment cannot be cut off: %m");
        return rc;
}

/* ---- reading ---- */

enum err wal_segment_note(struct ctx *ctx, int fd, int64_t at, struct wal_note *ret,
                          int64_t *ret_end)
{
        unsigned char bytes[NOTE_SIZE];
        struct gzip_note packed = { .bytes = bytes, .len = sizeof(bytes) };
        enum err rc = gzip_member_note(ctx, fd, at, &packed);

        if (rc == OK && !unpack_note(bytes, ret))
                rc = ctx_fail(ctx, ERR_CONFLICT, "a note in the archive is damaged");
        if (rc == OK)
                *ret_end = packed.end;
        return rc;
}

static enum err hash_piece(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        return crypto_hash_add(arg, bytes, len) ? OK : ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
}

static enum err check_member(struct ctx *ctx, int fd, int64_t at, const struct wal_note *note)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
        unsigned char sha256[SHA256_SIZE];
        enum err rc;

        if (!hash)
                return ctx_nomem(ctx);
        rc = gzip_member_read(ctx, fd, at, hash_piece, hash);
        if (rc == OK && !crypto_hash_end(hash, sha256))
                rc = ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        if (rc == OK && memcmp(sha256, note->sha256, SHA256_SIZE) != 0)
                rc = ctx_fail(ctx, ERR_CONFLICT, "the SHA-256 of a segment is another");
        return rc;
}

/* A member that was never finished has no header: that is written last. Of anything else that is
 * damaged nothing is cut off. */
static enum err cut_off(struct ctx *ctx, const struct wal_segment *segment)
{
        unsigned char first = 0;

        if (pread(segment->fd, &first, 1, segment->end) == 1 && first != 0)
                return ctx_fail(ctx, ERR_CONFLICT, "a segment is damaged");
        if (ftruncate(segment->fd, segment->end) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "a segment cannot be cut off: %m");
        return OK;
}

enum err wal_segment_resume(struct ctx *ctx, int fd, struct wal_segment *ret)
{
        struct wal_segment segment = { .fd = fd };
        struct wal_note note;
        int64_t end, last_at = 0;
        enum err rc;

        for (;;) {
                rc = wal_segment_note(ctx, fd, segment.end, &note, &end);
                if (rc != OK)
                        break;
                last_at = segment.end;
                segment = (struct wal_segment){ fd, end, segment.members + 1, note };
        }
        if (rc == ERR_NOT_FOUND)
                rc = OK;
        else if (rc == ERR_CONFLICT)
                rc = cut_off(ctx, &segment);
        if (rc == OK && segment.members > 0)
                rc = check_member(ctx, fd, last_at, &segment.newest);
        if (rc == OK)
                *ret = segment;
        return rc;
}

/* ---- replaying ---- */

struct playing {
        struct wal_replay *replay;
        struct crypto_hash *hash;
        bool header_due;
        size_t have, frame_size;
        unsigned char bytes[WAL_FRAME_SIZE + WAL_PAGE_MAX];
};

static void playing_free(struct playing *playing)
{
        crypto_hash_free(playing->hash);
        free(playing);
}
DEFINE_CLEANUP(struct playing *, playing_free)

static enum err write_page(struct ctx *ctx, int fd, const unsigned char *page, uint32_t number,
                           uint32_t size)
{
        ssize_t written;

        do
                written = pwrite(fd, page, size, (int64_t)(number - 1) * size);
        while (written < 0 && errno == EINTR);
        if (written == (ssize_t)size)
                return OK;
        if (written >= 0 || errno == ENOSPC || errno == EDQUOT)
                return ctx_fail(ctx, ERR_NO_SPACE, "no space left for the database");
        return ctx_fail(ctx, ERR_UNAVAILABLE, "the database cannot be written: %m");
}

static enum err play_one(struct ctx *ctx, struct playing *playing)
{
        struct wal_replay *replay = playing->replay;
        struct wal_frame frame;

        playing->have = 0;
        if (playing->header_due) {
                playing->header_due = false;
                if (!wal_header_parse(playing->bytes, &replay->header) ||
                    wal_frame_bytes(replay->header.page_size) != playing->frame_size)
                        return ctx_fail(ctx, ERR_CONFLICT, "the header of a log is damaged");
                replay->point = wal_header_point(&replay->header);
                return OK;
        }
        if (!wal_frame_check(&replay->header, playing->bytes, &replay->point, &frame))
                return ctx_fail(ctx, ERR_CONFLICT, "a frame does not follow the one before it");
        if (frame.database_pages > 0) {
                replay->database_pages = frame.database_pages;
                replay->transactions++;
        }
        return write_page(ctx, replay->out, playing->bytes + WAL_FRAME_SIZE, frame.page,
                          replay->header.page_size);
}

static enum err play_piece(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        struct playing *playing = arg;
        const unsigned char *next = bytes;
        enum err rc = hash_piece(ctx, playing->hash, bytes, len);

        while (rc == OK && len > 0) {
                size_t want = playing->header_due ? WAL_HEADER_SIZE : playing->frame_size;
                size_t take = want - playing->have < len ? want - playing->have : len;

                memcpy(playing->bytes + playing->have, next, take);
                playing->have += take;
                next += take;
                len -= take;
                if (playing->have == want)
                        rc = play_one(ctx, playing);
        }
        return rc;
}

enum err wal_segment_replay(struct ctx *ctx, int fd, int64_t at, const struct wal_note *note,
                            struct wal_replay *replay)
{
        CLEANUP(playing_freep) struct playing *playing = calloc(1, sizeof(*playing));
        unsigned char sha256[SHA256_SIZE];
        enum err rc;

        if (!playing)
                return ctx_nomem(ctx);
        playing->hash = crypto_hash_new(CRYPTO_SHA256);
        if (!playing->hash)
                return ctx_nomem(ctx);
        playing->replay = replay;
        playing->header_due = note->first == 1 && note->last >= note->first;
        playing->frame_size = wal_frame_bytes(note->page_size);
        rc = gzip_member_read(ctx, fd, at, play_piece, playing);
        if (rc == OK && !crypto_hash_end(playing->hash, sha256))
                rc = ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        if (rc == OK && memcmp(sha256, note->sha256, SHA256_SIZE) != 0)
                rc = ctx_fail(ctx, ERR_CONFLICT, "the SHA-256 of a segment is another");
        if (rc == OK && note->last >= note->first && !wal_same_point(&replay->point, &note->point))
                rc = ctx_fail(ctx, ERR_CONFLICT, "a segment does not end where its note says");
        return rc;
}
