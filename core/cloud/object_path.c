#include "core/cloud/object_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/utf8.h"

static enum err check_segment(struct ctx *ctx, const char *segment, size_t len)
{
        if (len == 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: a key has no empty segment, and does "
                                "not begin or end with /");
        if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: . and .. are not allowed");
        if (len > OBJECT_SEGMENT_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: at most %d bytes between slashes",
                                OBJECT_SEGMENT_MAX);
        return OK;
}

enum err object_key_check(struct ctx *ctx, const char *key)
{
        size_t len = strlen(key);

        if (len == 0 || len > OBJECT_KEY_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: a key has 1 to %d bytes",
                                OBJECT_KEY_MAX);
        if (!utf8_is_valid(key))
                return ctx_fail(ctx, ERR_INVALID, "Invalid bucket or key path: not UTF-8");
        for (size_t i = 0; i < len; i++) {
                if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f)
                        return ctx_fail(ctx, ERR_INVALID,
                                        "Invalid bucket or key path: control characters are not "
                                        "allowed");
        }
        if (strncmp(key, OBJECT_PART_PREFIX, strlen(OBJECT_PART_PREFIX)) == 0)
                return ctx_fail(
                        ctx, ERR_INVALID,
                        "Invalid bucket or key path: keys that begin with " OBJECT_PART_PREFIX
                        " are the service's own");
        for (const char *segment = key;; segment++) {
                size_t segment_len = strcspn(segment, "/");
                enum err rc = check_segment(ctx, segment, segment_len);

                if (rc != OK)
                        return rc;
                segment += segment_len;
                if (!*segment)
                        return OK;
        }
}

static enum err explain(struct ctx *ctx, const char *what)
{
        switch (errno) {
        case ENOENT:
                return ctx_fail(ctx, ERR_NOT_FOUND, "Object not found");
        case ENOTDIR:
        case ELOOP:
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Invalid path: another object stands where this key needs a "
                                "directory");
        case ENOSPC:
        case EDQUOT:
                return ctx_fail(ctx, ERR_NO_SPACE, "No space left for objects");
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", what);
}

/* Step into one directory below parent. */
static enum err step_into(struct ctx *ctx, int parent, const char *name, bool create, int *ret_fd)
{
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int fd = openat(parent, name, flags);

        if (fd < 0 && errno == ENOENT && create) {
                if (mkdirat(parent, name, 0750) != 0 && errno != EEXIST)
                        return explain(ctx, "cannot make an object's directory");
                if (fsync(parent) != 0)
                        return explain(ctx, "cannot make an object's directory durable");
                fd = openat(parent, name, flags);
        }
        if (fd < 0)
                return explain(ctx, "cannot open an object's directory");
        *ret_fd = fd;
        return OK;
}

enum err object_root_make(struct ctx *ctx, const char *path)
{
        char *copy = arena_strdup(ctx->arena, path);

        if (!copy)
                return ctx_nomem(ctx);
        for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
                if (slash)
                        *slash = '\0';
                if (mkdir(copy, 0750) != 0 && errno != EEXIST)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be made: %m", copy);
                if (!slash)
                        return OK;
                *slash = '/';
        }
}

const char *object_leaf(const char *key)
{
        const char *slash = strrchr(key, '/');

        return slash ? slash + 1 : key;
}

enum err object_dir_open(struct ctx *ctx, const char *bucket_directory, const char *key,
                         bool create, int *ret_fd)
{
        CLEANUP(close_fdp)
        int fd = open(bucket_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const char *segment = key;
        enum err rc;

        if (fd < 0 && errno == ENOENT && create) {
                rc = object_root_make(ctx, bucket_directory);
                if (rc != OK)
                        return rc;
                fd = open(bucket_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (fd < 0)
                return explain(ctx, "cannot open the bucket's directory");
        for (const char *slash; (slash = strchr(segment, '/')); segment = slash + 1) {
                char name[OBJECT_SEGMENT_MAX + 1];
                int next = -1;

                memcpy(name, segment, (size_t)(slash - segment));
                name[slash - segment] = '\0';
                rc = step_into(ctx, fd, name, create, &next);
                if (rc != OK)
                        return rc;
                close(fd);
                fd = next;
        }
        *ret_fd = TAKE_FD(fd);
        return OK;
}

const char *object_media_type(const char *key)
{
        /* clang-format off */
        static const struct { const char *extension, *type; } types[] = {
                { ".json", "application/json" },   { ".txt", "text/plain; charset=utf-8" },
                { ".log", "text/plain; charset=utf-8" }, { ".md", "text/plain; charset=utf-8" },
                { ".yaml", "text/plain; charset=utf-8" }, { ".csv", "text/csv; charset=utf-8" },
                { ".png", "image/png" },           { ".jpg", "image/jpeg" },
                { ".jpeg", "image/jpeg" },         { ".webp", "image/webp" },
                { ".gif", "image/gif" },           { ".mp4", "video/mp4" },
                { ".zip", "application/zip" },     { ".tar", "application/x-tar" },
                { ".gz", "application/gzip" },
        };
        /* clang-format on */
        const char *slash = strrchr(key, '/');
        const char *dot = strrchr(slash ? slash : key, '.');

        for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++) {
                if (strcasecmp(dot, types[i].extension) == 0)
                        return types[i].type;
        }
        return "application/octet-stream";
}
