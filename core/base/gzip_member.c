#include "core/base/gzip_member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/crc.h"

/* RFC 1952 2.3: ID1 ID2 CM FLG MTIME XFL OS, then XLEN, then the subfield: SI1 SI2 LEN. */
#define FIXED_SIZE   10
#define EXTRA_AT     (FIXED_SIZE + 2)
#define LENGTH_AT    (EXTRA_AT + 4)
#define NOTE_AT      (LENGTH_AT + 8)
#define TRAILER_SIZE 8
#define FLAG_EXTRA   4
#define OS_UNIX      3
#define PIECE        ((unsigned)(64 * KiB))
#define LEVEL        1 /* it must keep up with those who write */

struct gzip_member {
        int fd;
        int64_t start, at;
        size_t note_len;
        uint64_t plain;
        uint32_t crc;
        bool deflating;
        z_stream deflate;
        unsigned char out[PIECE];
};

static void put(unsigned char *at, uint64_t value, unsigned bytes)
{
        for (unsigned i = 0; i < bytes; i++)
                at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *at, unsigned bytes)
{
        uint64_t value = 0;

        while (bytes-- > 0)
                value = value << 8 | at[bytes];
        return value;
}

static enum err write_at(struct ctx *ctx, int fd, int64_t at, const void *bytes, size_t len)
{
        const char *next = bytes;

        while (len > 0) {
                ssize_t written = pwrite(fd, next, len, at);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
                        return ctx_fail(ctx, ERR_NO_SPACE, "no space left for the archive");
                if (written <= 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "the archive cannot be written: %m");
                next += written;
                at += written;
                len -= (size_t)written;
        }
        return OK;
}

/* Everything that was asked for, or ERR_CONFLICT where the file ends before. */
static enum err read_at(struct ctx *ctx, int fd, int64_t at, void *bytes, size_t len)
{
        char *next = bytes;

        while (len > 0) {
                ssize_t got = pread(fd, next, len, at);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "the archive cannot be read: %m");
                if (got == 0)
                        return ctx_fail(ctx, ERR_CONFLICT, "the archive ends too early");
                next += got;
                at += got;
                len -= (size_t)got;
        }
        return OK;
}

/* The header before its note; length: of the whole member. */
static void fill_header(unsigned char header[NOTE_AT], size_t note_len, int64_t length)
{
        memset(header, 0, NOTE_AT);
        header[0] = 0x1f;
        header[1] = 0x8b;
        header[2] = Z_DEFLATED;
        header[3] = FLAG_EXTRA;
        header[9] = OS_UNIX;
        put(header + FIXED_SIZE, 4 + 8 + note_len, 2);
        header[EXTRA_AT] = 'S';
        header[EXTRA_AT + 1] = 'T';
        put(header + EXTRA_AT + 2, 8 + note_len, 2);
        put(header + LENGTH_AT, (uint64_t)length, 8);
}

enum err gzip_member_new(struct ctx *ctx, int fd, int64_t at, size_t note_len,
                         struct gzip_member **ret)
{
        CLEANUP(gzip_member_freep) struct gzip_member *member = calloc(1, sizeof(*member));

        if (!member || note_len > GZIP_NOTE_MAX)
                return ctx_nomem(ctx);
        member->fd = fd;
        member->start = at;
        member->note_len = note_len;
        member->at = at + NOTE_AT + (int64_t)note_len; /* the header comes last */
        if (deflateInit2(&member->deflate, LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
            Z_OK)
                return ctx_nomem(ctx);
        member->deflating = true;
        *ret = TAKE(member);
        return OK;
}

void gzip_member_free(struct gzip_member *member)
{
        if (!member)
                return;
        if (member->deflating)
                deflateEnd(&member->deflate);
        free(member);
}

static enum err deflate_all(struct ctx *ctx, struct gzip_member *member, int flush)
{
        enum err rc = OK;
        int code;

        do {
                size_t filled;

                member->deflate.next_out = member->out;
                member->deflate.avail_out = sizeof(member->out);
                code = deflate(&member->deflate, flush);
                filled = sizeof(member->out) - member->deflate.avail_out;
                rc = write_at(ctx, member->fd, member->at, member->out, filled);
                member->at += (int64_t)filled;
        } while (rc == OK && code != Z_STREAM_END && member->deflate.avail_out == 0);
        return rc;
}

enum err gzip_member_add(struct ctx *ctx, struct gzip_member *member, const void *bytes, size_t len)
{
        member->crc = (uint32_t)crc_add(CRC_32, member->crc, bytes, len);
        member->plain += len;
        member->deflate.next_in = (Bytef *)bytes; /* zlib reads it only */
        member->deflate.avail_in = (uInt)len;
        return deflate_all(ctx, member, Z_NO_FLUSH);
}

enum err gzip_member_end(struct ctx *ctx, struct gzip_member *member, const void *note,
                         int64_t *ret_end)
{
        unsigned char header[NOTE_AT + GZIP_NOTE_MAX], trailer[TRAILER_SIZE];
        enum err rc = deflate_all(ctx, member, Z_FINISH);
        int64_t end = member->at + TRAILER_SIZE;

        put(trailer, member->crc, 4);
        put(trailer + 4, member->plain & UINT32_MAX, 4);
        if (rc == OK)
                rc = write_at(ctx, member->fd, member->at, trailer, sizeof(trailer));
        fill_header(header, member->note_len, end - member->start);
        memcpy(header + NOTE_AT, note, member->note_len);
        if (rc == OK)
                rc = write_at(ctx, member->fd, member->start, header, NOTE_AT + member->note_len);
        if (rc == OK)
                *ret_end = end;
        return rc;
}

enum err gzip_member_note(struct ctx *ctx, int fd, int64_t at, struct gzip_note *ret)
{
        unsigned char header[NOTE_AT + GZIP_NOTE_MAX], expected[NOTE_AT];
        struct stat st;
        int64_t length;
        enum err rc;

        if (fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the archive cannot be read: %m");
        if (at >= st.st_size)
                return ctx_fail(ctx, ERR_NOT_FOUND, "the archive ends here");
        rc = read_at(ctx, fd, at, header, NOTE_AT + ret->len);
        if (rc != OK)
                return rc;
        length = (int64_t)get(header + LENGTH_AT, 8);
        fill_header(expected, ret->len, length);
        if (memcmp(header, expected, NOTE_AT) != 0 || length > st.st_size - at ||
            length < (int64_t)(NOTE_AT + ret->len + TRAILER_SIZE))
                return ctx_fail(ctx, ERR_CONFLICT, "the archive is damaged or cut off");
        memcpy(ret->bytes, header + NOTE_AT, ret->len);
        ret->end = at + length;
        return OK;
}

/* ---- unpacking ---- */

struct unpacking {
        z_stream inflate;
        int64_t at, end; /* what is left of the packed bytes */
        uint64_t plain;
        uint32_t crc;
        bool ended;
        unsigned char in[PIECE], out[PIECE];
};

static void unpacking_free(struct unpacking *unpacking)
{
        inflateEnd(&unpacking->inflate);
        free(unpacking);
}
DEFINE_CLEANUP(struct unpacking *, unpacking_free)

static enum err inflate_piece(struct ctx *ctx, struct unpacking *self, gzip_sink_fn *sink,
                              void *arg)
{
        enum err rc = OK;

        do {
                size_t filled;
                int code;

                self->inflate.next_out = self->out;
                self->inflate.avail_out = sizeof(self->out);
                code = inflate(&self->inflate, Z_NO_FLUSH);
                if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
                        return ctx_fail(ctx, ERR_CONFLICT, "the archive is damaged");
                filled = sizeof(self->out) - self->inflate.avail_out;
                self->crc = (uint32_t)crc_add(CRC_32, self->crc, self->out, filled);
                self->plain += filled;
                self->ended = code == Z_STREAM_END;
                if (filled > 0)
                        rc = sink(ctx, arg, self->out, filled);
        } while (rc == OK && !self->ended && self->inflate.avail_out == 0);
        return rc;
}

static enum err inflate_all(struct ctx *ctx, int fd, struct unpacking *self, gzip_sink_fn *sink,
                            void *arg)
{
        enum err rc = OK;

        while (rc == OK && !self->ended && self->at < self->end) {
                int64_t left = self->end - self->at;
                size_t len = left < PIECE ? (size_t)left : PIECE;

                rc = read_at(ctx, fd, self->at, self->in, len);
                self->at += (int64_t)len;
                self->inflate.next_in = self->in;
                self->inflate.avail_in = (uInt)len;
                if (rc == OK)
                        rc = inflate_piece(ctx, self, sink, arg);
        }
        return rc;
}

enum err gzip_member_read(struct ctx *ctx, int fd, int64_t at, gzip_sink_fn *sink, void *arg)
{
        CLEANUP(unpacking_freep) struct unpacking *self = NULL;
        unsigned char header[NOTE_AT], trailer[TRAILER_SIZE];
        size_t note_len;
        enum err rc;

        rc = read_at(ctx, fd, at, header, sizeof(header));
        if (rc != OK)
                return rc;
        note_len = (size_t)get(header + EXTRA_AT + 2, 2) - 8;
        self = calloc(1, sizeof(*self));
        if (!self || inflateInit2(&self->inflate, -MAX_WBITS) != Z_OK)
                return ctx_nomem(ctx);
        self->at = at + NOTE_AT + (int64_t)note_len;
        self->end = at + (int64_t)get(header + LENGTH_AT, 8) - TRAILER_SIZE;
        rc = inflate_all(ctx, fd, self, sink, arg);
        if (rc == OK)
                rc = read_at(ctx, fd, self->end, trailer, sizeof(trailer));
        if (rc == OK &&
            (!self->ended || self->at != self->end || self->inflate.avail_in > 0 ||
             get(trailer, 4) != self->crc || get(trailer + 4, 4) != (self->plain & UINT32_MAX)))
                rc = ctx_fail(ctx, ERR_CONFLICT, "the archive is damaged");
        return rc;
}
