#include "core/cloud/data/data_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/zip.h"
#include "core/cloud/data/data_walk.h"

#define BLOCK (64 * KiB)

/* ---- measuring ---- */

static enum err add_file(void *arg, const struct data_file *file)
{
        struct data_total *total = arg;

        total->files++;
        total->bytes += file->size;
        return OK;
}

enum err data_measure(struct ctx *ctx, const struct data_set *set, struct data_total *ret)
{
        struct data_total total = { 0 };
        enum err rc = data_walk(ctx, set, add_file, &total);

        if (rc == OK)
                *ret = total;
        return rc;
}

static enum err too_large(struct ctx *ctx, const struct data_limit *limit, const char *what,
                          int64_t bytes)
{
        return ctx_fail(ctx, ERR_INVALID, "%s %.1f MiB exceeds %s's %lld MiB upload limit", what,
                        (double)bytes / (double)MiB, limit->provider,
                        (long long)(limit->max_bytes / (int64_t)MiB));
}

static enum err check_total(struct ctx *ctx, const struct data_limit *limit,
                            const struct data_total *total)
{
        if (total->files == 0)
                return ctx_fail(ctx, ERR_INVALID, "No safe files found to upload");
        if (total->bytes > limit->max_bytes)
                return too_large(ctx, limit, "Estimated dataset size", total->bytes);
        return OK;
}

struct measure {
        struct ctx *ctx;
        const struct data_packing *packing;
        struct data_total total;
};

static enum err go_on(struct ctx *ctx, const struct data_packing *packing, int64_t done_bytes)
{
        if (packing->step && !packing->step(packing->arg, done_bytes))
                return ctx_fail(ctx, ERR_CONFLICT, "packing was stopped");
        return OK;
}

static enum err measure_file(void *arg, const struct data_file *file)
{
        struct measure *measure = arg;

        measure->total.files++;
        measure->total.bytes += file->size;
        return go_on(measure->ctx, measure->packing, 0);
}

enum err data_measure_all(struct ctx *ctx, const struct data_packing *packing,
                          struct data_total *ret)
{
        struct measure measure = { .ctx = ctx, .packing = packing };
        const struct data_sets *sets = packing->sets;
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < sets->count; i++) {
                if (!sets->sets[i].repeats)
                        rc = data_walk(ctx, &sets->sets[i], measure_file, &measure);
        }
        if (rc == OK)
                rc = check_total(ctx, &packing->limit, &measure.total);
        if (rc == OK)
                *ret = measure.total;
        return rc;
}

/* ---- packing ---- */

struct pack {
        struct ctx *ctx;
        const struct data_packing *packing;
        const struct data_set *set;
        struct zip *zip;
        struct data_total total;
        char *block;
};

/* *ret_fd: -1 when the file went, or became something else, since it was seen. */
static enum err open_file(const struct pack *pack, const struct data_file *file, int *ret_fd)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        CLEANUP(close_fdp) int fd = openat(file->directory, file->name, flags);
        struct stat st;

        *ret_fd = -1;
        if (fd < 0 && errno != ENOENT && errno != ELOOP)
                return ctx_fail(pack->ctx, ERR_INVALID, "%s: \"%.200s\" cannot be read: %m",
                                pack->set->field, file->path);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                *ret_fd = TAKE_FD(fd);
        return OK;
}

static enum err pack_bytes(struct pack *pack, const struct data_file *file, int fd)
{
        const struct data_packing *packing = pack->packing;
        struct ctx *ctx = pack->ctx;
        ssize_t len;
        enum err rc;

        while ((len = read(fd, pack->block, BLOCK)) > 0) {
                pack->total.bytes += len;
                rc = check_total(ctx, &packing->limit, &pack->total);
                if (rc == OK)
                        rc = zip_entry_add(ctx, pack->zip, pack->block, (size_t)len);
                if (rc == OK)
                        rc = go_on(ctx, packing, pack->total.bytes);
                if (rc != OK)
                        return rc;
        }
        if (len < 0)
                return ctx_fail(ctx, ERR_INVALID, "%s: \"%.200s\" cannot be read: %m",
                                pack->set->field, file->path);
        return OK;
}

static enum err pack_file(void *arg, const struct data_file *file)
{
        struct pack *pack = arg;
        struct ctx *ctx = pack->ctx;
        CLEANUP(close_fdp) int fd = -1;
        const char *name;
        enum err rc;

        rc = open_file(pack, file, &fd);
        if (rc != OK || fd < 0)
                return rc;
        pack->total.files++;
        name = arena_printf(ctx->arena, "%s/%s", pack->set->name, file->path);
        if (!name)
                return ctx_nomem(ctx);
        rc = zip_entry_begin(ctx, pack->zip, name);
        if (rc == OK)
                rc = pack_bytes(pack, file, fd);
        if (rc == OK)
                rc = zip_entry_end(ctx, pack->zip);
        return rc;
}

static enum err pack_sets(struct pack *pack)
{
        const struct data_sets *sets = pack->packing->sets;
        const struct data_limit *limit = &pack->packing->limit;
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < sets->count; i++) {
                pack->set = &sets->sets[i];
                if (!pack->set->repeats)
                        rc = data_walk(pack->ctx, pack->set, pack_file, pack);
        }
        if (rc == OK)
                rc = check_total(pack->ctx, limit, &pack->total);
        if (rc == OK)
                rc = zip_end(pack->ctx, pack->zip);
        if (rc == OK && zip_size(pack->zip) > limit->max_bytes)
                rc = too_large(pack->ctx, limit, "Archive size", zip_size(pack->zip));
        return rc;
}

/* A file that is gone when its last descriptor is, and so after a crash too. Some file systems can
 * only make one that has a name first. */
static enum err open_nameless(struct ctx *ctx, int *ret_fd)
{
        char *directory = arena_printf(ctx->arena, "%s/run", ctx->config->home);
        char *path = arena_printf(ctx->arena, "%s/run/data-XXXXXX", ctx->config->home);
        int fd;

        if (!directory || !path)
                return ctx_nomem(ctx);
        if (mkdir(directory, 0700) != 0 && errno != EEXIST)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be made: %m", directory);
        fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0) {
                fd = mkostemp(path, O_CLOEXEC);
                if (fd >= 0)
                        unlink(path);
        }
        if (fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "no file can be made in %s: %m", directory);
        *ret_fd = fd;
        return OK;
}

enum err data_pack(struct ctx *ctx, const struct data_packing *packing, int *ret_fd,
                   int64_t *ret_size)
{
        struct pack pack = { .ctx = ctx, .packing = packing };
        CLEANUP(zip_freep) struct zip *zip = NULL;
        CLEANUP(close_fdp) int fd = -1;
        enum err rc;

        pack.block = arena_alloc(ctx->arena, BLOCK);
        if (!pack.block)
                return ctx_nomem(ctx);
        rc = open_nameless(ctx, &fd);
        if (rc == OK)
                rc = zip_new(ctx, fd, &zip);
        pack.zip = zip;
        if (rc == OK)
                rc = pack_sets(&pack);
        if (rc != OK)
                return rc;
        *ret_size = zip_size(zip);
        *ret_fd = TAKE_FD(fd);
        return OK;
}

const char *data_pack_path(struct ctx *ctx, int fd)
{
        return arena_printf(ctx->arena, "/proc/self/fd/%d", fd);
}
