/* Objects: put, read, deleted. */
#include <inttypes.h>
#include <string.h>

#include "core/cloud/remote/remote_get.h"
#include "core/cloud/storage/object_store.h"
#include "fcgi/handlers.h"
#include "fcgi/http_range.h"
#include "fcgi/s3.h"
#include "fcgi/s3_body.h"
#include "fcgi/s3_copy.h"
#include "fcgi/s3_headers.h"
#include "fcgi/s3_ranges.h"
#include "fcgi/s3_reply.h"

#define GET_TRIES 3

/* response-content-type=... in the query: what the answer is to say instead. */
static enum err override_headers(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        static const char *const names[] = { "Cache-Control", "Content-Disposition",
                                             "Content-Encoding", "Content-Language", "Expires" };
        const char *value;
        enum err rc;

        rc = request_query(ctx, request, "response-content-type", &value);
        if (rc == OK && value)
                reply->content_type = value;
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(names); i++) {
                char parameter[64] = "response-";

                for (size_t c = 0; names[i][c]; c++)
                        parameter[9 + c] = names[i][c] == '-' ? '-' : (char)(names[i][c] | 0x20);
                rc = request_query(ctx, request, parameter, &value);
                if (rc == OK && value)
                        reply_header(reply, names[i], value);
        }
        if (strpbrk(reply->content_type, "\r\n"))
                return ctx_fail(ctx, ERR_INVALID, "response-content-type must be one line");
        return rc;
}

/* The body, as the object is found now. */
static enum err answer_get(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *bucket = request_param(request, "bucket");
        struct object_file file;
        struct http_entity entity;
        bool not_modified = false;
        enum err rc;

        rc = object_open(ctx, bucket, request_param(request, "key"), &file);
        if (rc != OK)
                return rc;
        reply->file_fd = file.fd;
        reply->file_path = file.path;
        reply->remote = file.fd < 0 ? file.object.remote : NULL;
        reply->remote_size = reply->file_size = file.object.size_bytes;
        reply->is_user_content = true;
        entity = (struct http_entity){ file.object.etag, file.object.modified_at_us };
        rc = s3_write_headers(ctx, request, &file.object, reply);
        if (rc == OK)
                rc = override_headers(ctx, request, reply);
        if (rc == OK)
                rc = http_conditions_check(ctx, request, "", &entity, &not_modified);
        if (rc != OK || not_modified) {
                reply->status = 304;
                return rc;
        }
        return s3_ranges(ctx, request, &file.object, reply);
}

/* Bytes in the S3 store are asked for before anything is answered. OK, or ERR_NOT_FOUND: they have
 * gone since we looked. */
static enum err begin_remote(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct remote_piece piece = { reply->file_offset, reply->file_size };

        if (!reply->remote || reply->status == 304 || reply->stream ||
            request->method == METHOD_HEAD)
                return OK;
        return remote_get_begin(ctx, reply->remote, reply->remote_size, piece, &reply->remote_get);
}

static const struct query object_query[] = {
        QUERY(NUMBER, "partNumber", .min = 1, .max = 10000),
        QUERY(TEXT, "response-content-type"),
        QUERY(TEXT, "response-cache-control"),
        QUERY(TEXT, "response-content-disposition"),
        QUERY(TEXT, "response-content-encoding"),
        QUERY(TEXT, "response-content-language"),
        QUERY(TEXT, "response-expires"),
        { 0 },
};

static enum err storage_get_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        for (unsigned tries = 0; tries < GET_TRIES; tries++) {
                enum err rc = answer_get(ctx, request, reply);
                if (rc != OK)
                        return rc;
                rc = begin_remote(ctx, request, reply);
                if (rc != ERR_NOT_FOUND)
                        return rc;
                reply_reset(reply); /* the object was replaced or removed meanwhile */
        }
        return ctx_prefix(ctx, ERR_UNAVAILABLE, "an object has no bytes");
}

const struct operation storage_get = {
        OPERATION(storage_get),
        .summary = "Download an object",
        .query = object_query,
        .gives = "application/octet-stream",
};

static enum err write_upload(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        return object_upload_write(ctx, arg, bytes, len);
}

/* curl is told in JSON, S3 clients by headers alone. */
static enum err answer_put(struct ctx *ctx, const struct request *request, struct reply *reply,
                           const struct object *object)
{
        const char *etag;
        struct jsonw json;
        enum err rc = s3_quote_etag(ctx, object->etag, &etag);

        if (rc == OK)
                rc = s3_write_checksum(ctx, object, reply);
        if (rc != OK)
                return rc;
        reply_header(reply, "ETag", etag);
        if (request->s3)
                return OK;
        json = reply_json(reply);
        jsonw_string(&json, "ETag", etag);
        jsonw_string(&json, "Key", object->key);
        jsonw_string(&json, "Bucket", object->bucket);
        return reply_json_end(ctx, reply, &json);
}

static enum err put_body(struct ctx *ctx, const struct request *request, struct object *ret)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct object_intent intent = {
                .bucket = request_param(request, "bucket"),
                .key = request_param(request, "key"),
                .content_type = request_header(request, "Content-Type"),
                .only = s3_read_condition(ctx, request),
        };
        struct s3_body body;
        enum err rc;

        rc = s3_body_announced(ctx, request, &body);
        if (rc == OK)
                rc = s3_read_metadata(ctx, request, &intent.metadata);
        if (rc == OK)
                rc = s3_read_tagging(ctx, request, &intent.tags);
        if (rc != OK)
                return rc;
        intent.size = body.size;
        intent.checksum = body.checksum;
        rc = object_upload_begin(ctx, &intent, &upload);
        if (rc == OK)
                rc = s3_body_receive(ctx, request, &body, write_upload, upload);
        return rc == OK ? object_upload_finish(ctx, upload, &body.expect, ret) : rc;
}

static enum err storage_put_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct object object;
        enum err rc;

        if (request_header(request, "X-Amz-Copy-Source"))
                return s3_copy_object(ctx, request, reply);
        rc = put_body(ctx, request, &object);
        return rc == OK ? answer_put(ctx, request, reply, &object) : rc;
}

const struct operation storage_put = {
        OPERATION(storage_put),
        .summary = "Upload an object",
};

static enum err storage_delete_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        const struct s3_condition_texts texts = {
                .etag = request_header(request, "If-Match"),
                .size = request_header(request, "X-Amz-If-Match-Size"),
                .modified = request_header(request, "X-Amz-If-Match-Last-Modified-Time"),
        };
        const char *bucket = request_param(request, "bucket");
        struct object_condition only;
        enum err rc = s3_condition(ctx, &texts, &only);

        (void)reply;
        return rc == OK ? object_remove_if(ctx, bucket, request_param(request, "key"), &only) : rc;
}

const struct operation storage_delete = {
        OPERATION(storage_delete),
        .summary = "Delete an object",
        .status = 204,
};
