#include "core/cloud/object_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/cloud/object_path.h"
#include "core/cloud/object_temp.h"
#include "core/cloud/provider_settings.h"
#include "core/db/db.h"
#include "core/store/store_jobs.h"

static const char logger[] = "simpletuner.cloud.storage";

#define REGISTER_ABOVE  ((int64_t)MiB) /* smaller uploads are over before anyone could look */
#define WRITEBACK_EVERY ((int64_t)(8 * MiB))
#define HASH_BUFFER     (256 * KiB)
#define OPEN_TRIES      5
#define ROW_AGE_MAX_US  (24 * 3600 * US_PER_S) /* no upload lasts longer */

struct object_upload {
        struct ctx *ctx;
        struct bucket bucket;
        const char *key, *content_type;
        int64_t size, written_back;
        bool registered; /* it has a row in uploads */
        struct object_temp temp;
        struct crypto_digest *digest;
};

static enum err change_upload_row(struct object_upload *upload, bool insert)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = upload->ctx;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = insert ? store_upload_insert(ctx, upload->temp.id, upload->bucket.bucket,
                                                  upload->key)
                            : store_upload_delete(ctx, upload->temp.id);
        if (rc != OK)
                return rc;
        rc = db_commit(&tx);
        if (rc == OK)
                upload->registered = insert;
        return rc;
}

static enum err refuse_size(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_TOO_LARGE, "An object has at most %" PRIu64 " bytes",
                        ctx->config->max_object_bytes);
}

/* What a client calls "I did not think about it" is no type. */
static bool is_real_type(const char *content_type)
{
        return content_type && *content_type && strlen(content_type) < 256 &&
               strcmp(content_type, "application/x-www-form-urlencoded") != 0;
}

/* Files of jobs are received only while the administrator wants them. */
static enum err check_receiving(struct ctx *ctx)
{
        struct provider_settings settings;
        struct job job;
        enum err rc;

        if (ctx->actor.kind != ACTOR_JOB)
                return OK;
        rc = store_job_get(ctx, ctx->actor.job_id, &job);
        if (rc == OK)
                rc = provider_settings_load(ctx, job.provider, &settings);
        if (rc == OK && !settings.s3_endpoint_enabled)
                return ctx_fail(ctx, ERR_DENIED,
                                "Receiving files is switched off (s3_endpoint_enabled)");
        return rc;
}

enum err object_upload_begin(struct ctx *ctx, const struct object_intent *intent,
                             struct object_upload **ret)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        const char *type = intent->content_type;
        enum err rc;

        upload = arena_alloc(ctx->arena, sizeof(*upload));
        if (!upload)
                return ctx_nomem(ctx);
        *upload =
                (struct object_upload){ .ctx = ctx, .key = intent->key, .temp = OBJECT_TEMP_NONE };
        upload->content_type = is_real_type(type) ? type : object_media_type(intent->key);
        rc = object_key_check(ctx, intent->key);
        if (rc == OK)
                rc = check_receiving(ctx);
        if (rc == OK)
                rc = store_bucket_get(ctx, intent->bucket, &upload->bucket);
        if (rc != OK)
                return rc;
        if (intent->size > (int64_t)ctx->config->max_object_bytes)
                return refuse_size(ctx);
        upload->digest = crypto_digest_new();
        if (!upload->digest)
                return ctx_nomem(ctx);
        rc = object_temp_open(ctx, upload->bucket.directory, intent->size, &upload->temp);
        if (rc != OK)
                return rc;
        if (intent->size < 0 || intent->size > REGISTER_ABOVE) {
                rc = change_upload_row(upload, true);
                if (rc != OK)
                        return rc;
        }
        *ret = TAKE(upload);
        return OK;
}

void object_upload_free(struct object_upload *upload)
{
        char detail[CTX_DETAIL_SIZE]; /* why it ends is the caller's to tell */

        if (!upload)
                return;
        crypto_digest_free(upload->digest);
        memcpy(detail, upload->ctx->detail, sizeof(detail));
        /* The row goes before the file, so that a row is never left without one. */
        if (upload->registered && change_upload_row(upload, false) != OK)
                log_event(upload->ctx, LOG_WARNING, logger, "An upload is left to the sweep",
                          "reason", upload->ctx->detail);
        object_temp_close(&upload->temp, upload->registered);
        memcpy(upload->ctx->detail, detail, sizeof(detail));
}

enum err object_upload_write(struct ctx *ctx, struct object_upload *upload, const void *bytes,
                             size_t len)
{
        const char *at = bytes;

        upload->size += (int64_t)len;
        if (upload->size > (int64_t)ctx->config->max_object_bytes)
                return refuse_size(ctx);
        if (!crypto_digest_add(upload->digest, bytes, len))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload");
        while (len > 0) {
                ssize_t n = write(upload->temp.fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return object_temp_error(ctx, "cannot write an upload");
                at += n;
                len -= (size_t)n;
        }
        if (upload->size - upload->written_back >= WRITEBACK_EVERY) {
                /* Start the disk now, so that the fsync at the end has little left to wait for. */
                sync_file_range(upload->temp.fd, upload->written_back,
                                upload->size - upload->written_back, SYNC_FILE_RANGE_WRITE);
                upload->written_back = upload->size;
                return object_temp_check_floor(ctx, &upload->temp, 0);
        }
        return OK;
}

static int64_t mtime_ns(const struct stat *st)
{
        return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* A job's token may have died while its bytes were on the way. */
static enum err check_still_allowed(struct ctx *ctx)
{
        struct job job;
        enum err rc;

        if (ctx->actor.kind != ACTOR_JOB)
                return OK;
        rc = store_job_get(ctx, ctx->actor.job_id, &job);
        if (rc == OK && job_status_is_terminal(job.status))
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Invalid upload token. Token must match an active job.");
        return rc;
}

/* The row, then the file under its name, then both become true together. */
static enum err publish(struct ctx *ctx, struct object_upload *upload, const struct object *object)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(close_fdp) int dir = -1;
        enum err rc;

        rc = object_dir_open(ctx, upload->bucket.directory, upload->key, true, &dir);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = check_still_allowed(ctx);
        if (rc == OK)
                rc = store_object_lock(ctx, object->bucket, object->key);
        if (rc == OK)
                rc = store_object_put(ctx, object);
        if (rc == OK && upload->registered)
                rc = store_upload_delete(ctx, upload->temp.id);
        if (rc == OK)
                rc = object_temp_place(ctx, &upload->temp, dir, object_leaf(upload->key));
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        upload->registered = false;
        if (fsync(dir) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's directory is not durable: %m");
        return OK;
}

enum err object_upload_finish(struct ctx *ctx, struct object_upload *upload, struct object *ret)
{
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE];
        struct object object = {
                .bucket = upload->bucket.bucket,
                .key = upload->key,
                .size_bytes = upload->size,
                .content_type = upload->content_type,
                .modified_at_us = clock_wall_us(ctx->clock),
        };
        struct stat st;
        enum err rc;

        if (!crypto_digest_end(upload->digest, md5, sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload");
        rc = ctx_strdup(ctx, md5, &object.etag);
        if (rc == OK)
                rc = ctx_strdup(ctx, sha256, &object.sha256);
        if (rc != OK)
                return rc;
        if (fsync(upload->temp.fd) != 0 || fstat(upload->temp.fd, &st) != 0)
                return object_temp_error(ctx, "an upload is not durable");
        object.file_mtime_ns = mtime_ns(&st);
        rc = publish(ctx, upload, &object);
        if (rc == OK)
                *ret = object;
        return rc;
}

/* Hash the file as it is now, for a row that describes another one. */
static enum err describe_file(struct ctx *ctx, int fd, const struct stat *st, struct object *object)
{
        CLEANUP(crypto_digest_freep) struct crypto_digest *digest = crypto_digest_new();
        char *buffer = arena_alloc(ctx->arena, HASH_BUFFER);
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE];
        ssize_t n;
        enum err rc;

        if (!digest || !buffer)
                return ctx_nomem(ctx);
        while ((n = read(fd, buffer, HASH_BUFFER)) > 0) {
                if (!crypto_digest_add(digest, buffer, (size_t)n))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
        }
        if (n < 0 || lseek(fd, 0, SEEK_SET) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an object: %m");
        if (!crypto_digest_end(digest, md5, sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an object");
        object->size_bytes = st->st_size;
        object->file_mtime_ns = mtime_ns(st);
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
static enum err open_file(struct ctx *ctx, const char *directory, const char *key, int *ret_fd,
                          struct stat *ret_st)
{
        CLEANUP(close_fdp) int dir = -1;
        CLEANUP(close_fdp) int fd = -1;
        enum err rc;

        rc = object_dir_open(ctx, directory, key, false, &dir);
        if (rc == OK)
                fd = openat(dir, object_leaf(key), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (rc == ERR_CONFLICT ||
            (rc == OK && (fd < 0 || fstat(fd, ret_st) != 0 || !S_ISREG(ret_st->st_mode))))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Object not found");
        if (rc == OK)
                *ret_fd = TAKE_FD(fd);
        return rc;
}

/* Row and file of a key, agreeing with each other. */
static enum err open_settled(struct ctx *ctx, const struct bucket *bucket, const char *key,
                             struct object_file *ret)
{
        for (unsigned tries = 0; tries < OPEN_TRIES; tries++) {
                CLEANUP(close_fdp) int fd = -1;
                struct stat st;
                enum err rc;

                rc = store_object_get(ctx, bucket->bucket, key, &ret->object);
                if (rc == OK)
                        rc = open_file(ctx, bucket->directory, key, &fd, &st);
                if (rc != OK)
                        return rc;
                ret->fd = fd;
                if (mtime_ns(&st) == ret->object.file_mtime_ns &&
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
        file.path = arena_printf(ctx->arena, "%s/%s", row.directory, key);
        if (!file.path)
                return ctx_nomem(ctx);
        rc = open_settled(ctx, &row, key, &file);
        if (rc == OK)
                *ret = file;
        return rc;
}

enum err object_buckets(struct ctx *ctx, unsigned limit, bucket_row_fn *row, void *arg)
{
        struct bucket own;
        enum err rc;

        if (ctx->actor.kind != ACTOR_JOB)
                return store_buckets_each(ctx, limit, row, arg);
        rc = store_bucket_get(ctx, ctx->actor.job_id, &own);
        if (rc == OK)
                row(arg, &own);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err object_list(struct ctx *ctx, const struct object_range *range, object_row_fn *row,
                     void *arg)
{
        struct bucket bucket;
        enum err rc = store_bucket_get(ctx, range->bucket, &bucket);

        return rc == OK ? store_objects_each(ctx, range, row, arg) : rc;
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

/* Every directory that buckets are in: the settings may have named several over time. */
static enum err sweep_roots(struct ctx *ctx, unsigned *ret_swept)
{
        const char *after = "";

        *ret_swept = 0;
        for (;;) {
                const char *directory, *slash;
                unsigned swept;
                char *root;
                enum err rc;

                rc = store_bucket_directory_after(ctx, after, &directory);
                if (rc != OK)
                        return rc == ERR_NOT_FOUND ? OK : rc;
                slash = strrchr(directory, '/');
                root = arena_strndup(ctx->arena, directory, (size_t)(slash - directory));
                /* '0' comes after '/': past everything below this root. */
                after = root ? arena_printf(ctx->arena, "%s0", root) : NULL;
                if (!after)
                        return ctx_nomem(ctx);
                rc = object_temp_sweep(ctx, root, &swept);
                if (rc != OK)
                        return rc;
                *ret_swept += swept;
        }
}

enum err object_store_sweep(struct ctx *ctx, unsigned *ret_swept)
{
        enum err rc = sweep_roots(ctx, ret_swept);

        return rc == OK ? sweep_old_rows(ctx) : rc;
}
