#include "core/cloud/object_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
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

struct object_upload {
        struct ctx *ctx;
        struct bucket bucket;
        const char *key, *content_type;
        int64_t size, written_back;
        bool registered; /* it has a row in uploads */
        bool resumable;  /* what is not finished stays */
        struct object_temp temp;
        struct crypto_digest *digest;
        enum err (*also)(struct ctx *ctx, void *arg, const struct object *object);
        void *arg;
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

static enum err open_temp(struct ctx *ctx, struct object_upload *upload, int64_t expected)
{
        enum err rc;

        if (!upload->resumable)
                return object_temp_open(ctx, upload->bucket.directory, expected, &upload->temp);
        rc = object_temp_resume(ctx, upload->bucket.directory, upload->key, &upload->temp);
        if (rc != OK)
                return rc;
        if (!crypto_digest_add_file(upload->digest, upload->temp.fd, &upload->size))
                return object_temp_error(ctx, "cannot read a partial file");
        upload->written_back = upload->size;
        return OK;
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
        *upload = (struct object_upload){ .ctx = ctx,
                                          .key = intent->key,
                                          .resumable = intent->resume,
                                          .also = intent->also,
                                          .arg = intent->arg,
                                          .temp = OBJECT_TEMP_NONE };
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
        rc = open_temp(ctx, upload, intent->size);
        if (rc != OK)
                return rc;
        if (!intent->resume && (intent->size < 0 || intent->size > REGISTER_ABOVE)) {
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
        object_temp_close(&upload->temp, upload->registered || upload->resumable);
        memcpy(upload->ctx->detail, detail, sizeof(detail));
}

int64_t object_upload_size(const struct object_upload *upload)
{
        return upload->size;
}

enum err object_upload_restart(struct ctx *ctx, struct object_upload *upload)
{
        struct crypto_digest *digest = crypto_digest_new();

        if (!digest)
                return ctx_nomem(ctx);
        crypto_digest_free(upload->digest);
        upload->digest = digest;
        /* Durable at once: what is said of the new bytes must never be taken for the old ones. */
        if (ftruncate(upload->temp.fd, 0) != 0 || lseek(upload->temp.fd, 0, SEEK_SET) != 0 ||
            fsync(upload->temp.fd) != 0)
                return object_temp_error(ctx, "cannot empty a partial file");
        upload->size = upload->written_back = 0;
        return OK;
}

enum err object_upload_expect(struct ctx *ctx, const struct object_upload *upload, int64_t total)
{
        if (total > (int64_t)ctx->config->max_object_bytes)
                return refuse_size(ctx);
        return object_temp_check_floor(ctx, &upload->temp, total - upload->size);
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
        if (rc == OK && upload->also)
                rc = upload->also(ctx, upload->arg, object);
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
        object.file_mtime_ns = object_mtime_ns(&st);
        rc = publish(ctx, upload, &object);
        if (rc == OK)
                *ret = object;
        return rc;
}
