#include <unistd.h>

#include "core/cloud/remote/remote_get.h"
#include "core/cloud/storage/object_store.h"

#define CHUNK (256 * KiB)

static enum err read_file(struct ctx *ctx, int fd, struct object_piece piece, object_take_fn *take,
                          void *arg)
{
        char *chunk = arena_alloc(ctx->arena, CHUNK);

        if (!chunk)
                return ctx_nomem(ctx);
        while (piece.size > 0) {
                size_t want = piece.size < (int64_t)CHUNK ? (size_t)piece.size : CHUNK;
                ssize_t n = pread(fd, chunk, want, piece.offset);
                enum err rc;

                if (n <= 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an object: %m");
                rc = take(ctx, arg, chunk, (size_t)n);
                if (rc != OK)
                        return rc;
                piece.offset += n;
                piece.size -= n;
        }
        return OK;
}

/* Who takes the bytes that come. */
struct taking {
        struct ctx *ctx;
        object_take_fn *take;
        void *arg;
        enum err rc;
};

static bool hand_over(void *arg, const void *bytes, size_t len)
{
        struct taking *taking = arg;

        taking->rc = taking->take(taking->ctx, taking->arg, bytes, len);
        return taking->rc == OK;
}

enum err object_read(struct ctx *ctx, const struct object_file *file, struct object_piece piece,
                     object_take_fn *take, void *arg)
{
        CLEANUP(remote_get_freep) struct remote_get *get = NULL;
        struct taking taking = { .ctx = ctx, .take = take, .arg = arg };
        const struct http_taker taker = { .write = hand_over, .arg = &taking };
        enum err rc;

        if (file->fd >= 0)
                return read_file(ctx, file->fd, piece, take, arg);
        rc = remote_get_begin(ctx, file->object.remote, file->object.size_bytes,
                              (struct remote_piece){ piece.offset, piece.size }, &get);
        if (rc == OK)
                rc = remote_get_take(ctx, get, &taker);
        if (rc == ERR_NOT_FOUND)
                return ctx_prefix(ctx, ERR_UNAVAILABLE, "an object has no bytes, or new ones");
        return rc == ERR_CONFLICT && taking.rc != OK ? taking.rc : rc;
}
