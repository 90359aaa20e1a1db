#include "core/cloud/storage/object_temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/remote/remote_store.h"
#include "core/cloud/storage/object_path.h"
#include "core/db/db.h"
#include "core/store/store_objects.h"

#define INCOMING    ".incoming"
#define PART_SUFFIX ".part"

typedef DIR dir_stream;
static void close_stream(dir_stream *dir)
{
        closedir(dir);
}
DEFINE_CLEANUP(dir_stream *, close_stream)

int64_t object_mtime_ns(const struct stat *st)
{
        return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

enum err object_spool(struct ctx *ctx, const char *bucket_directory, const char **ret)
{
        *ret = bucket_directory;
        if (remote_is_url(bucket_directory))
                *ret = arena_printf(ctx->arena, "%s/spool%s", ctx->config->home,
                                    strrchr(bucket_directory, '/'));
        return *ret ? OK : ctx_nomem(ctx);
}

enum err object_temp_error(struct ctx *ctx, const char *what)
{
        if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
                return ctx_fail(ctx, ERR_NO_SPACE, "No space left for objects");
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", what);
}

enum err object_temp_check_floor(struct ctx *ctx, const struct object_temp *temp, int64_t more)
{
        struct statvfs vfs;
        uint64_t available;

        if (fstatvfs(temp->dir, &vfs) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot tell the free space: %m");
        available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
        if (available < ctx->config->min_free_bytes + (uint64_t)(more > 0 ? more : 0))
                return ctx_fail(ctx, ERR_NO_SPACE,
                                "Not enough space: %" PRIu64 " bytes are free, of which %" PRIu64
                                " must stay free",
                                available, ctx->config->min_free_bytes);
        return OK;
}

/* Make the file and lock it. A sweep may come between the two and take it for a dead one: then it
 * is gone, and another is made. */
static enum err make_file(struct ctx *ctx, struct object_temp *temp)
{
        const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        struct stat st;
        enum err rc;

        for (unsigned tries = 0; tries < 10; tries++) {
                rc = crypto_ulid(ctx, temp->id);
                if (rc != OK)
                        return rc;
                temp->fd = openat(temp->dir, temp->id, flags, 0640);
                if (temp->fd < 0)
                        return object_temp_error(ctx, "cannot make a temporary file");
                if (flock(temp->fd, LOCK_EX) == 0 && fstat(temp->fd, &st) == 0 && st.st_nlink > 0)
                        return OK;
                close_fdp(&temp->fd);
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot keep a temporary file");
}

enum err object_temp_open(struct ctx *ctx, const char *bucket_directory, int64_t expected,
                          struct object_temp *ret)
{
        const char *slash = strrchr(bucket_directory, '/');
        const char *incoming = arena_printf(ctx->arena, "%.*s/" INCOMING,
                                            (int)(slash - bucket_directory), bucket_directory);
        enum err rc;

        if (!incoming)
                return ctx_nomem(ctx);
        ret->dir = open(incoming, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (ret->dir < 0 && errno == ENOENT) {
                rc = object_root_make(ctx, incoming);
                if (rc != OK)
                        return rc;
                ret->dir = open(incoming, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (ret->dir < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", incoming);
        rc = object_temp_check_floor(ctx, ret, expected);
        if (rc == OK)
                rc = make_file(ctx, ret);
        if (rc != OK)
                return rc;
        if (expected > 0 && fallocate(ret->fd, FALLOC_FL_KEEP_SIZE, 0, expected) != 0 &&
            errno == ENOSPC)
                return object_temp_error(ctx, "cannot reserve space");
        return OK;
}

/* ".archive-{12 digits of the key's hash}.part" */
static enum err name_part(struct ctx *ctx, const char *key, char ret_name[ULID_SIZE])
{
        char hash[SHA256_HEX_SIZE];

        if (!crypto_sha256_hex(key, strlen(key), hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a key");
        snprintf(ret_name, ULID_SIZE, OBJECT_PART_PREFIX "%.12s" PART_SUFFIX, hash);
        return OK;
}

enum err object_temp_resume(struct ctx *ctx, const char *bucket_directory, const char *key,
                            struct object_temp *ret)
{
        struct stat opened, named;
        enum err rc;

        rc = name_part(ctx, key, ret->id);
        if (rc == OK)
                rc = object_dir_open(ctx, bucket_directory, ret->id, true, &ret->dir);
        if (rc != OK)
                return rc;
        ret->fd = openat(ret->dir, ret->id, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
        if (ret->fd < 0)
                return object_temp_error(ctx, "cannot open a partial file");
        /* Who had it before us may have placed it: then what we opened is an object now. */
        if (flock(ret->fd, LOCK_EX | LOCK_NB) != 0 || fstat(ret->fd, &opened) != 0 ||
            fstatat(ret->dir, ret->id, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
            opened.st_ino != named.st_ino)
                return ctx_fail(ctx, ERR_CONFLICT, "another process is writing this file");
        return OK;
}

enum err object_temp_drop_parts(struct ctx *ctx, const char *bucket_directory)
{
        CLEANUP(close_streamp) dir_stream *stream = NULL;
        const char *directory;

        if (object_spool(ctx, bucket_directory, &directory) != OK)
                return ERR_NOMEM;
        stream = opendir(directory);
        if (!stream)
                return errno == ENOENT ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", directory);
        for (const struct dirent *entry; (entry = readdir(stream));) {
                if (strncmp(entry->d_name, OBJECT_PART_PREFIX, strlen(OBJECT_PART_PREFIX)) == 0)
                        unlinkat(dirfd(stream), entry->d_name, 0);
        }
        return OK;
}

void object_temp_close(struct object_temp *temp, bool keep)
{
        if (temp->fd >= 0 && !temp->placed && !keep)
                unlinkat(temp->dir, temp->id, 0);
        close_fdp(&temp->fd);
        close_fdp(&temp->dir);
}

static enum err place(struct ctx *ctx, struct object_temp *temp, int dir, const char *leaf,
                      unsigned flags)
{
        if (renameat2(temp->dir, temp->id, dir, leaf, flags) != 0) {
                if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST)
                        return ctx_fail(ctx, ERR_CONFLICT,
                                        "Invalid path: this key is a directory of other objects");
                if (errno == ENOENT)
                        return ctx_fail(ctx, ERR_NOT_FOUND, "an object's directory was removed");
                return object_temp_error(ctx, "cannot place an object");
        }
        temp->placed = true;
        return OK;
}

enum err object_temp_place(struct ctx *ctx, struct object_temp *temp, int dir, const char *leaf)
{
        return place(ctx, temp, dir, leaf, 0);
}

enum err object_temp_place_new(struct ctx *ctx, struct object_temp *temp, int dir, const char *leaf)
{
        return place(ctx, temp, dir, leaf, RENAME_NOREPLACE);
}

/* Remove the file, whose row is gone already or goes now. */
static enum err remove_dead(struct ctx *ctx, int dir, const char *name)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_upload_delete(ctx, name);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                unlinkat(dir, name, 0);
        return rc;
}

/* Perhaps its process is about to lock it. */
static bool is_new_born(const struct ctx *ctx, const struct stat *st)
{
        return st->st_size == 0 && st->st_blocks == 0 &&
               object_mtime_ns(st) > (clock_wall_us(ctx->clock) - 60 * US_PER_S) * 1000;
}

/* One that no process holds. ERR_NOT_FOUND: one does, or it is gone. */
static enum err meet_file(struct ctx *ctx, const struct object_temp_sweep *sweep, int dir,
                          const char *name)
{
        CLEANUP(close_fdp) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        const char *path = arena_printf(ctx->arena, "%s/" INCOMING "/%s", sweep->root, name);
        struct stat st;
        enum err rc = OK;

        if (!path)
                return ctx_nomem(ctx);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0 ||
            is_new_born(ctx, &st))
                return ERR_NOT_FOUND;
        if (!sweep->dry_run)
                rc = remove_dead(ctx, dir, name);
        if (rc == OK && sweep->found)
                sweep->found(sweep->arg, path, st.st_size);
        return rc;
}

enum err object_temp_sweep(struct ctx *ctx, const struct object_temp_sweep *sweep,
                           unsigned *ret_swept)
{
        const char *incoming = arena_printf(ctx->arena, "%s/" INCOMING, sweep->root);
        CLEANUP(close_streamp) dir_stream *stream = NULL;
        unsigned swept = 0;

        if (!incoming)
                return ctx_nomem(ctx);
        *ret_swept = 0;
        stream = opendir(incoming);
        if (!stream)
                return errno == ENOENT ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", incoming);
        for (const struct dirent *entry; (entry = readdir(stream));) {
                enum err rc;

                if (entry->d_name[0] == '.')
                        continue;
                rc = meet_file(ctx, sweep, dirfd(stream), entry->d_name);
                if (rc != OK && rc != ERR_NOT_FOUND)
                        return rc;
                swept += rc == OK;
        }
        *ret_swept = swept;
        return OK;
}
