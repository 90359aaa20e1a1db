#include "core/cloud/data/data_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/utf8.h"

#define DEPTH_MAX   32
#define ENTRIES_MAX 200000 /* names looked at, the skipped ones too */

/* A directory the walk is in. */
struct level {
        DIR *stream;
        const char **names; /* sorted */
        size_t count, next;
        size_t path_len; /* of its own path, with a slash behind it */
};

struct walk {
        struct ctx *ctx;
        const struct data_set *set;
        struct level levels[DEPTH_MAX];
        unsigned depth, entries;
        char path[PATH_MAX];
};

static void leave(struct walk *walk)
{
        closedir(walk->levels[--walk->depth].stream);
}

static void leave_all(struct walk *walk)
{
        while (walk->depth > 0)
                leave(walk);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory that are not hidden, at most those the walk may still look at. */
static enum err read_names(struct walk *walk, struct level *level)
{
        struct ctx *ctx = walk->ctx;
        const struct dirent *entry;
        size_t room = 64;

        level->names = arena_alloc(ctx->arena, room * sizeof(*level->names));
        while (level->names && (errno = 0, entry = readdir(level->stream))) {
                if (++walk->entries > ENTRIES_MAX)
                        return ctx_fail(ctx, ERR_INVALID, "%s: more than %d files",
                                        walk->set->field, ENTRIES_MAX);
                if (entry->d_name[0] == '.')
                        continue;
                if (!utf8_is_valid(entry->d_name))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s: a file name in \"%.200s\" is not UTF-8",
                                        walk->set->field, walk->path);
                if (level->count == room) {
                        const char **more = arena_alloc(ctx->arena, 2 * room * sizeof(*more));

                        if (!more)
                                return ctx_nomem(ctx);
                        memcpy(more, level->names, room * sizeof(*more));
                        level->names = more;
                        room *= 2;
                }
                level->names[level->count] = arena_strdup(ctx->arena, entry->d_name);
                if (!level->names[level->count++])
                        return ctx_nomem(ctx);
        }
        if (!level->names)
                return ctx_nomem(ctx);
        if (errno != 0)
                return ctx_fail(ctx, ERR_INVALID, "%s: \"%.200s\" cannot be read: %m",
                                walk->set->field, walk->path);
        qsort(level->names, level->count, sizeof(*level->names), compare_names);
        return OK;
}

/* Go into a directory, taking over fd; walk->path is its path. */
static enum err enter(struct walk *walk, int fd)
{
        struct ctx *ctx = walk->ctx;
        struct level *level = &walk->levels[walk->depth];

        if (walk->depth == DEPTH_MAX) {
                close(fd);
                return ctx_fail(ctx, ERR_INVALID, "%s: more than %d levels of directories",
                                walk->set->field, DEPTH_MAX);
        }
        *level = (struct level){ .path_len = strlen(walk->path), .stream = fdopendir(fd) };
        if (!level->stream) {
                close(fd);
                return ctx_nomem(ctx);
        }
        walk->depth++;
        return read_names(walk, level);
}

static enum err enter_below(struct walk *walk, const struct level *level, const char *name)
{
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int fd = openat(dirfd(level->stream), name, flags);

        if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
                return OK; /* it went, or became something else */
        if (fd < 0)
                return ctx_fail(walk->ctx, ERR_INVALID, "%s: \"%.200s\" cannot be read: %m",
                                walk->set->field, walk->path);
        return enter(walk, fd);
}

/* The path of a name in the directory the walk is in. */
static enum err set_path(struct walk *walk, const struct level *level, const char *name,
                         const char *after)
{
        const size_t room = sizeof(walk->path) - level->path_len;
        int len = snprintf(walk->path + level->path_len, room, "%s%s", name, after);

        if (len < 0 || (size_t)len >= room)
                return ctx_fail(walk->ctx, ERR_INVALID, "%s: a path is longer than %zu bytes",
                                walk->set->field, sizeof(walk->path));
        return OK;
}

static enum err visit(struct walk *walk, const struct level *level, const char *name,
                      struct data_file *ret_file)
{
        struct stat st;
        enum err rc;

        ret_file->name = NULL;
        if (fstatat(dirfd(level->stream), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
                return OK; /* it went */
        if (S_ISDIR(st.st_mode) && !data_directory_is_refused(name)) {
                rc = set_path(walk, level, name, "/");
                return rc == OK ? enter_below(walk, level, name) : rc;
        }
        if (!S_ISREG(st.st_mode) || data_file_is_skipped(name))
                return OK;
        *ret_file = (struct data_file){ .directory = dirfd(level->stream),
                                        .name = name,
                                        .path = walk->path,
                                        .size = st.st_size };
        return set_path(walk, level, name, "");
}

enum err data_walk(struct ctx *ctx, const struct data_set *set, data_file_fn *fn, void *arg)
{
        CLEANUP(leave_all) struct walk walk = { .ctx = ctx, .set = set };
        int fd;
        enum err rc;

        rc = data_set_open(ctx, set, &fd);
        if (rc == OK)
                rc = enter(&walk, fd);
        while (rc == OK && walk.depth > 0) {
                struct level *level = &walk.levels[walk.depth - 1];
                struct data_file file;

                if (level->next == level->count) {
                        leave(&walk);
                        continue;
                }
                rc = visit(&walk, level, level->names[level->next++], &file);
                if (rc == OK && file.name)
                        rc = fn(arg, &file);
        }
        return rc;
}
