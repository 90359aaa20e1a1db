#include "core/cloud/storage/object_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/utf8.h"

static enum err check_segment(struct ctx *ctx, const char *segment, size_t len)
{
        if (len == strlen(OBJECT_NO_NAME) && strncmp(segment, OBJECT_NO_NAME, len) == 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: " OBJECT_NO_NAME
                                " between slashes is the service's own");
        if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: . and .. are not allowed");
        if (len > OBJECT_SEGMENT_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid bucket or key path: at most %d bytes between slashes",
                                OBJECT_SEGMENT_MAX);
        return OK;
}

/* Names that stand for nothing make a path much longer than its key. */
static bool has_short_path(const char *key)
{
        size_t len = strlen(key);

        for (const char *c = key; *c; c++)
                len += *c == '/' && (c == key || c[-1] == '/') ? strlen(OBJECT_NO_NAME) : 0;
        return len + strlen(OBJECT_NO_NAME) <= OBJECT_PATH_MAX;
}

enum err object_key_check(struct ctx *ctx, const char *key)
{
        size_t len = strlen(key);

        if (len == 0 || len > OBJECT_KEY_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, len ? "KeyTooLongError" : "InvalidArgument",
                                   "Invalid bucket or key path: a key has 1 to %d bytes",
                                   OBJECT_KEY_MAX);
        if (!has_short_path(key))
                return ctx_fail_as(ctx, ERR_INVALID, "KeyTooLongError",
                                   "Invalid bucket or key path: too many slashes side by side");
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
        case ENAMETOOLONG:
                return ctx_fail_as(ctx, ERR_INVALID, "KeyTooLongError",
                                   "Invalid path: a file's path is too long");
        case ENOSPC:
        case EDQUOT:
                return ctx_fail(ctx, ERR_NO_SPACE, "No space left for objects");
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", what);
}

/* Step into one directory below parent, which is made when it is missing. */
static enum err step_into(struct ctx *ctx, int parent, const char *name, int *ret_fd)
{
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int fd = openat(parent, name, flags);

        if (fd < 0 && errno == ENOENT) {
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

enum err object_path(struct ctx *ctx, const char *key, const char **ret_path)
{
        size_t segments = 1, at = 0;
        char *path;

        if (*key != '/' && !strstr(key, "//") && key[strlen(key) - 1] != '/') {
                *ret_path = key;
                return OK;
        }
        for (const char *c = key; *c; c++)
                segments += *c == '/';
        path = arena_alloc(ctx->arena, strlen(key) + segments * strlen(OBJECT_NO_NAME) + 1);
        if (!path)
                return ctx_nomem(ctx);
        for (const char *segment = key;; segment++) {
                size_t len = strcspn(segment, "/");
                const char *name = len ? segment : OBJECT_NO_NAME;
                size_t name_len = len ? len : strlen(OBJECT_NO_NAME);

                memcpy(path + at, name, name_len);
                at += name_len;
                segment += len;
                path[at++] = *segment;
                if (!*segment)
                        break;
        }
        *ret_path = path;
        return OK;
}

enum err object_key_of(struct ctx *ctx, const char *path, const char **ret_key)
{
        size_t at = 0;
        char *key;

        if (!strstr(path, OBJECT_NO_NAME)) {
                *ret_key = path;
                return OK;
        }
        key = arena_alloc(ctx->arena, strlen(path) + 1);
        if (!key)
                return ctx_nomem(ctx);
        for (const char *segment = path;; segment++) {
                size_t len = strcspn(segment, "/");

                if (len != strlen(OBJECT_NO_NAME) || strncmp(segment, OBJECT_NO_NAME, len) != 0) {
                        memcpy(key + at, segment, len);
                        at += len;
                }
                segment += len;
                key[at++] = *segment;
                if (!*segment)
                        break;
        }
        *ret_key = key;
        return OK;
}

const char *object_leaf(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The bucket's own directory, an administrator's word: a symbolic link above it is his. */
static int open_bucket(const char *bucket_directory)
{
        return open(bucket_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The directory of a path below the bucket, in one step and without symbolic links. "": the
 * bucket's own. A negative answer has errno set. */
static int open_below(int bucket, const char *path, size_t len)
{
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        char directory[OBJECT_PATH_MAX + 1];

        if (len > OBJECT_PATH_MAX) {
                errno = ENAMETOOLONG;
                return -1;
        }
        memcpy(directory, path, len);
        directory[len] = '\0';
        return (int)syscall(SYS_openat2, bucket, len ? directory : ".", &how, sizeof(how));
}

/* Make the directories of a path one by one. */
static enum err make_below(struct ctx *ctx, int bucket, const char *path, int *ret_fd)
{
        CLEANUP(close_fdp) int fd = bucket;

        for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
                char name[OBJECT_SEGMENT_MAX + 1];
                int next = -1;
                enum err rc;

                memcpy(name, path, (size_t)(slash - path));
                name[slash - path] = '\0';
                rc = step_into(ctx, fd, name, &next);
                if (rc != OK)
                        return rc;
                close(fd);
                fd = next;
        }
        *ret_fd = TAKE_FD(fd);
        return OK;
}

enum err object_dir_open(struct ctx *ctx, const char *bucket_directory, const char *path,
                         bool create, int *ret_fd)
{
        CLEANUP(close_fdp) int bucket = open_bucket(bucket_directory);
        size_t len = (size_t)(object_leaf(path) - path);
        int fd;

        if (bucket < 0 && errno == ENOENT && create) {
                enum err rc = object_root_make(ctx, bucket_directory);

                if (rc != OK)
                        return rc;
                bucket = open_bucket(bucket_directory);
        }
        if (bucket < 0)
                return explain(ctx, "cannot open the bucket's directory");
        fd = len ? open_below(bucket, path, len - 1) : TAKE_FD(bucket);
        if (fd < 0 && errno == ENOENT && create)
                return make_below(ctx, TAKE_FD(bucket), path, ret_fd);
        if (fd < 0)
                return explain(ctx, "cannot open an object's directory");
        *ret_fd = fd;
        return OK;
}

void object_dirs_prune(const char *bucket_directory, const char *path)
{
        CLEANUP(close_fdp) int bucket = open_bucket(bucket_directory);

        for (size_t len = (size_t)(object_leaf(path) - path); bucket >= 0 && len > 1;) {
                CLEANUP(close_fdp) int parent = -1;
                char name[OBJECT_SEGMENT_MAX + 1];
                size_t end = len - 1, start = end;

                while (start > 0 && path[start - 1] != '/')
                        start--;
                parent = open_below(bucket, path, start ? start - 1 : 0);
                memcpy(name, path + start, end - start);
                name[end - start] = '\0';
                if (parent < 0 || unlinkat(parent, name, AT_REMOVEDIR) != 0)
                        return;
                len = start;
        }
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
