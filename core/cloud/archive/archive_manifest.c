#include "core/cloud/archive/archive_manifest.h"

#include <string.h>

#include "core/cloud/storage/object_upload.h"

/* Store a text unless it is what is there. */
static enum err put_text(struct ctx *ctx, const char *job_id, const char *key, const char *text)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        const size_t len = strlen(text);
        const struct object_intent intent = {
                .bucket = job_id, .key = key, .size = (int64_t)len, .unheard = true
        };
        char sha256[SHA256_HEX_SIZE];
        struct object object;
        enum err rc;

        if (!crypto_sha256_hex(text, len, sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a text");
        rc = store_object_get(ctx, job_id, key, &object);
        if (rc == OK && strcmp(object.sha256, sha256) == 0)
                return OK;
        if (rc == OK || rc == ERR_NOT_FOUND)
                rc = object_upload_begin(ctx, &intent, &upload);
        if (rc == OK)
                rc = object_upload_write(ctx, upload, text, len);
        return rc == OK ? object_upload_finish(ctx, upload, NULL, &object) : rc;
}

enum err archive_put_logs(struct ctx *ctx, const char *logs, struct archive_contents *contents)
{
        struct object stored;
        enum err rc = OK;

        if (logs && *logs)
                rc = put_text(ctx, contents->job.job_id, ARCHIVE_LOGS, logs);
        if (rc == OK)
                rc = store_object_get(ctx, contents->job.job_id, ARCHIVE_LOGS, &stored);
        if (rc == OK)
                contents->logs_bytes = stored.size_bytes;
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* A new reference; NULL: out of memory. */
static json_t *describe(const struct archive_item *item)
{
        const struct archive_file *row = &item->row;

        if (item->fate == ARCHIVE_FILE_STORED)
                return json_pack("{s:s, s:s, s:I, s:s, s:s}", "key", row->key, "url", row->url,
                                 "size", (json_int_t)row->size_bytes, "sha256", row->sha256,
                                 "content_type", item->content_type);
        return json_pack("{s:s, s:s, s:b, s:s*}", "key", row->key, "url", row->url, "missing",
                         item->fate == ARCHIVE_FILE_MISSING, "error", item->reason);
}

enum err archive_put_manifest(struct ctx *ctx, const struct archive_contents *contents)
{
        CLEANUP(json_decrefp) json_t *files = json_array();
        CLEANUP(json_decrefp) json_t *manifest = NULL;
        const struct job *job = &contents->job;
        char now[CLOCK_ISO_SIZE];
        bool complete = contents->left_out == 0;
        const char *text;
        enum err rc;

        for (size_t i = 0; i < contents->count; i++) {
                complete = complete && contents->items[i].fate == ARCHIVE_FILE_STORED;
                if (json_array_append_new(files, describe(&contents->items[i])) != 0)
                        return ctx_nomem(ctx);
        }
        clock_format_iso(clock_wall_us(ctx->clock), now);
        manifest = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:O, s:I, s:I}", "job_id", job->job_id,
                             "provider", job->provider, "external_id", job->external_id, "status",
                             job_status_name(job->status), "created_at", now, "complete", complete,
                             "files", files, "files_left_out", (json_int_t)contents->left_out,
                             "logs_bytes", (json_int_t)contents->logs_bytes);
        if (!manifest)
                return ctx_nomem(ctx);
        rc = json_text(ctx, manifest, &text);
        return rc == OK ? put_text(ctx, job->job_id, ARCHIVE_MANIFEST, text) : rc;
}
