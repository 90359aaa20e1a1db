/* Buckets: listed, made, deleted. */
#include <string.h>

#include "core/cloud/bucket.h"
#include "fcgi/handlers.h"
#include "fcgi/s3.h"
#include "fcgi/s3_reply.h"

#define NEWEST_MAX  1000  /* as JSON */
#define BUCKETS_MAX 10000 /* as S3 */
#define OWNER       "simpletuner-cloud"

struct bucket_list {
        struct jsonw json;
        int64_t bytes;
};

static void render_json(void *arg, const struct bucket *bucket)
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

static enum err list_json(struct ctx *ctx, struct reply *reply)
{
        struct bucket_list list = { .json = reply_json(reply) };
        enum err rc;

        jsonw_array(&list.json, "Buckets");
        rc = bucket_each_newest(ctx, NEWEST_MAX, render_json, &list);
        if (rc != OK)
                return rc;
        jsonw_array_end(&list.json);
        jsonw_int(&list.json, "total_size", list.bytes);
        return reply_json_end(ctx, reply, &list.json);
}

static void render_xml(void *arg, const struct bucket *bucket)
{
        struct buf *out = arg;

        xmlw_open(out, "Bucket");
        xmlw_text(out, "Name", bucket->bucket);
        xmlw_time(out, "CreationDate", bucket->created_at_us);
        xmlw_close(out, "Bucket");
}

enum err storage_buckets(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        static const char root[] = "ListAllMyBucketsResult";
        const struct bucket_range range = { .after = "", .limit = BUCKETS_MAX };
        struct buf *out;
        enum err rc;

        if (!request->s3)
                return list_json(ctx, reply);
        out = s3_reply_xml(reply, root);
        xmlw_open(out, "Owner");
        xmlw_text(out, "ID", OWNER);
        xmlw_text(out, "DisplayName", OWNER);
        xmlw_close(out, "Owner");
        xmlw_open(out, "Buckets");
        rc = bucket_each(ctx, &range, render_xml, out);
        if (rc != OK)
                return rc;
        xmlw_close(out, "Buckets");
        return s3_reply_xml_end(ctx, reply, root);
}

/* Some fronts take a path in Location for a redirect that they are to follow, RFC 3875 6.2.2. */
static bool may_say_location(const struct request *request)
{
        return !transport_param(request->transport, "SIMPLETUNER_NO_LOCATION");
}

enum err storage_bucket_create(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *bucket = request_param(request, "bucket"), *location;
        enum err rc;

        rc = auth_require_bucket(ctx, bucket);
        if (rc == OK)
                rc = bucket_create(ctx, bucket);
        if (rc != OK || !may_say_location(request))
                return rc;
        location = arena_printf(ctx->arena, "/%s", bucket);
        if (!location)
                return ctx_nomem(ctx);
        reply_header(reply, "Location", location);
        return OK;
}

enum err storage_bucket_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *bucket = request_param(request, "bucket");
        enum err rc;

        rc = auth_require_bucket(ctx, bucket);
        if (rc == OK)
                rc = bucket_delete(ctx, bucket);
        if (rc == OK)
                reply->status = 204;
        return rc;
}

/* Every region is fine; the one that S3 has no name for is ours. */
enum err storage_location(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        static const char root[] = "LocationConstraint";
        const char *name = request_param(request, "bucket");
        struct bucket bucket;
        enum err rc;

        rc = auth_require_bucket(ctx, name);
        if (rc == OK)
                rc = bucket_find(ctx, name, &bucket);
        if (rc != OK)
                return rc;
        s3_reply_xml(reply, root);
        return s3_reply_xml_end(ctx, reply, root);
}
