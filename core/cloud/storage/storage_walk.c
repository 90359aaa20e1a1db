#include "core/cloud/storage/storage_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/cloud/storage/object_path.h"

typedef DIR dir_stream;
static void close_stream(dir_stream *dir)
{
        closedir(dir);
}
DEFINE_CLEANUP(dir_stream *, close_stream)

/* The directories in one that is walked: they are entered when it is closed again, so that the
 * depth of a tree costs no open files. */
struct child {
        struct child *next;
        char *path; /* "dir/child/": to be opened by object_dir_open */
};

struct level {
        const struct storage_walk *walk;
        struct arena *arena; /* of the children */
        struct child *children;
};

static enum err keep_child(struct ctx *ctx, struct level *level, const char *path)
{
        struct child *child = arena_alloc(level->arena, sizeof(*child));

        if (!child)
                return ctx_nomem(ctx);
        child->path = arena_printf(level->arena, "%s/", path);
        if (!child->path)
                return ctx_nomem(ctx);
        child->next = level->children;
        level->children = child;
        return OK;
}

/* prefix: "" or "dir/". */
static enum err meet(struct ctx *ctx, struct level *level, int dir, const char *prefix,
                     const char *name)
{
        const char *path = arena_printf(ctx->arena, "%s%s", prefix, name);
        struct storage_entry entry = { .path = path, .name = name, .dir = dir };
        struct stat st;

        if (!path)
                return ctx_nomem(ctx);
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
                return OK; /* gone */
        entry.st = &st;
        return S_ISDIR(st.st_mode) ? keep_child(ctx, level, path)
                                   : level->walk->fn(ctx, level->walk->arg, &entry);
}

static enum err read_level(struct ctx *ctx, struct level *level, const char *prefix)
{
        CLEANUP(close_streamp) dir_stream *stream = NULL;
        CLEANUP(close_fdp) int dir = -1;
        enum err rc = object_dir_open(ctx, level->walk->directory, prefix, false, &dir);

        if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT || rc == ERR_INVALID)
                return OK; /* removed or replaced while we came here, or too deep for any key */
        if (rc != OK)
                return rc;
        stream = fdopendir(dir);
        if (!stream)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read a directory: %m");
        dir = -1; /* the stream's now */
        for (const struct dirent *entry; rc == OK && (entry = readdir(stream));) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                rc = meet(ctx, level, dirfd(stream), prefix, entry->d_name);
                arena_reset(ctx->arena);
        }
        return rc;
}

bool storage_entry_is_idle(const struct storage_entry *entry)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        CLEANUP(close_fdp) int fd = -1;

        if (!S_ISREG(entry->st->st_mode))
                return true;
        fd = openat(entry->dir, entry->name, flags);
        return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0;
}

/* As deep as keys have slashes: OBJECT_KEY_MAX at most, for what lies deeper cannot be opened. */
static enum err walk_level(struct ctx *ctx, const struct storage_walk *walk, const char *prefix)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct level level = { .walk = walk, .arena = arena };
        enum err rc;

        if (!arena)
                return ctx_nomem(ctx);
        rc = read_level(ctx, &level, prefix);
        for (const struct child *child = level.children; rc == OK && child; child = child->next) {
                rc = walk_level(ctx, walk, child->path);
                if (walk->prune)
                        object_dirs_prune(walk->directory, child->path);
        }
        return rc;
}

enum err storage_walk(struct ctx *ctx, const struct storage_walk *walk)
{
        CLEANUP(arena_freep) struct arena *own = arena_new();
        struct arena *outer = ctx->arena;
        enum err rc;

        if (!own)
                return ctx_nomem(ctx);
        ctx->arena = own;
        rc = walk_level(ctx, walk, "");
        ctx->arena = outer;
        return rc;
}
