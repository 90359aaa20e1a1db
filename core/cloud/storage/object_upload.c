#include "core/cloud/storage/object_upload.h"

#include <string.h>

#include "core/base/log.h"
#include "core/cloud/remote/remote_leftover.h"
#include "core/cloud/remote/remote_put.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_publish.h"
#include "core/cloud/storage/object_rules.h"
#include "core/db/db.h"

static const char logger[] = "simpletuner.cloud.storage";

#define REGISTER_ABOVE ((int64_t)MiB) /* smaller uploads are over before anyone could look */

struct object_upload {
        struct ctx *ctx;
        struct bucket bucket;
        struct object_intent intent;
        struct remote_target remote; /* url NULL: it becomes a file */
        bool registered;             /* it has a row in uploads */
        struct object_body *body;
};

static enum err change_upload_row(struct object_upload *upload, bool insert)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *id = object_body_id(upload->body);
        struct ctx *ctx = upload->ctx;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = insert ? store_upload_insert(ctx, id, upload->bucket.bucket,
                                                  upload->intent.key)
                            : store_upload_delete(ctx, id);
        if (rc != OK)
                return rc;
        rc = db_commit(&tx);
        if (rc == OK)
                upload->registered = insert;
        return rc;
}

/* What would be refused in the end is refused before the bytes come. */
static enum err check_intent(struct ctx *ctx, const struct object_intent *intent,
                             struct bucket *ret_bucket)
{
        enum err rc;

        rc = object_key_check(ctx, intent->key);
        if (rc == OK)
                rc = object_check_receiving(ctx);
        if (rc == OK)
                rc = store_bucket_get(ctx, intent->bucket, ret_bucket);
        if (rc == OK)
                rc = object_check_condition(ctx, &intent->only, intent->bucket, intent->key);
        return rc == OK ? object_check_room(ctx, ret_bucket, intent->key, intent->size) : rc;
}

/* In an S3 store every upload has a name of its own. */
static enum err choose_name(struct object_upload *upload)
{
        struct ctx *ctx = upload->ctx;
        const char *url;
        enum err rc = remote_name(ctx, upload->bucket.directory, upload->intent.key, &url);

        if (rc == OK)
                rc = remote_leftover_expect(ctx, url);
        if (rc == OK)
                upload->remote.url = url;
        return rc;
}

enum err object_upload_begin(struct ctx *ctx, const struct object_intent *intent,
                             struct object_upload **ret)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct object_body_intent body = { .size = intent->size, .checksum = intent->checksum };
        enum err rc;

        upload = arena_alloc(ctx->arena, sizeof(*upload));
        if (!upload)
                return ctx_nomem(ctx);
        *upload = (struct object_upload){ .ctx = ctx, .intent = *intent };
        rc = check_intent(ctx, intent, &upload->bucket);
        if (rc != OK)
                return rc;
        if (remote_is_url(upload->bucket.directory)) {
                rc = choose_name(upload);
                if (rc != OK)
                        return rc;
                body.remote = &upload->remote;
        }
        body.bucket_directory = upload->bucket.directory;
        body.resume_key = intent->resume ? intent->key : NULL;
        rc = object_body_begin(ctx, &body, &upload->body);
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
        const char *code;
        bool remote;

        if (!upload)
                return;
        memcpy(detail, upload->ctx->detail, sizeof(detail));
        code = upload->ctx->code;
        /* The row goes before the file, so that a row is never left without one. */
        if (upload->registered && change_upload_row(upload, false) != OK)
                log_event(upload->ctx, LOG_WARNING, logger, "An upload is left to the sweep",
                          "reason", upload->ctx->detail);
        remote = object_body_is_remote(upload->body);
        object_body_free(upload->body, upload->registered || upload->intent.resume);
        if (upload->remote.url && remote)
                remote_leftover_delay(upload->ctx, upload->remote.url);
        else if (upload->remote.url)
                remote_leftover_forget(upload->ctx, upload->remote.url);
        memcpy(upload->ctx->detail, detail, sizeof(detail));
        upload->ctx->code = code;
}

int64_t object_upload_size(const struct object_upload *upload)
{
        return object_body_size(upload->body);
}

enum err object_upload_restart(struct ctx *ctx, struct object_upload *upload)
{
        return object_body_restart(ctx, upload->body);
}

enum err object_upload_expect(struct ctx *ctx, const struct object_upload *upload, int64_t total)
{
        return object_body_expect(ctx, upload->body, total);
}

enum err object_upload_write(struct ctx *ctx, struct object_upload *upload, const void *bytes,
                             size_t len)
{
        return object_body_write(ctx, upload->body, bytes, len);
}

enum err object_upload_finish(struct ctx *ctx, struct object_upload *upload,
                              const struct object_expect *expect, struct object *ret)
{
        const struct object_intent *intent = &upload->intent;
        struct object_publication publication = {
                .body = upload->body,
                .bucket = &upload->bucket,
                .only = intent->only,
                .unheard = intent->unheard,
                .upload_id = upload->registered ? object_body_id(upload->body) : NULL,
                .also = intent->also,
                .arg = intent->arg,
        };
        struct object_sums sums;
        enum err rc;

        rc = object_body_end(ctx, upload->body, expect, &sums);
        if (rc != OK)
                return rc;
        publication.object = (struct object){
                .bucket = upload->bucket.bucket,
                .key = intent->key,
                .size_bytes = sums.size_bytes,
                .etag = sums.md5,
                .sha256 = sums.sha256,
                .content_type = object_type_given(intent->content_type, intent->key),
                .modified_at_us = clock_wall_us(ctx->clock),
                .metadata = intent->metadata,
                .tags = intent->tags,
                .checksum_kind = intent->checksum ? checksum_name(intent->checksum) : NULL,
                .checksum = sums.checksum,
                .remote = upload->remote.url,
        };
        rc = object_publish(ctx, &publication);
        if (rc != OK)
                return rc;
        upload->registered = false;
        upload->remote.url = NULL;
        *ret = publication.object;
        return OK;
}
