/* Buckets: listed, made, deleted. */
#include <string.h>

#include "core/cloud/storage/bucket.h"
#include "fcgi/handlers.h"
#include "fcgi/s3.h"
#include "fcgi/s3_list.h"
#include "fcgi/s3_reply.h"

#define NEWEST_MAX  1000  /* as JSON */
#define BUCKETS_MAX 10000 /* as S3 */

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

struct xml_buckets {
        struct ctx *ctx;
        struct buf *out;
        unsigned count, limit;
        const char *last; /* of the page; NULL: out of memory */
        bool truncated;
};

static void render_xml(void *arg, const struct bucket *bucket)
{
        struct xml_buckets *list = arg;

        if (list->count == list->limit) {
                list->truncated = true;
                return;
        }
        xmlw_open(list->out, "Bucket");
        xmlw_text(list->out, "Name", bucket->bucket);
        xmlw_time(list->out, "CreationDate", bucket->created_at_us);
        xmlw_close(list->out, "Bucket");
        list->last = arena_strndup(list->ctx->arena, bucket->bucket, strlen(bucket->bucket));
        list->count++;
}

static enum err read_page(struct ctx *ctx, const struct request *request, struct bucket_range *ret)
{
        struct bucket_range range = { .after = "" };
        int64_t limit = BUCKETS_MAX;
        const char *token;
        enum err rc;

        rc = request_query_int(ctx, request, "max-buckets", &limit);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "prefix", &range.prefix);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "continuation-token", &token);
        if (rc == OK && *token)
                rc = s3_list_open_token(ctx, token, &range.after);
        if (rc != OK)
                return rc;
        range.limit = (unsigned)limit;
        *ret = range;
        return OK;
}

static enum err write_end(const struct xml_buckets *list, const struct bucket_range *range)
{
        const char *token;
        enum err rc;

        if (*range->prefix)
                xmlw_text(list->out, "Prefix", range->prefix);
        if (!list->truncated)
                return OK;
        if (!list->last)
                return ctx_nomem(list->ctx);
        rc = s3_list_make_token(list->ctx, list->last, &token);
        if (rc == OK)
                xmlw_text(list->out, "ContinuationToken", token);
        return rc;
}

static const struct query buckets_query[] = {
        QUERY(NUMBER, "max-buckets", .min = 1, .max = BUCKETS_MAX),
        QUERY(TEXT, "prefix"),
        QUERY(TEXT, "continuation-token"),
        { 0 },
};

static enum err storage_buckets_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        static const char root[] = "ListAllMyBucketsResult";
        struct xml_buckets list = { .ctx = ctx };
        struct bucket_range range;
        enum err rc;

        if (!request->s3)
                return list_json(ctx, reply);
        rc = read_page(ctx, request, &range);
        if (rc != OK)
                return rc;
        list.limit = range.limit++; /* one more tells whether there are more */
        list.out = s3_reply_xml(reply, root);
        s3_reply_owner(list.out, "Owner");
        xmlw_open(list.out, "Buckets");
        rc = bucket_each(ctx, &range, render_xml, &list);
        if (rc != OK)
                return rc;
        xmlw_close(list.out, "Buckets");
        rc = write_end(&list, &range);
        return rc == OK ? s3_reply_xml_end(ctx, reply, root) : rc;
}

const struct operation storage_buckets = {
        OPERATION(storage_buckets),
        .summary = "List buckets",
        .query = buckets_query,
};

/* Some fronts take a path in Location for a redirect that they are to follow, RFC 3875 6.2.2. */
static bool may_say_location(const struct request *request)
{
        return !transport_param(request->transport, "SIMPLETUNER_NO_LOCATION");
}

static enum err storage_bucket_create_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        const char *bucket = request_param(request, "bucket"), *location;
        enum err rc;

        rc = bucket_create(ctx, bucket);
        if (rc != OK || !may_say_location(request))
                return rc;
        location = arena_printf(ctx->arena, "/%s", bucket);
        if (!location)
                return ctx_nomem(ctx);
        reply_header(reply, "Location", location);
        return OK;
}

const struct operation storage_bucket_create = {
        OPERATION(storage_bucket_create),
        .summary = "Make a bucket",
        .takes = "application/xml",
};

static enum err storage_bucket_delete_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        (void)reply;
        return bucket_delete(ctx, request_param(request, "bucket"));
}

const struct operation storage_bucket_delete = {
        OPERATION(storage_bucket_delete),
        .summary = "Delete an empty bucket",
        .status = 204,
};

/* Every region is fine; the one that S3 has no name for is ours. */
static enum err storage_location_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        static const char root[] = "LocationConstraint";
        const char *name = request_param(request, "bucket");
        struct bucket bucket;
        enum err rc;

        rc = bucket_find(ctx, name, &bucket);
        if (rc != OK)
                return rc;
        s3_reply_xml(reply, root);
        return s3_reply_xml_end(ctx, reply, root);
}

const struct operation storage_location = {
        OPERATION(storage_location),
        .summary = "Where a bucket is",
        .gives = "application/xml",
};
