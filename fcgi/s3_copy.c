#include "fcgi/s3_copy.h"

#include <string.h>
#include <strings.h>

#include "core/cloud/auth/auth.h"
#include "core/cloud/storage/bucket.h"
#include "core/cloud/storage/object_copy.h"
#include "fcgi/http_range.h"
#include "fcgi/s3_headers.h"
#include "fcgi/s3_reply.h"

/* "/bucket/key", percent-encoded. */
static enum err split_source(struct ctx *ctx, const char *header, const char **ret_bucket,
                             const char **ret_key)
{
        const char *mark = strchr(header, '?'), *plain, *slash;
        enum err rc;

        if (mark)
                return ctx_fail_as(ctx, ERR_UNSUPPORTED, "NotImplemented",
                                   "x-amz-copy-source: there are no versions here");
        rc = request_decode(ctx, "x-amz-copy-source", header, strlen(header), &plain);
        if (rc != OK)
                return rc;
        plain += *plain == '/';
        slash = strchr(plain, '/');
        if (!slash || slash == plain || !slash[1])
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "Copy Source must mention the source bucket and key: "
                                   "sourcebucket/sourcekey");
        *ret_bucket = arena_strndup(ctx->arena, plain, (size_t)(slash - plain));
        *ret_key = slash + 1;
        return *ret_bucket ? OK : ctx_nomem(ctx);
}

enum err s3_copy_source(struct ctx *ctx, const struct request *request, struct object_file *ret)
{
        const char *bucket = NULL, *key = NULL;
        struct object_file file;
        struct http_entity entity;
        bool not_modified = false;
        enum err rc;

        rc = split_source(ctx, request_header(request, "X-Amz-Copy-Source"), &bucket, &key);
        if (rc == OK)
                rc = bucket_require(ctx, bucket, BUCKET_READ);
        if (rc == OK)
                rc = object_open(ctx, bucket, key, &file);
        if (rc != OK)
                return rc;
        entity = (struct http_entity){ file.object.etag, file.object.modified_at_us };
        rc = http_conditions_check(ctx, request, "X-Amz-Copy-Source-", &entity, &not_modified);
        if (rc == OK && not_modified)
                rc = ctx_fail_as(ctx, ERR_PRECONDITION, "PreconditionFailed",
                                 "At least one of the pre-conditions you specified did not hold");
        if (rc == OK)
                *ret = file;
        else
                close_fdp(&file.fd);
        return rc;
}

/* COPY or REPLACE; *ret_replace. */
static enum err read_directive(struct ctx *ctx, const struct request *request, const char *name,
                               bool *ret_replace)
{
        const char *value = request_header(request, name);

        *ret_replace = value && strcasecmp(value, "REPLACE") == 0;
        if (value && !*ret_replace && strcasecmp(value, "COPY") != 0)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "%s must be COPY or REPLACE", name);
        return OK;
}

static enum err read_changes(struct ctx *ctx, const struct request *request,
                             struct object_copy *copy)
{
        bool metadata, tags;
        enum err rc;

        rc = read_directive(ctx, request, "X-Amz-Metadata-Directive", &metadata);
        if (rc == OK)
                rc = read_directive(ctx, request, "X-Amz-Tagging-Directive", &tags);
        if (rc == OK && metadata)
                rc = s3_read_metadata(ctx, request, &copy->metadata);
        if (rc == OK && tags)
                rc = s3_read_tagging(ctx, request, &copy->tags);
        if (rc == OK && metadata)
                copy->content_type = request_header(request, "Content-Type");
        return rc;
}

enum err s3_copy_object(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        static const char root[] = "CopyObjectResult";
        struct object_file source = { .fd = -1 };
        struct object_copy copy = { .source = &source,
                                    .bucket = request_param(request, "bucket"),
                                    .key = request_param(request, "key"),
                                    .only = s3_read_condition(ctx, request) };
        struct object object;
        const char *etag;
        struct buf *out;
        enum err rc;

        rc = read_changes(ctx, request, &copy);
        if (rc == OK)
                rc = s3_copy_source(ctx, request, &source);
        if (rc == OK)
                rc = object_copy(ctx, &copy, &object);
        close_fdp(&source.fd);
        if (rc == OK)
                rc = s3_quote_etag(ctx, object.etag, &etag);
        if (rc != OK)
                return rc;
        out = s3_reply_xml(reply, root);
        xmlw_time(out, "LastModified", object.modified_at_us);
        xmlw_text(out, "ETag", etag);
        return s3_reply_xml_end(ctx, reply, root);
}
