/* The objects of a bucket: as JSON, and as S3's ListObjects and ListObjectsV2. */
#include <stdio.h>
#include <string.h>

#include "core/cloud/storage/bucket.h"
#include "core/cloud/storage/object_list.h"
#include "fcgi/handlers.h"
#include "fcgi/s3.h"
#include "fcgi/s3_list.h"
#include "fcgi/s3_reply.h"

#define LIST_MAX 1000

static void render_json(void *arg, const struct object *object)
{
        struct jsonw *json = arg;
        char etag[64];

        snprintf(etag, sizeof(etag), "\"%s\"", object->etag);
        jsonw_object(json, NULL);
        jsonw_string(json, "Key", object->key);
        jsonw_int(json, "Size", object->size_bytes);
        jsonw_time(json, "LastModified", object->modified_at_us);
        jsonw_string(json, "ETag", etag);
        jsonw_object_end(json);
}

/* Without a delimiter there are none. */
static void no_prefix(void *arg, const char *prefix)
{
        (void)arg;
        (void)prefix;
}

static enum err list_json(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct object_query query = { .bucket = request_param(request, "bucket"), .delimiter = "" };
        struct jsonw json = { 0 };
        const struct object_visitor visitor = { render_json, no_prefix, &json };
        struct object_page page;
        int64_t limit = LIST_MAX;
        enum err rc;

        rc = s3_list_text(ctx, request, "start-after", &query.after);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "prefix", &query.prefix);
        if (rc == OK)
                rc = request_query_int(ctx, request, "max-keys", &limit);
        if (rc != OK)
                return rc;
        query.limit = (unsigned)limit;
        json = reply_json(reply);
        jsonw_string(&json, "Name", query.bucket);
        jsonw_array(&json, "Contents");
        rc = object_list(ctx, &query, &visitor, &page);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        jsonw_bool(&json, "IsTruncated", page.truncated);
        jsonw_string(&json, "NextStartAfter", page.truncated ? page.last : NULL);
        return reply_json_end(ctx, reply, &json);
}

struct xml_list {
        struct buf *out;
        bool encode, owner;
        int64_t count;
};

static void render_object(void *arg, const struct object *object)
{
        struct xml_list *list = arg;
        struct buf *out = list->out;
        char etag[64];

        snprintf(etag, sizeof(etag), "\"%s\"", object->etag);
        xmlw_open(out, "Contents");
        s3_list_key(out, "Key", object->key, list->encode);
        xmlw_time(out, "LastModified", object->modified_at_us);
        xmlw_text(out, "ETag", etag);
        if (*object->checksum_kind)
                xmlw_text(out, "ChecksumAlgorithm", object->checksum_kind);
        xmlw_int(out, "Size", object->size_bytes);
        xmlw_text(out, "StorageClass", "STANDARD");
        if (list->owner) {
                s3_reply_owner(out, "Owner");
        }
        xmlw_close(out, "Contents");
        list->count++;
}

static void render_prefix(void *arg, const char *prefix)
{
        struct xml_list *list = arg;

        xmlw_open(list->out, "CommonPrefixes");
        s3_list_key(list->out, "Prefix", prefix, list->encode);
        xmlw_close(list->out, "CommonPrefixes");
        list->count++;
}

/* What only one of the two versions has, in front of the list and behind it. */
struct list_version {
        bool v2, owner;
        const char *token;       /* NULL: not given; "": given, and so it is named again */
        const char *start_after; /* "": not given */
};

static enum err read_version(struct ctx *ctx, const struct request *request,
                             struct list_version *version, struct object_query *query)
{
        const char *type;
        enum err rc = s3_list_text(ctx, request, "list-type", &type);

        if (rc != OK)
                return rc;
        version->v2 = strcmp(type, "2") == 0;
        version->owner = !version->v2;
        if (!version->v2)
                return s3_list_text(ctx, request, "marker", &query->after);
        rc = request_query_bool(ctx, request, "fetch-owner", &version->owner);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "start-after", &version->start_after);
        if (rc == OK)
                rc = request_query(ctx, request, "continuation-token", &version->token);
        if (rc != OK)
                return rc;
        query->after = version->start_after;
        if (version->token && *version->token)
                rc = s3_list_open_token(ctx, version->token, &query->after);
        return rc;
}

static enum err write_end(struct ctx *ctx, const struct list_version *version,
                          const struct xml_list *list, const struct object_query *query,
                          const struct object_page *page)
{
        const char *token;
        enum err rc;

        xmlw_bool(list->out, "IsTruncated", page->truncated);
        if (!version->v2) {
                s3_list_key(list->out, "Marker", query->after, list->encode);
                if (page->truncated && *query->delimiter)
                        s3_list_key(list->out, "NextMarker", page->last, list->encode);
                return OK;
        }
        xmlw_int(list->out, "KeyCount", list->count);
        if (*version->start_after)
                s3_list_key(list->out, "StartAfter", version->start_after, list->encode);
        if (version->token)
                xmlw_text(list->out, "ContinuationToken", version->token);
        if (!page->truncated)
                return OK;
        rc = s3_list_make_token(ctx, page->last, &token);
        if (rc == OK)
                xmlw_text(list->out, "NextContinuationToken", token);
        return rc;
}

static enum err list_xml(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        static const char root[] = "ListBucketResult";
        struct object_query query = { .bucket = request_param(request, "bucket"), .after = "" };
        struct list_version version = { .start_after = "" };
        struct xml_list list = { 0 };
        const struct object_visitor visitor = { render_object, render_prefix, &list };
        struct s3_list_frame frame = { 0 };
        struct object_page page;
        enum err rc;

        rc = s3_list_read(ctx, request, "max-keys", &frame);
        if (rc == OK)
                rc = read_version(ctx, request, &version, &query);
        if (rc != OK)
                return rc;
        query.prefix = frame.prefix;
        query.delimiter = frame.delimiter;
        query.limit = frame.limit;
        list.out = s3_reply_xml(reply, root);
        list.encode = frame.encode;
        list.owner = version.owner;
        xmlw_text(list.out, "Name", query.bucket);
        s3_list_write(list.out, "MaxKeys", &frame);
        rc = object_list(ctx, &query, &visitor, &page);
        if (rc == OK)
                rc = write_end(ctx, &version, &list, &query, &page);
        return rc == OK ? s3_reply_xml_end(ctx, reply, root) : rc;
}

static const struct query list_query[] = {
        QUERY(TEXT, "list-type"),
        QUERY(TEXT, "prefix"),
        QUERY(TEXT, "delimiter"),
        QUERY(TEXT, "encoding-type"),
        QUERY(NUMBER, "max-keys", .min = 1, .max = LIST_MAX),
        QUERY(TEXT, "start-after"),
        QUERY(TEXT, "marker"),
        QUERY(TEXT, "continuation-token"),
        QUERY(BOOL, "fetch-owner"),
        { 0 },
};

static enum err storage_list_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        const char *name = request_param(request, "bucket");
        struct bucket bucket;

        if (request->method == METHOD_HEAD) { /* HeadBucket: is it there? */
                reply_header(reply, "x-amz-bucket-region", "us-east-1");
                return bucket_find(ctx, name, &bucket);
        }
        return request->s3 ? list_xml(ctx, request, reply) : list_json(ctx, request, reply);
}

const struct operation storage_list = {
        OPERATION(storage_list),
        .summary = "List the objects of a bucket",
        .query = list_query,
};
