#include "core/cloud/storage/object_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/crypto.h"
#include "core/base/digest.h"
#include "core/base/log.h"
#include "core/cloud/remote/remote_store.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_temp.h"
#include "core/cloud/storage/storage_root.h"
#include "core/db/db.h"

static const char logger[] = "simpletuner.cloud.storage";

#define OPEN_TRIES     5
#define ROW_AGE_MAX_US (24 * 3600 * US_PER_S) /* no upload lasts longer */

/* Hash the file as it is now, for a row that describes another one. */
static enum err describe_file(struct ctx *ctx, int fd, const struct stat *st, struct object *object)
{
        CLEANUP(digest_freep) struct digest *digest = digest_new();
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE];
        int64_t size;
        enum err rc;

        if (!digest)
                return ctx_nomem(ctx);
        if (!digest_add_file(digest, fd, &size) || lseek(fd, 0, SEEK_SET) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an object: %m");
        if (!digest_end(digest, md5, sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
        object->checksum_kind = object->checksum = object->part_sizes = "";
        object->metadata = object->tags = "{}";
        object->size_bytes = st->st_size;
        object->file_mtime_ns = object_mtime_ns(st);
        object->modified_at_us = object->file_mtime_ns / 1000;
        rc = ctx_strdup(ctx, md5, &object->etag);
        return rc == OK ? ctx_strdup(ctx, sha256, &object->sha256) : rc;
}

/* Who writes this key now? When this returns, nobody: its file and its row agree. */
static enum err wait_for_writer(struct ctx *ctx, const struct object *object)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        return rc == OK ? store_object_lock(ctx, object->bucket, object->key) : rc;
}

/* A crash fell between a file and its row: the file is whole and durable, so the row follows it,
 * unless either has changed since we looked. */
static enum err mend_row(struct ctx *ctx, const struct object_file *file, const struct stat *st,
                         struct object mended)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct object now;
        enum err rc;

        rc = describe_file(ctx, file->fd, st, &mended);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_object_lock(ctx, mended.bucket, mended.key);
        if (rc == OK)
                rc = store_object_get(ctx, mended.bucket, mended.key, &now);
        if (rc != OK || now.file_mtime_ns != file->object.file_mtime_ns)
                return rc;
        rc = store_object_put(ctx, &mended);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                log_event(ctx, LOG_WARNING, logger,
                          "An object's row was mended after an interrupted upload", "bucket",
                          mended.bucket, "key", mended.key);
        return rc;
}

/* Open the file of a row as it is now. */
static enum err open_file(struct ctx *ctx, const char *directory, const char *path, int *ret_fd,
                          struct stat *ret_st)
{
        CLEANUP(close_fdp) int dir = -1;
        CLEANUP(close_fdp) int fd = -1;
        enum err rc;

        rc = object_dir_open(ctx, directory, path, false, &dir);
        if (rc == OK)
                fd = openat(dir, object_leaf(path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (rc == ERR_CONFLICT || rc == ERR_NOT_FOUND ||
            (rc == OK && (fd < 0 || fstat(fd, ret_st) != 0 || !S_ISREG(ret_st->st_mode))))
                return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchKey", "Object not found");
        if (rc == OK)
                *ret_fd = TAKE_FD(fd);
        return rc;
}

/* Row and file of a key, agreeing with each other. */
static enum err open_settled(struct ctx *ctx, const struct bucket *bucket, const char *key,
                             struct object_file *ret)
{
        const char *path;

        if (object_path(ctx, key, &path) != OK)
                return ERR_NOMEM;
        for (unsigned tries = 0; tries < OPEN_TRIES; tries++) {
                CLEANUP(close_fdp) int fd = -1;
                struct stat st;
                enum err rc;

                rc = store_object_get(ctx, bucket->bucket, key, &ret->object);
                if (rc == OK)
                        rc = open_file(ctx, bucket->directory, path, &fd, &st);
                if (rc != OK)
                        return rc;
                ret->fd = fd;
                if (object_mtime_ns(&st) == ret->object.file_mtime_ns &&
                    st.st_size == ret->object.size_bytes) {
                        ret->fd = TAKE_FD(fd);
                        return OK;
                }
                rc = tries == 0 ? wait_for_writer(ctx, &ret->object)
                                : mend_row(ctx, ret, &st, ret->object);
                if (rc != OK)
                        return rc;
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "an object changes faster than it can be read");
}

enum err object_open(struct ctx *ctx, const char *bucket, const char *key, struct object_file *ret)
{
        struct object_file file = { .fd = -1 };
        struct bucket row;
        enum err rc;

        rc = object_key_check(ctx, key);
        if (rc == OK)
                rc = store_bucket_get(ctx, bucket, &row);
        if (rc != OK)
                return rc;
        if (remote_is_url(row.directory)) {
                rc = store_object_get(ctx, bucket, key, &file.object);
                if (rc == OK)
                        *ret = file;
                return rc;
        }
        rc = object_path(ctx, key, &file.path);
        if (rc != OK)
                return rc;
        file.path = arena_printf(ctx->arena, "%s/%s", row.directory, file.path);
        if (!file.path)
                return ctx_nomem(ctx);
        rc = open_settled(ctx, &row, key, &file);
        if (rc == OK)
                *ret = file;
        return rc;
}

/* Rows whose file another host had, and which died with it. */
static enum err sweep_old_rows(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t swept;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_uploads_sweep(ctx, clock_wall_us(ctx->clock) - ROW_AGE_MAX_US, &swept);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err sweep_roots(struct ctx *ctx, unsigned *ret_swept)
{
        struct storage_roots roots = STORAGE_ROOTS;
        struct object_temp_sweep sweep = { .dry_run = false };
        unsigned swept;
        enum err rc;

        *ret_swept = 0;
        while ((rc = storage_root_next(ctx, &roots, &sweep.root)) == OK) {
                rc = object_temp_sweep(ctx, &sweep, &swept);
                if (rc != OK)
                        return rc;
                *ret_swept += swept;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err object_store_sweep(struct ctx *ctx, unsigned *ret_swept)
{
        enum err rc = sweep_roots(ctx, ret_swept);

        return rc == OK ? sweep_old_rows(ctx) : rc;
}
