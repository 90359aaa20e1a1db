#include "core/base/gzip.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/give_way.h"

#define PIECE_SIZE   (512 * KiB)
#define PIECES       8 /* read at once */
#define WINDOW_SIZE  (32 * KiB)
#define THREADS_MAX  4
#define NICE         10
#define GZIP_WINDOW  (15 + 16) /* zlib: with gzip header and trailer */
#define HEADER_SIZE  10
#define TRAILER_SIZE 8

/* One piece of the file and what becomes of it. */
struct piece {
        unsigned char *plain, *packed;
        size_t len, packed_len, room;
        uLong crc;
        bool last, ok;
};

/* As many pieces as are in memory at once: one batch is packed while the next is read. */
struct batch {
        struct piece pieces[PIECES];
        unsigned count;
        unsigned char window[WINDOW_SIZE]; /* what came before the first piece */
        size_t window_len;
        atomic_uint next;
        int level;
};

struct packer {
        struct batch batches[2];
        struct crypto_hash *plain, *packed;
        struct gzip_sums sums;
        uLong crc;
        int from_fd, to_fd;
};

static void packer_free(struct packer *packer)
{
        for (unsigned i = 0; i < 2 * PIECES; i++) {
                free(packer->batches[i / PIECES].pieces[i % PIECES].plain);
                free(packer->batches[i / PIECES].pieces[i % PIECES].packed);
        }
        crypto_hash_free(packer->plain);
        crypto_hash_free(packer->packed);
        free(packer);
}
DEFINE_CLEANUP(struct packer *, packer_free)

static struct packer *packer_new(int from_fd, int to_fd, int level)
{
        struct packer *packer = calloc(1, sizeof(*packer));
        const size_t room = PIECE_SIZE + PIECE_SIZE / 8 + KiB;
        bool ok = packer != NULL;

        if (!packer)
                return NULL;
        packer->from_fd = from_fd;
        packer->to_fd = to_fd;
        packer->crc = crc32(0, NULL, 0);
        packer->plain = crypto_hash_new(CRYPTO_SHA256);
        packer->packed = crypto_hash_new(CRYPTO_SHA256);
        for (unsigned i = 0; i < 2 * PIECES; i++) {
                struct piece *piece = &packer->batches[i / PIECES].pieces[i % PIECES];

                packer->batches[i / PIECES].level = level;
                piece->plain = malloc(PIECE_SIZE);
                piece->packed = malloc(room);
                piece->room = room;
                ok = ok && piece->plain && piece->packed;
        }
        if (ok && packer->plain && packer->packed)
                return packer;
        packer_free(packer);
        return NULL;
}

/* ---- packing ---- */

/* As a deflate stream of its own that goes on where the piece before it ends: what was before
 * serves as dictionary, and a flush leaves it at a whole byte. */
static void deflate_piece(struct batch *batch, unsigned at)
{
        struct piece *piece = &batch->pieces[at];
        const struct piece *before = at ? &batch->pieces[at - 1] : NULL;
        z_stream stream = { 0 };
        int code;

        piece->crc = crc32(crc32(0, NULL, 0), piece->plain, (uInt)piece->len);
        if (deflateInit2(&stream, batch->level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                return;
        if (before)
                deflateSetDictionary(&stream, before->plain + before->len - WINDOW_SIZE,
                                     WINDOW_SIZE);
        else if (batch->window_len)
                deflateSetDictionary(&stream, batch->window, (uInt)batch->window_len);
        stream.next_in = piece->plain;
        stream.avail_in = (uInt)piece->len;
        stream.next_out = piece->packed;
        stream.avail_out = (uInt)piece->room;
        code = deflate(&stream, piece->last ? Z_FINISH : Z_SYNC_FLUSH);
        piece->ok = code == (piece->last ? Z_STREAM_END : Z_OK) && stream.avail_in == 0;
        piece->packed_len = piece->room - stream.avail_out;
        deflateEnd(&stream);
}

static void *deflate_some(void *arg)
{
        CLEANUP(give_way_end) struct give_way way = give_way_begin();
        struct batch *batch = arg;
        unsigned at;

        setpriority(PRIO_PROCESS, 0, NICE); /* on Linux of this thread alone */
        for (; (at = atomic_fetch_add(&batch->next, 1)) < batch->count; give_way_rest(&way))
                deflate_piece(batch, at);
        return NULL;
}

static enum err read_full(struct ctx *ctx, int fd, unsigned char *bytes, size_t size, size_t *ret)
{
        size_t len = 0;

        while (len < size) {
                ssize_t n = read(fd, bytes + len, size - len);

                if (n == 0)
                        break;
                if (n < 0 && errno != EINTR)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "a file cannot be read: %m");
                len += n > 0 ? (size_t)n : 0;
        }
        *ret = len;
        return OK;
}

static enum err write_full(struct ctx *ctx, int fd, const void *bytes, size_t len)
{
        const char *at = bytes;

        while (len > 0) {
                ssize_t n = write(fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                        "a file cannot be written: %m");
                at += n;
                len -= (size_t)n;
        }
        return OK;
}

/* The next batch, which follows the one before it. A piece that is not full is the last, which may
 * be empty. */
static enum err read_batch(struct ctx *ctx, struct packer *packer, struct batch *batch,
                           const struct batch *before)
{
        enum err rc = OK;

        batch->count = 0;
        atomic_store(&batch->next, 0);
        batch->window_len = 0;
        if (before) {
                const struct piece *piece = &before->pieces[before->count - 1];

                batch->window_len = WINDOW_SIZE;
                memcpy(batch->window, piece->plain + piece->len - WINDOW_SIZE, WINDOW_SIZE);
        }
        while (rc == OK && batch->count < PIECES) {
                struct piece *piece = &batch->pieces[batch->count];

                rc = read_full(ctx, packer->from_fd, piece->plain, PIECE_SIZE, &piece->len);
                piece->ok = false;
                piece->last = piece->len < PIECE_SIZE;
                packer->sums.plain_bytes += (int64_t)piece->len;
                batch->count++;
                if (rc == OK && !crypto_hash_add(packer->plain, piece->plain, piece->len))
                        rc = ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
                if (piece->last)
                        break;
        }
        return rc;
}

static enum err put(struct ctx *ctx, struct packer *packer, const void *bytes, size_t len)
{
        if (!crypto_hash_add(packer->packed, bytes, len))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        packer->sums.packed_bytes += (int64_t)len;
        return write_full(ctx, packer->to_fd, bytes, len);
}

static enum err write_batch(struct ctx *ctx, struct packer *packer, const struct batch *batch)
{
        enum err rc = OK;

        for (unsigned i = 0; rc == OK && i < batch->count; i++) {
                const struct piece *piece = &batch->pieces[i];

                if (!piece->ok)
                        return ctx_fail(ctx, ERR_INTERNAL, "zlib cannot pack");
                packer->crc = crc32_combine(packer->crc, piece->crc, (z_off_t)piece->len);
                rc = put(ctx, packer, piece->packed, piece->packed_len);
        }
        return rc;
}

static bool is_last(const struct batch *batch)
{
        return batch->pieces[batch->count - 1].last;
}

/* Pack one batch while the next is read. */
static enum err pack_one(struct ctx *ctx, struct packer *packer, struct batch *batch,
                         struct batch *next)
{
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);
        pthread_t threads[THREADS_MAX];
        unsigned started = 0;
        enum err rc = OK;

        while (started < THREADS_MAX && (long)started < processors &&
               pthread_create(&threads[started], NULL, deflate_some, batch) == 0)
                started++;
        if (!is_last(batch))
                rc = read_batch(ctx, packer, next, batch);
        /* No thread could be started: then it is done here, which is not as polite. */
        for (unsigned at; !started && (at = atomic_fetch_add(&batch->next, 1)) < batch->count;)
                deflate_piece(batch, at);
        for (unsigned i = 0; i < started; i++)
                pthread_join(threads[i], NULL);
        return rc == OK ? write_batch(ctx, packer, batch) : rc;
}

static enum err end_pack(struct ctx *ctx, struct packer *packer, struct gzip_sums *ret)
{
        const uint32_t tail[2] = { (uint32_t)packer->crc, (uint32_t)packer->sums.plain_bytes };
        unsigned char trailer[TRAILER_SIZE], hash[SHA256_SIZE];
        enum err rc;

        for (unsigned i = 0; i < TRAILER_SIZE; i++)
                trailer[i] = (unsigned char)(tail[i / 4] >> i % 4 * 8);
        rc = put(ctx, packer, trailer, sizeof(trailer));
        if (rc != OK)
                return rc;
        if (!crypto_hash_end(packer->plain, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        crypto_hex(hash, sizeof(hash), packer->sums.plain_sha256);
        if (!crypto_hash_end(packer->packed, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        crypto_hex(hash, sizeof(hash), packer->sums.packed_sha256);
        *ret = packer->sums;
        return OK;
}

enum err gzip_pack(struct ctx *ctx, int from_fd, int to_fd, int level, struct gzip_sums *ret)
{
        static const unsigned char header[HEADER_SIZE] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
        CLEANUP(packer_freep) struct packer *packer = packer_new(from_fd, to_fd, level);
        enum err rc;

        if (!packer)
                return ctx_nomem(ctx);
        rc = put(ctx, packer, header, sizeof(header));
        if (rc == OK)
                rc = read_batch(ctx, packer, &packer->batches[0], NULL);
        for (unsigned n = 0; rc == OK; n++) {
                struct batch *batch = &packer->batches[n % 2];

                rc = pack_one(ctx, packer, batch, &packer->batches[(n + 1) % 2]);
                if (is_last(batch))
                        break;
        }
        return rc == OK ? end_pack(ctx, packer, ret) : rc;
}

/* ---- unpacking ---- */

struct unpacker {
        z_stream stream;
        struct crypto_hash *plain, *packed;
        struct gzip_sums sums;
        int from_fd, to_fd;
        int64_t max;
        bool ended;
        unsigned char in[64 * KiB], out[256 * KiB];
};

static void unpacker_free(struct unpacker *unpacker)
{
        inflateEnd(&unpacker->stream);
        crypto_hash_free(unpacker->plain);
        crypto_hash_free(unpacker->packed);
        free(unpacker);
}
DEFINE_CLEANUP(struct unpacker *, unpacker_free)

static enum err take_out(struct ctx *ctx, struct unpacker *u)
{
        size_t len;
        int code;

        u->stream.next_out = u->out;
        u->stream.avail_out = sizeof(u->out);
        code = inflate(&u->stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
                return ctx_fail(ctx, ERR_CONFLICT, "the gzip stream is damaged: %s",
                                u->stream.msg ? u->stream.msg : "not of that form");
        u->ended = code == Z_STREAM_END;
        len = sizeof(u->out) - u->stream.avail_out;
        u->sums.plain_bytes += (int64_t)len;
        if (u->sums.plain_bytes > u->max)
                return ctx_fail(ctx, ERR_CONFLICT, "the gzip stream holds more than it should");
        if (!crypto_hash_add(u->plain, u->out, len))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        return u->to_fd >= 0 ? write_full(ctx, u->to_fd, u->out, len) : OK;
}

static enum err take_in(struct ctx *ctx, struct unpacker *u, size_t len)
{
        enum err rc = OK;

        if (!crypto_hash_add(u->packed, u->in, len))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        u->sums.packed_bytes += (int64_t)len;
        u->stream.next_in = u->in;
        u->stream.avail_in = (uInt)len;
        do {
                rc = take_out(ctx, u);
        } while (rc == OK && !u->ended && (u->stream.avail_in || !u->stream.avail_out));
        if (rc == OK && u->ended && u->stream.avail_in)
                rc = ctx_fail(ctx, ERR_CONFLICT, "something follows the gzip stream");
        return rc;
}

enum err gzip_unpack(struct ctx *ctx, int from_fd, int to_fd, int64_t plain_max,
                     struct gzip_sums *ret)
{
        CLEANUP(unpacker_freep) struct unpacker *u = calloc(1, sizeof(*u));
        unsigned char hash[SHA256_SIZE];
        size_t len = 1;
        enum err rc = OK;

        if (!u || inflateInit2(&u->stream, GZIP_WINDOW) != Z_OK)
                return ctx_nomem(ctx);
        u->from_fd = from_fd;
        u->to_fd = to_fd;
        u->max = plain_max;
        u->plain = crypto_hash_new(CRYPTO_SHA256);
        u->packed = crypto_hash_new(CRYPTO_SHA256);
        if (!u->plain || !u->packed)
                return ctx_nomem(ctx);
        while (rc == OK && len > 0) {
                rc = read_full(ctx, from_fd, u->in, sizeof(u->in), &len);
                if (rc == OK && len > 0)
                        rc = u->ended ? ctx_fail(ctx, ERR_CONFLICT,
                                                 "something follows the gzip stream")
                                      : take_in(ctx, u, len);
        }
        if (rc == OK && !u->ended)
                rc = ctx_fail(ctx, ERR_CONFLICT, "the gzip stream ends too soon");
        if (rc != OK)
                return rc;
        if (!crypto_hash_end(u->plain, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        crypto_hex(hash, sizeof(hash), u->sums.plain_sha256);
        if (!crypto_hash_end(u->packed, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        crypto_hex(hash, sizeof(hash), u->sums.packed_sha256);
        *ret = u->sums;
        return OK;
}
