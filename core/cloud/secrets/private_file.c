#include "core/cloud/secrets/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/crypto.h"

#define FILE_MAX     (256 * KiB)
#define KEY_SIZE_MAX 64

enum err private_file_read(struct ctx *ctx, const char *path, char **ret_text, size_t *ret_len)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;
        ssize_t len;
        char *text;

        if (fd < 0 && errno == ENOENT)
                return ERR_NOT_FOUND;
        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        if (st.st_mode & 077)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s may be read by others: run chmod 600 %s",
                                path, path);
        if (st.st_size > (off_t)FILE_MAX)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s is larger than %zu KiB", path,
                                FILE_MAX / KiB);
        text = arena_alloc(ctx->arena, (size_t)st.st_size + 1);
        if (!text)
                return ctx_nomem(ctx);
        len = read(fd, text, (size_t)st.st_size);
        if (len != st.st_size)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read", path);
        *ret_text = text;
        *ret_len = (size_t)len;
        return OK;
}

/* A name beside path that nobody else uses. */
static enum err name_temporary(struct ctx *ctx, const char *path, const char **ret)
{
        char unique[ULID_SIZE];
        enum err rc = crypto_ulid(ctx, unique);

        if (rc != OK)
                return rc;
        *ret = arena_printf(ctx->arena, "%s.%s.new", path, unique);
        return *ret ? OK : ctx_nomem(ctx);
}

/* A new file with this text, on the disk; its name is path's to be. */
static bool write_temporary(const char *temp, const char *text, int *ret_fd)
{
        const size_t len = strlen(text);

        *ret_fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        return *ret_fd >= 0 && fchmod(*ret_fd, 0600) == 0 &&
               write(*ret_fd, text, len) == (ssize_t)len && fsync(*ret_fd) == 0;
}

/* The directory that path is in; -1 if it cannot be opened. */
static int open_directory_of(struct ctx *ctx, const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *directory =
                slash ? arena_strndup(ctx->arena, path, (size_t)(slash - path) + 1) : ".";

        return directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

enum err private_file_replace(struct ctx *ctx, const char *path, const char *text)
{
        CLEANUP(close_fdp) int dir = open_directory_of(ctx, path);
        CLEANUP(close_fdp) int fd = -1;
        const char *temp;
        enum err rc;

        rc = name_temporary(ctx, path, &temp);
        if (rc != OK)
                return rc;
        if (dir < 0 || !write_temporary(temp, text, &fd) || rename(temp, path) != 0 ||
            fsync(dir) != 0) {
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be written: %m", path);
                unlink(temp);
        }
        return rc;
}

enum err private_file_lock(struct ctx *ctx, const char *path, int *ret_fd)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0 || flock(fd, LOCK_EX) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        *ret_fd = TAKE_FD(fd);
        return OK;
}

enum err private_file_make_key(struct ctx *ctx, const char *path, size_t size)
{
        CLEANUP(close_fdp) int dir = open_directory_of(ctx, path);
        CLEANUP(close_fdp) int fd = -1;
        unsigned char key[KEY_SIZE_MAX];
        char text[BASE64_SIZE(KEY_SIZE_MAX)];
        const char *temp;
        bool written;
        enum err rc;

        rc = name_temporary(ctx, path, &temp);
        if (rc != OK)
                return rc;
        if (size > sizeof(key) || !crypto_random(key, size))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for %s", path);
        crypto_base64url(key, size, text);
        written = dir >= 0 && write_temporary(temp, text, &fd) &&
                  (link(temp, path) == 0 || errno == EEXIST);
        if (!written)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be written: %m", path);
        if (fd >= 0)
                unlink(temp);
        if (written && fsync(dir) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be written: %m", path);
        secret_wipe(key, sizeof(key));
        secret_wipe(text, sizeof(text));
        return rc;
}
