#include "core/cloud/storage/multipart.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/cloud/remote/remote_leftover.h"
#include "core/cloud/remote/remote_multipart.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_publish.h"
#include "core/cloud/storage/object_rules.h"
#include "core/db/db.h"

/* A sweep may remove the directory, empty, between its opening and our use. */
#define PLACE_TRIES 5

struct part_upload {
        struct bucket bucket;
        struct multipart upload;
        struct part_intent intent;
        struct object_body *body;
        struct remote_target remote; /* in the S3 store */
        bool own_checksum;           /* the sum is of the upload's kind and is kept */
};

enum checksum_kind multipart_checksum(const struct multipart *upload)
{
        enum checksum_kind kind = CHECKSUM_NONE;

        if (*upload->checksum_kind && !checksum_parse(upload->checksum_kind, &kind))
                return CHECKSUM_NONE;
        return kind;
}

/* Which type the sum of the whole has, of those its kind knows. */
static enum err settle_checksum(struct ctx *ctx, struct multipart *upload)
{
        enum checksum_kind kind = multipart_checksum(upload);
        bool crc = kind == CHECKSUM_CRC32 || kind == CHECKSUM_CRC32C || kind == CHECKSUM_CRC64NVME;
        bool whole;

        if (kind == CHECKSUM_NONE) {
                upload->checksum_kind = upload->checksum_type = "";
                return OK;
        }
        if (!*upload->checksum_type)
                upload->checksum_type = kind == CHECKSUM_CRC64NVME ? "FULL_OBJECT" : "COMPOSITE";
        whole = strcmp(upload->checksum_type, "FULL_OBJECT") == 0;
        if ((!whole && strcmp(upload->checksum_type, "COMPOSITE") != 0) || (whole && !crc) ||
            (!whole && kind == CHECKSUM_CRC64NVME))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "The checksum type %.20s cannot be used with %s",
                                   upload->checksum_type, checksum_name(kind));
        return OK;
}

static enum err insert(struct ctx *ctx, const struct multipart *upload)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_multipart_insert(ctx, upload);
        return rc == OK ? db_commit(&tx) : rc;
}

/* In an S3 store, too: its parts are our parts. */
static enum err create_away(struct ctx *ctx, const struct bucket *bucket, struct multipart *upload)
{
        enum err rc = OK;

        upload->remote = upload->remote_id = NULL;
        if (!remote_is_url(bucket->directory))
                return OK;
        rc = remote_name(ctx, bucket->directory, upload->key, &upload->remote);
        return rc == OK ? remote_multipart_create(ctx, upload->remote, &upload->remote_id) : rc;
}

enum err multipart_create(struct ctx *ctx, const struct multipart *announced, const char **ret_id)
{
        struct multipart upload = *announced;
        char id[ULID_SIZE];
        struct bucket bucket;
        enum err rc;

        rc = object_key_check(ctx, upload.key);
        if (rc == OK)
                rc = object_check_receiving(ctx);
        if (rc == OK)
                rc = store_bucket_get(ctx, upload.bucket, &bucket);
        if (rc == OK)
                rc = settle_checksum(ctx, &upload);
        if (rc == OK)
                rc = crypto_ulid(ctx, id);
        if (rc == OK)
                rc = ctx_strdup(ctx, id, &upload.upload_id);
        if (rc == OK)
                rc = create_away(ctx, &bucket, &upload);
        if (rc != OK)
                return rc;
        upload.content_type = object_type_given(upload.content_type, upload.key);
        upload.started_at_us = upload.touched_at_us = clock_wall_us(ctx->clock);
        rc = insert(ctx, &upload);
        if (rc == OK)
                *ret_id = upload.upload_id;
        return rc;
}

static enum err no_upload(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchUpload",
                           "The upload does not exist: the id may be wrong, or the upload was "
                           "aborted or completed");
}

enum err multipart_find(struct ctx *ctx, const struct multipart *named, struct multipart *ret)
{
        struct multipart upload;
        enum err rc = store_multipart_get(ctx, named->upload_id, &upload);

        if (rc == OK && (strcmp(upload.bucket, named->bucket) != 0 ||
                         strcmp(upload.key, named->key) != 0 || upload.completed_etag))
                return no_upload(ctx);
        if (rc == OK)
                *ret = upload;
        return rc;
}

/* Which sum is computed beside the MD5: the one the client gives of this part, or else the one that
 * the upload is to have. */
static enum err choose_checksum(struct ctx *ctx, struct part_upload *upload,
                                enum checksum_kind *ret)
{
        enum checksum_kind own = multipart_checksum(&upload->upload);
        enum checksum_kind given = upload->intent.checksum;

        if (own != CHECKSUM_NONE && given != CHECKSUM_NONE && given != own)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "Checksum Type mismatch occurred, expected checksum Type: %s, "
                                   "actual checksum Type: %s",
                                   checksum_name(own), checksum_name(given));
        upload->own_checksum = own != CHECKSUM_NONE;
        *ret = own != CHECKSUM_NONE ? own : given;
        return OK;
}

static void take_size(void *arg, const struct part *part)
{
        *(struct part *)arg =
                (struct part){ .number = part->number, .size_bytes = part->size_bytes };
}

/* Is there room for a part in place of an earlier one of its number? */
static enum err check_room(struct ctx *ctx, const struct part_upload *upload)
{
        const struct part_intent *intent = &upload->intent;
        const struct part_range range = { intent->upload_id, intent->number - 1, 1 };
        struct part old = { .number = 0 };
        enum err rc = store_parts_each(ctx, &range, take_size, &old);

        if (rc != OK)
                return rc;
        return object_check_quota(ctx, &upload->bucket,
                                  intent->size -
                                          (old.number == intent->number ? old.size_bytes : 0));
}

static enum err prepare(struct ctx *ctx, struct part_upload *upload)
{
        const struct part_intent *intent = &upload->intent;
        const struct multipart named = { .bucket = intent->bucket,
                                         .key = intent->key,
                                         .upload_id = intent->upload_id };
        enum err rc;

        if (intent->number < 1 || intent->number > MULTIPART_PARTS_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "Part number must be an integer between 1 and 10000, inclusive");
        rc = object_check_receiving(ctx);
        if (rc == OK)
                rc = multipart_find(ctx, &named, &upload->upload);
        if (rc == OK)
                rc = store_bucket_get(ctx, intent->bucket, &upload->bucket);
        return rc == OK ? check_room(ctx, upload) : rc;
}

enum err part_upload_begin(struct ctx *ctx, const struct part_intent *intent,
                           struct part_upload **ret)
{
        struct part_upload *upload = arena_alloc(ctx->arena, sizeof(*upload));
        struct object_body_intent body = { .size = intent->size };
        enum err rc;

        if (!upload)
                return ctx_nomem(ctx);
        *upload = (struct part_upload){ .intent = *intent };
        rc = prepare(ctx, upload);
        if (rc == OK)
                rc = choose_checksum(ctx, upload, &body.checksum);
        if (rc != OK)
                return rc;
        if (*upload->upload.remote) {
                upload->remote = (struct remote_target){ .url = upload->upload.remote,
                                                         .remote_id = upload->upload.remote_id,
                                                         .number = intent->number };
                body.remote = &upload->remote;
        }
        body.bucket_directory = upload->bucket.directory;
        rc = object_body_begin(ctx, &body, &upload->body);
        if (rc == OK)
                *ret = upload;
        return rc;
}

enum err part_upload_write(struct ctx *ctx, struct part_upload *upload, const void *bytes,
                           size_t len)
{
        return object_body_write(ctx, upload->body, bytes, len);
}

static enum err write_row(struct ctx *ctx, const struct part_upload *upload,
                          const struct part *part, const char **ret_old_file)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = object_lock_quota(ctx, upload->bucket.bucket);
        if (rc == OK)
                rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_part_put(ctx, upload->upload.upload_id, part, ret_old_file);
        if (rc == OK)
                rc = object_check_quota_kept(ctx, upload->bucket.bucket);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Open the upload's directory and give the part's file its name there. */
static enum err name_file(struct ctx *ctx, struct part_upload *upload, const struct part *part,
                          int *ret_dir)
{
        CLEANUP(close_fdp) int dir = -1;
        const char *root = multipart_root(ctx, upload->bucket.directory);
        const char *path = arena_printf(ctx->arena, "%s/%s", upload->upload.upload_id, part->file);
        enum err rc;

        if (!root || !path)
                return ctx_nomem(ctx);
        rc = object_dir_open(ctx, root, path, true, &dir);
        if (rc == OK)
                rc = object_body_place_new(ctx, upload->body, dir, part->file);
        if (rc == OK)
                *ret_dir = TAKE_FD(dir);
        return rc;
}

/* No other file has or had this name: it is given first, and durable together with the bytes. */
static enum err publish_file(struct ctx *ctx, struct part_upload *upload, const struct part *part)
{
        CLEANUP(close_fdp) int dir = -1;
        enum err rc = ERR_NOT_FOUND;
        const char *old_file;
        int64_t mtime_ns;

        for (unsigned tries = 0; rc == ERR_NOT_FOUND && tries < PLACE_TRIES; tries++)
                rc = name_file(ctx, upload, part, &dir);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "a part's directory does not stay");
        if (rc != OK)
                return rc;
        rc = object_body_sync(ctx, upload->body, dir, &mtime_ns);
        FAULT_POINT("storage.part_placed");
        if (rc == OK)
                rc = write_row(ctx, upload, part, &old_file);
        if (rc != OK && !err_is_fault(rc)) /* after a fault it is not certain that the row is not */
                unlinkat(dir, part->file, 0);
        else if (rc == OK && old_file)
                unlinkat(dir, old_file, 0);
        return rc;
}

static enum err publish(struct ctx *ctx, struct part_upload *upload, const struct part *part)
{
        const char *old_etag;

        return *upload->upload.remote ? write_row(ctx, upload, part, &old_etag)
                                      : publish_file(ctx, upload, part);
}

enum err part_upload_finish(struct ctx *ctx, struct part_upload *upload,
                            const struct object_expect *expect, struct part *ret)
{
        struct object_sums sums;
        struct part part;
        enum err rc = object_body_end(ctx, upload->body, expect, &sums);

        if (rc != OK)
                return rc;
        part = (struct part){
                .number = upload->intent.number,
                .file = arena_printf(ctx->arena, "%05" PRId64 ".%s", upload->intent.number,
                                     object_body_id(upload->body)),
                .size_bytes = sums.size_bytes,
                .etag = sums.md5,
                .checksum = upload->own_checksum ? sums.checksum : "",
                .modified_at_us = clock_wall_us(ctx->clock),
        };
        if (*upload->upload.remote)
                part.file = sums.remote_etag;
        if (!part.file)
                return ctx_nomem(ctx);
        rc = publish(ctx, upload, &part);
        if (rc == OK)
                *ret = part;
        return rc;
}

void part_upload_free(struct part_upload *upload)
{
        if (upload)
                object_body_free(upload->body, false);
}

static enum err forget(struct ctx *ctx, const struct multipart *upload)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const bool away = *upload->remote && !upload->completed_etag;
        struct bucket bucket;
        enum err rc;

        rc = store_bucket_get(ctx, upload->bucket, &bucket);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_multipart_delete(ctx, upload);
        if (rc == OK && away)
                rc = remote_leftover_note(ctx, upload->remote, upload->remote_id);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && away)
                remote_leftover_remove(ctx, upload->remote, upload->remote_id);
        else if (rc == OK)
                multipart_remove_files(ctx, bucket.directory, upload->upload_id);
        return rc;
}

enum err multipart_abort(struct ctx *ctx, const struct multipart *named)
{
        struct multipart upload;
        enum err rc = multipart_find(ctx, named, &upload);

        return rc == OK ? forget(ctx, &upload) : rc;
}

enum err multipart_sweep(struct ctx *ctx, unsigned limit, unsigned *ret_swept)
{
        const int64_t hours = (int64_t)ctx->config->stale_upload_hours;
        int64_t before_us = clock_wall_us(ctx->clock) - hours * US_PER_HOUR;
        unsigned swept = 0;
        enum err rc = OK;

        while (swept < limit) {
                struct multipart upload;

                rc = store_multipart_stale(ctx, before_us, &upload);
                if (rc == OK)
                        rc = forget(ctx, &upload);
                if (rc != OK)
                        break;
                swept++;
        }
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_swept = swept;
        return OK;
}

const char *multipart_root(struct ctx *ctx, const char *bucket_directory)
{
        const char *slash = strrchr(bucket_directory, '/');

        return arena_printf(ctx->arena, "%.*s/.multipart", (int)(slash - bucket_directory),
                            bucket_directory);
}

void multipart_remove_files(struct ctx *ctx, const char *bucket_directory, const char *upload_id)
{
        const char *root = multipart_root(ctx, bucket_directory);
        const char *path = arena_printf(ctx->arena, "%s/x", upload_id);
        CLEANUP(close_fdp) int dir = -1;
        DIR *stream;

        if (!root || !path || object_dir_open(ctx, root, path, false, &dir) != OK)
                return;
        stream = fdopendir(dir);
        if (!stream)
                return;
        dir = -1; /* the stream's now */
        for (const struct dirent *entry; (entry = readdir(stream));) {
                if (entry->d_name[0] != '.')
                        unlinkat(dirfd(stream), entry->d_name, 0);
        }
        closedir(stream);
        object_dirs_prune(root, path);
}
