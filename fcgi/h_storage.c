/* Storage: the files that jobs send back. */
#include <stdio.h>

#include "core/cloud/object_store.h"
#include "fcgi/handlers.h"

#define READ_CHUNK (256 * KiB)
#define LIST_MAX   1000

struct bucket_list {
        struct jsonw json;
        int64_t bytes;
};

static void render_bucket(void *arg, const struct bucket *bucket)
{
        struct bucket_list *list = arg;

        jsonw_object(&list->json, NULL);
        jsonw_string(&list->json, "Name", bucket->bucket);
        jsonw_int(&list->json, "Size", bucket->bytes);
        jsonw_int(&list->json, "FileCount", bucket->files);
        jsonw_time(&list->json, "LastModified", bucket->last_upload_at_us);
        jsonw_object_end(&list->json);
        list->bytes += bucket->bytes;
}

enum err storage_buckets(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct bucket_list list = { 0 };
        enum err rc;

        (void)request;
        list.json = reply_json(reply);
        jsonw_array(&list.json, "Buckets");
        rc = object_buckets(ctx, LIST_MAX, render_bucket, &list);
        if (rc != OK)
                return rc;
        jsonw_array_end(&list.json);
        jsonw_int(&list.json, "total_size", list.bytes);
        return reply_json_end(ctx, reply, &list.json);
}

struct object_list {
        struct jsonw json;
        unsigned count;
        char last_key[1025];
};

static void render_object(void *arg, const struct object *object)
{
        struct object_list *list = arg;
        char etag[64];

        snprintf(etag, sizeof(etag), "\"%s\"", object->etag);
        jsonw_object(&list->json, NULL);
        jsonw_string(&list->json, "Key", object->key);
        jsonw_int(&list->json, "Size", object->size_bytes);
        jsonw_time(&list->json, "LastModified", object->modified_at_us);
        jsonw_string(&list->json, "ETag", etag);
        jsonw_object_end(&list->json);
        list->count++;
        snprintf(list->last_key, sizeof(list->last_key), "%s", object->key);
}

enum err storage_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct object_range range = { .bucket = request_param(request, "bucket"), .after_key = "" };
        struct object_list list = { 0 };
        int64_t limit = LIST_MAX;
        const char *after;
        enum err rc;

        rc = request_query(ctx, request, "start-after", &after);
        if (rc == OK)
                rc = request_query_int(ctx, request, "max-keys", (struct int_range){ 1, LIST_MAX },
                                       &limit);
        if (rc == OK)
                rc = auth_require_bucket(ctx, range.bucket);
        if (rc != OK)
                return rc;
        range.limit = (unsigned)limit;
        if (after)
                range.after_key = after;

        list.json = reply_json(reply);
        jsonw_string(&list.json, "Name", range.bucket);
        jsonw_array(&list.json, "Contents");
        rc = object_list(ctx, &range, render_object, &list);
        if (rc != OK)
                return rc;
        jsonw_array_end(&list.json);
        jsonw_bool(&list.json, "IsTruncated", list.count == limit);
        jsonw_string(&list.json, "NextStartAfter", list.count == limit ? list.last_key : NULL);
        return reply_json_end(ctx, reply, &list.json);
}

static enum err quoted_etag(struct ctx *ctx, const struct object *object, const char **ret)
{
        *ret = arena_printf(ctx->arena, "\"%s\"", object->etag);
        return *ret ? OK : ctx_nomem(ctx);
}

enum err storage_get(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *bucket = request_param(request, "bucket"), *etag;
        char *modified = arena_alloc(ctx->arena, CLOCK_HTTP_SIZE);
        struct object_file file;
        enum err rc;

        if (!modified)
                return ctx_nomem(ctx);
        rc = auth_require_bucket(ctx, bucket);
        if (rc == OK)
                rc = object_open(ctx, bucket, request_param(request, "key"), &file);
        if (rc != OK)
                return rc;
        reply->file_fd = file.fd;
        reply->file_path = file.path;
        reply->file_size = file.object.size_bytes;
        rc = quoted_etag(ctx, &file.object, &etag);
        if (rc != OK)
                return rc;

        clock_format_http(file.object.modified_at_us, modified);
        reply->content_type = file.object.content_type;
        reply->is_user_content = true;
        reply_header(reply, "ETag", etag);
        reply_header(reply, "Last-Modified", modified);
        return OK;
}

static enum err receive(struct ctx *ctx, const struct request *request,
                        struct object_upload *upload)
{
        char *chunk = arena_alloc(ctx->arena, READ_CHUNK);
        int64_t total = 0;
        size_t n;
        enum err rc;

        if (!chunk)
                return ctx_nomem(ctx);
        while ((n = request_read(request, chunk, READ_CHUNK)) > 0) {
                rc = object_upload_write(ctx, upload, chunk, n);
                if (rc != OK)
                        return rc;
                total += (int64_t)n;
        }
        if (!request_ended_well(request, total))
                return ctx_fail(ctx, ERR_INVALID, "The body ended before its announced length");
        return OK;
}

enum err storage_put(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        const struct object_intent intent = {
                .bucket = request_param(request, "bucket"),
                .key = request_param(request, "key"),
                .content_type = request_header(request, "Content-Type"),
                .size = request->content_length,
        };
        struct object object;
        struct jsonw json;
        const char *etag;
        enum err rc;

        rc = auth_require_bucket(ctx, intent.bucket);
        if (rc == OK)
                rc = object_upload_begin(ctx, &intent, &upload);
        if (rc == OK)
                rc = receive(ctx, request, upload);
        if (rc == OK)
                rc = object_upload_finish(ctx, upload, &object);
        if (rc == OK)
                rc = quoted_etag(ctx, &object, &etag);
        if (rc != OK)
                return rc;

        reply_header(reply, "ETag", etag);
        json = reply_json(reply);
        jsonw_string(&json, "ETag", etag);
        jsonw_string(&json, "Key", object.key);
        jsonw_string(&json, "Bucket", object.bucket);
        return reply_json_end(ctx, reply, &json);
}
