#include "core/cloud/storage/storage_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/crypto.h"
#include "core/base/digest.h"

#define CHUNK (256 * KiB)

/* An object of one piece: MD5 and SHA-256. */
static enum err check_whole(struct ctx *ctx, int fd, const struct object *object, bool *ret_same)
{
        CLEANUP(digest_freep) struct digest *digest = digest_new();
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE];
        int64_t size;

        if (!digest)
                return ctx_nomem(ctx);
        if (!digest_add_file(digest, fd, &size))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an object: %m");
        if (!digest_end(digest, md5, sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
        *ret_same = size == object->size_bytes &&
                    (strchr(object->etag, '-') || strcmp(object->etag, md5) == 0) &&
                    (!*object->sha256 || strcmp(object->sha256, sha256) == 0);
        return OK;
}

struct reading {
        int fd;
        char *chunk;
        struct crypto_hash *part, *parts; /* the MD5 of a part, and of all MD5s */
        int64_t count;
};

/* A part of so many bytes. ERR_NOT_FOUND: the file ends before. */
static enum err add_part(struct ctx *ctx, struct reading *reading, int64_t size)
{
        unsigned char md5[MD5_SIZE];

        while (size > 0) {
                size_t want = size < (int64_t)CHUNK ? (size_t)size : CHUNK;
                ssize_t n = read(reading->fd, reading->chunk, want);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an object: %m");
                if (n == 0)
                        return ERR_NOT_FOUND;
                if (!crypto_hash_add(reading->part, reading->chunk, (size_t)n))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
                size -= n;
        }
        reading->count++;
        if (!crypto_hash_end(reading->part, md5) ||
            !crypto_hash_add(reading->parts, md5, sizeof(md5)))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
        return OK;
}

/* "8388608x127 1024x1". ERR_NOT_FOUND: the file or the text does not have it. */
static enum err add_parts(struct ctx *ctx, struct reading *reading, const char *sizes)
{
        while (*sizes) {
                char *end;
                int64_t size = strtoll(sizes, &end, 10), count;
                enum err rc = OK;

                if (end == sizes || *end != 'x' || size < 0)
                        return ERR_NOT_FOUND;
                sizes = end + 1;
                count = strtoll(sizes, &end, 10);
                if (end == sizes)
                        return ERR_NOT_FOUND;
                for (int64_t i = 0; rc == OK && i < count; i++)
                        rc = add_part(ctx, reading, size);
                if (rc != OK)
                        return rc;
                sizes = end + strspn(end, " ");
        }
        return OK;
}

static enum err check_parts(struct ctx *ctx, int fd, const struct object *object, bool *ret_same)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *part = crypto_hash_new(CRYPTO_MD5);
        CLEANUP(crypto_hash_freep) struct crypto_hash *parts = crypto_hash_new(CRYPTO_MD5);
        struct reading reading = { .fd = fd, .part = part, .parts = parts };
        char md5[MD5_HEX_SIZE];
        unsigned char raw[MD5_SIZE];
        const char *etag;
        enum err rc;

        reading.chunk = arena_alloc(ctx->arena, CHUNK);
        if (!part || !parts || !reading.chunk)
                return ctx_nomem(ctx);
        rc = add_parts(ctx, &reading, object->part_sizes);
        if (rc == ERR_NOT_FOUND)
                *ret_same = false;
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? OK : rc;
        if (!crypto_hash_end(parts, raw))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
        crypto_hex(raw, MD5_SIZE, md5);
        etag = arena_printf(ctx->arena, "%s-%lld", md5, (long long)reading.count);
        if (!etag)
                return ctx_nomem(ctx);
        *ret_same = strcmp(object->etag, etag) == 0 && read(fd, reading.chunk, 1) == 0;
        return OK;
}

enum err storage_content_check(struct ctx *ctx, int fd, const struct object *object, bool *ret_same)
{
        return *object->part_sizes ? check_parts(ctx, fd, object, ret_same)
                                   : check_whole(ctx, fd, object, ret_same);
}
