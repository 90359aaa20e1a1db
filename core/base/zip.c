#include "core/base/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/buf.h"

#define OUT_SIZE      (64 * KiB)
#define DIRECTORY_MAX (64 * MiB)
#define ENTRIES_MAX   0xFFFEu     /* APPNOTE 4.4.1.4: all bits set mean ZIP64 */
#define SIZE_MAX_32   0xFFFFFFFEu /* the same */

/* APPNOTE 4.3.7, 4.3.12 and 4.3.16: fixed parts of the records, their signatures, and where the
 * CRC-32 stands in them, with both sizes behind it. */
#define LOCAL_SIZE        30
#define LOCAL_SIGNATURE   0x04034b50
#define LOCAL_CRC_AT      14
#define CENTRAL_SIZE      46
#define CENTRAL_SIGNATURE 0x02014b50
#define CENTRAL_CRC_AT    16
#define END_SIZE          22
#define END_SIGNATURE     0x06054b50
#define VERSION_NEEDED    20              /* 2.0: deflated */
#define VERSION_MADE_BY   ((3 << 8) | 20) /* of Unix */
#define FLAG_UTF8         (1 << 11)
#define METHOD_DEFLATE    8
#define FIRST_OF_1980     ((1 << 5) | 1) /* the MS-DOS date zero */
#define UNIX_FILE_0644    (0100644u << 16)

struct zip {
        int fd;
        int64_t size;
        unsigned entries;
        struct buf directory; /* the central directory so far */
        z_stream deflate;
        bool deflating; /* deflate is set up */
        /* The entry being written. */
        int64_t local_at, data_at, plain_size;
        size_t central_at;
        uint32_t crc;
        unsigned char out[OUT_SIZE];
};

static unsigned char *put16(unsigned char *at, uint32_t value)
{
        at[0] = (unsigned char)value;
        at[1] = (unsigned char)(value >> 8);
        return at + 2;
}

static unsigned char *put32(unsigned char *at, uint32_t value)
{
        return put16(put16(at, value & 0xFFFF), value >> 16);
}

static enum err write_failed(struct ctx *ctx)
{
        if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
                return ctx_fail(ctx, ERR_NO_SPACE, "no space left for the archive");
        return ctx_fail(ctx, ERR_UNAVAILABLE, "the archive cannot be written: %m");
}

static enum err write_at(struct ctx *ctx, const struct zip *zip, int64_t at, const void *bytes,
                         size_t len)
{
        const char *next = bytes;

        while (len > 0) {
                ssize_t written = pwrite(zip->fd, next, len, at);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written <= 0)
                        return write_failed(ctx);
                next += written;
                at += written;
                len -= (size_t)written;
        }
        return OK;
}

static enum err append(struct ctx *ctx, struct zip *zip, const void *bytes, size_t len)
{
        enum err rc;

        if (zip->size + (int64_t)len > SIZE_MAX_32)
                return ctx_fail(ctx, ERR_INVALID, "the archive is larger than 4 GiB");
        rc = write_at(ctx, zip, zip->size, bytes, len);
        if (rc == OK)
                zip->size += (int64_t)len;
        return rc;
}

enum err zip_new(struct ctx *ctx, int fd, struct zip **ret)
{
        CLEANUP(zip_freep) struct zip *zip = calloc(1, sizeof(*zip));

        if (!zip)
                return ctx_nomem(ctx);
        zip->fd = fd;
        buf_init(&zip->directory, DIRECTORY_MAX);
        /* Negative: a raw stream without zlib's own header and trailer. */
        zip->deflating = deflateInit2(&zip->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS,
                                      MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
        if (!zip->deflating)
                return ctx_nomem(ctx);
        *ret = TAKE(zip);
        return OK;
}

void zip_free(struct zip *zip)
{
        if (!zip)
                return;
        if (zip->deflating)
                deflateEnd(&zip->deflate);
        buf_done(&zip->directory);
        free(zip);
}

/* What the local and the central record have in common, from the version needed to the length of
 * the extra field. CRC and sizes are filled in at the end of the entry. */
static unsigned char *put_common(unsigned char *at, size_t name_len)
{
        at = put16(at, VERSION_NEEDED);
        at = put16(at, FLAG_UTF8);
        at = put16(at, METHOD_DEFLATE);
        at = put16(at, 0); /* time */
        at = put16(at, FIRST_OF_1980);
        at = put32(put32(put32(at, 0), 0), 0);
        at = put16(at, (uint32_t)name_len);
        return put16(at, 0);
}

static enum err add_central(struct ctx *ctx, struct zip *zip, const char *name, size_t name_len)
{
        unsigned char record[CENTRAL_SIZE];
        unsigned char *at = put32(record, CENTRAL_SIGNATURE);

        at = put16(at, VERSION_MADE_BY);
        at = put_common(at, name_len);
        at = put16(put16(put16(at, 0), 0), 0); /* comment, disk, internal attributes */
        at = put32(at, UNIX_FILE_0644);
        put32(at, (uint32_t)zip->local_at);
        zip->central_at = zip->directory.len;
        if (!buf_add(&zip->directory, record, sizeof(record)) ||
            !buf_add(&zip->directory, name, name_len))
                return ctx_nomem(ctx);
        return OK;
}

enum err zip_entry_begin(struct ctx *ctx, struct zip *zip, const char *name)
{
        size_t name_len = strlen(name);
        unsigned char record[LOCAL_SIZE];
        enum err rc;

        if (name_len > ZIP_NAME_MAX)
                return ctx_fail(ctx, ERR_INVALID, "a path is longer than %d bytes", ZIP_NAME_MAX);
        if (zip->entries == ENTRIES_MAX)
                return ctx_fail(ctx, ERR_INVALID, "more than %u files", ENTRIES_MAX);
        zip->local_at = zip->size;
        zip->plain_size = 0;
        zip->crc = 0;
        put_common(put32(record, LOCAL_SIGNATURE), name_len);
        rc = append(ctx, zip, record, sizeof(record));
        if (rc == OK)
                rc = append(ctx, zip, name, name_len);
        if (rc == OK)
                rc = add_central(ctx, zip, name, name_len);
        zip->data_at = zip->size;
        zip->entries++;
        return rc;
}

/* Write what zlib makes of its input, until it wants more or, with Z_FINISH, has no more. */
static enum err drain(struct ctx *ctx, struct zip *zip, int flush)
{
        int said;

        do {
                enum err rc;

                zip->deflate.next_out = zip->out;
                zip->deflate.avail_out = OUT_SIZE;
                said = deflate(&zip->deflate, flush);
                if (said == Z_STREAM_ERROR)
                        return ctx_fail(ctx, ERR_INTERNAL, "zlib fails");
                rc = append(ctx, zip, zip->out, OUT_SIZE - zip->deflate.avail_out);
                if (rc != OK)
                        return rc;
        } while (zip->deflate.avail_out == 0 || (flush == Z_FINISH && said != Z_STREAM_END));
        return OK;
}

enum err zip_entry_add(struct ctx *ctx, struct zip *zip, const void *bytes, size_t len)
{
        const unsigned char *next = bytes;

        while (len > 0) {
                const size_t piece = len < OUT_SIZE ? len : OUT_SIZE;
                enum err rc;

                zip->plain_size += (int64_t)piece;
                if (zip->plain_size > SIZE_MAX_32)
                        return ctx_fail(ctx, ERR_INVALID, "a file is larger than 4 GiB");
                zip->crc = (uint32_t)crc32(zip->crc, next, (unsigned)piece);
                zip->deflate.next_in = (unsigned char *)(uintptr_t)next;
                zip->deflate.avail_in = (unsigned)piece;
                rc = drain(ctx, zip, Z_NO_FLUSH);
                if (rc != OK)
                        return rc;
                next += piece;
                len -= piece;
        }
        return OK;
}

enum err zip_entry_end(struct ctx *ctx, struct zip *zip)
{
        unsigned char sums[12];
        enum err rc;

        rc = drain(ctx, zip, Z_FINISH);
        if (rc != OK)
                return rc;
        deflateReset(&zip->deflate);
        put32(put32(put32(sums, zip->crc), (uint32_t)(zip->size - zip->data_at)),
              (uint32_t)zip->plain_size);
        memcpy(zip->directory.data + zip->central_at + CENTRAL_CRC_AT, sums, sizeof(sums));
        return write_at(ctx, zip, zip->local_at + LOCAL_CRC_AT, sums, sizeof(sums));
}

enum err zip_end(struct ctx *ctx, struct zip *zip)
{
        const int64_t directory_at = zip->size;
        unsigned char record[END_SIZE];
        unsigned char *at = put32(record, END_SIGNATURE);
        enum err rc;

        at = put16(put16(at, 0), 0); /* this disk, the directory's disk */
        at = put16(put16(at, zip->entries), zip->entries);
        at = put32(at, (uint32_t)zip->directory.len);
        at = put32(at, (uint32_t)directory_at);
        put16(at, 0); /* comment */
        rc = append(ctx, zip, buf_str(&zip->directory), zip->directory.len);
        return rc == OK ? append(ctx, zip, record, sizeof(record)) : rc;
}

int64_t zip_size(const struct zip *zip)
{
        return zip->size;
}
