/* Uploads in parts: begun, parts received and copied, completed, aborted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/storage/object_copy.h"
#include "fcgi/handlers.h"
#include "fcgi/http_range.h"
#include "fcgi/s3.h"
#include "fcgi/s3_body.h"
#include "fcgi/s3_copy.h"
#include "fcgi/s3_headers.h"
#include "fcgi/s3_reply.h"

static enum err read_checksum_kind(struct ctx *ctx, const struct request *request,
                                   struct multipart *announced)
{
        const char *name = request_header(request, "X-Amz-Checksum-Algorithm");
        const char *type = request_header(request, "X-Amz-Checksum-Type");
        enum checksum_kind kind = CHECKSUM_NONE;

        if (name && !checksum_parse(name, &kind))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "Checksum algorithm provided is unsupported. Please try again "
                                   "with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, "
                                   "SHA256]");
        if (type && kind == CHECKSUM_NONE)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "The x-amz-checksum-type header can only be used with the "
                                   "x-amz-checksum-algorithm header.");
        announced->checksum_kind = checksum_name(kind);
        announced->checksum_type = type ? type : "";
        return OK;
}

static void name_upload(struct buf *out, const struct multipart *upload)
{
        xmlw_text(out, "Bucket", upload->bucket);
        xmlw_text(out, "Key", upload->key);
        xmlw_text(out, "UploadId", upload->upload_id);
}

static enum err multipart_begin_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        static const char root[] = "InitiateMultipartUploadResult";
        struct multipart upload = {
                .bucket = request_param(request, "bucket"),
                .key = request_param(request, "key"),
                .content_type = request_header(request, "Content-Type"),
        };
        enum err rc;

        rc = read_checksum_kind(ctx, request, &upload);
        if (rc == OK)
                rc = s3_read_metadata(ctx, request, &upload.metadata);
        if (rc == OK)
                rc = s3_read_tagging(ctx, request, &upload.tags);
        if (rc == OK)
                rc = multipart_create(ctx, &upload, &upload.upload_id);
        if (rc == OK && *upload.checksum_kind) /* its type has been settled */
                rc = multipart_find(ctx, &upload, &upload);
        if (rc != OK)
                return rc;
        if (*upload.checksum_kind) {
                reply_header(reply, "x-amz-checksum-algorithm", upload.checksum_kind);
                reply_header(reply, "x-amz-checksum-type", upload.checksum_type);
        }
        name_upload(s3_reply_xml(reply, root), &upload);
        return s3_reply_xml_end(ctx, reply, root);
}

const struct operation multipart_begin = {
        OPERATION(multipart_begin),
        .summary = "Begin an upload in parts",
        .gives = "application/xml",
};

/* Which upload, and which part of it, a request is about. */
static enum err read_part(struct ctx *ctx, const struct request *request, struct part_intent *ret)
{
        struct part_intent part = { .bucket = request_param(request, "bucket"),
                                    .key = request_param(request, "key") };
        const char *number;
        char *end;
        enum err rc;

        rc = request_query(ctx, request, "uploadId", &part.upload_id);
        if (rc == OK)
                rc = request_query(ctx, request, "partNumber", &number);
        if (rc != OK)
                return rc;
        errno = 0;
        part.number = number ? strtoll(number, &end, 10) : 0;
        if (!number || end == number || *end || errno || part.number < 1 ||
            part.number > MULTIPART_PARTS_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "Part number must be an integer between 1 and 10000, inclusive");
        *ret = part;
        return OK;
}

static enum err write_part(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        return part_upload_write(ctx, arg, bytes, len);
}

static enum err receive_part(struct ctx *ctx, const struct request *request,
                             struct part_intent *intent, struct part *ret)
{
        CLEANUP(part_upload_freep) struct part_upload *upload = NULL;
        struct s3_body body;
        enum err rc = s3_body_announced(ctx, request, &body);

        if (rc != OK)
                return rc;
        intent->size = body.size;
        intent->checksum = body.checksum;
        rc = part_upload_begin(ctx, intent, &upload);
        if (rc == OK)
                rc = s3_body_receive(ctx, request, &body, write_part, upload);
        return rc == OK ? part_upload_finish(ctx, upload, &body.expect, ret) : rc;
}

/* x-amz-copy-source-range: bytes=first-last, both given and within the source. */
static enum err read_copy_range(struct ctx *ctx, const struct request *request, int64_t size,
                                struct file_piece *ret)
{
        const char *header = request_header(request, "X-Amz-Copy-Source-Range");
        struct http_ranges ranges;
        long long first, last;
        char *end;

        *ret = (struct file_piece){ 0, size };
        if (!header)
                return OK;
        if (strncmp(header, "bytes=", 6) != 0)
                goto malformed;
        first = strtoll(header + 6, &end, 10);
        if (end == header + 6 || *end != '-')
                goto malformed;
        last = strtoll(end + 1, &end, 10);
        if (*end || first < 0 || last < first)
                goto malformed;
        if (last >= size || http_ranges_read(ctx, header, size, &ranges) != OK)
                return ctx_fail_as(ctx, ERR_RANGE, "InvalidRange",
                                   "Range specified is not valid for a source object of %lld bytes",
                                   (long long)size);
        *ret = (struct file_piece){ first, last - first + 1 };
        return OK;
malformed:
        return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                           "The x-amz-copy-source-range value must be of the form bytes=first-last "
                           "where first and last are the zero-based offsets of the first and last "
                           "bytes to copy");
}

static enum err copy_part(struct ctx *ctx, const struct request *request,
                          struct part_intent *intent, struct part *ret)
{
        CLEANUP(part_upload_freep) struct part_upload *upload = NULL;
        struct object_file source = { .fd = -1 };
        struct file_piece piece;
        enum err rc;

        rc = s3_copy_source(ctx, request, &source);
        if (rc == OK)
                rc = read_copy_range(ctx, request, source.object.size_bytes, &piece);
        if (rc == OK) {
                intent->size = piece.size;
                rc = part_upload_begin(ctx, intent, &upload);
        }
        if (rc == OK)
                rc = object_copy_to_part(ctx, &source, piece.offset, piece.size, upload);
        if (rc == OK)
                rc = part_upload_finish(ctx, upload, NULL, ret);
        close_fdp(&source.fd);
        return rc;
}

static enum err answer_copy(struct ctx *ctx, const struct part *part, struct reply *reply)
{
        static const char root[] = "CopyPartResult";
        const char *etag;
        struct buf *out;
        enum err rc = s3_quote_etag(ctx, part->etag, &etag);

        if (rc != OK)
                return rc;
        out = s3_reply_xml(reply, root);
        xmlw_time(out, "LastModified", part->modified_at_us);
        xmlw_text(out, "ETag", etag);
        return s3_reply_xml_end(ctx, reply, root);
}

static const struct query part_query[] = {
        QUERY(TEXT, "uploadId", .required = true),
        QUERY(TEXT, "partNumber", .required = true),
        { 0 },
};

static enum err multipart_put_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct part_intent intent;
        struct part part;
        const char *etag;
        enum err rc;

        rc = read_part(ctx, request, &intent);
        if (rc == OK && request_header(request, "X-Amz-Copy-Source")) {
                rc = copy_part(ctx, request, &intent, &part);
                return rc == OK ? answer_copy(ctx, &part, reply) : rc;
        }
        if (rc == OK)
                rc = receive_part(ctx, request, &intent, &part);
        if (rc == OK)
                rc = s3_quote_etag(ctx, part.etag, &etag);
        if (rc != OK)
                return rc;
        reply_header(reply, "ETag", etag);
        return s3_write_checksum(ctx,
                                 &(struct object){ .checksum_kind = checksum_name(intent.checksum),
                                                   .checksum = part.checksum },
                                 reply);
}

const struct operation multipart_put = {
        OPERATION(multipart_put),
        .summary = "Upload or copy a part",
        .query = part_query,
};

/* An ETag with quotes or without. */
static enum err plain_etag(struct ctx *ctx, const char *text, const char **ret)
{
        text += strspn(text, "\" \t\r\n");
        *ret = arena_strndup(ctx->arena, text, strcspn(text, "\" \t\r\n"));
        return *ret ? OK : ctx_nomem(ctx);
}

/* One <Part> of the list. */
static enum err read_claimed(struct ctx *ctx, const struct xml *element, struct part *ret)
{
        const char *number = xml_text(element, "PartNumber"), *etag = xml_text(element, "ETag");
        char *end;
        enum err rc;

        if (!number || !etag)
                return s3_body_malformed(ctx);
        *ret = (struct part){ .number = strtoll(number, &end, 10) };
        if (end == number || *end)
                return s3_body_malformed(ctx);
        rc = plain_etag(ctx, etag, &ret->etag);
        for (int kind = CHECKSUM_NONE + 1; rc == OK && kind < CHECKSUM_COUNT; kind++) {
                const char *name = arena_printf(ctx->arena, "Checksum%s",
                                                checksum_name((enum checksum_kind)kind));

                if (!name)
                        return ctx_nomem(ctx);
                if (xml_text(element, name))
                        ret->checksum = xml_text(element, name);
        }
        return rc;
}

/* What the headers say of a checksum is about the whole object, not about this body. */
static enum err read_headers(struct ctx *ctx, const struct request *request,
                             struct multipart_claim *claim, struct s3_body *ret_body)
{
        const char *size = request_header(request, "X-Amz-Mp-Object-Size");
        char *end;
        enum err rc = s3_body_announced(ctx, request, ret_body);

        claim->size = -1;
        if (rc != OK)
                return rc;
        claim->checksum = ret_body->expect.checksum;
        ret_body->checksum = CHECKSUM_NONE;
        ret_body->expect.checksum = NULL;
        if (!size)
                return OK;
        claim->size = strtoll(size, &end, 10);
        if (end == size || *end || claim->size < 0)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "x-amz-mp-object-size must be a number of bytes");
        return OK;
}

static enum err read_claim(struct ctx *ctx, const struct request *request,
                           struct multipart_claim *claim)
{
        struct part *parts;
        struct s3_body body;
        struct xml *root;
        enum err rc = read_headers(ctx, request, claim, &body);

        if (rc == OK)
                rc = s3_body_xml(ctx, request, &body, "CompleteMultipartUpload", &root);
        if (rc != OK)
                return rc;
        parts = arena_alloc(ctx->arena, MULTIPART_PARTS_MAX * sizeof(*parts));
        if (!parts)
                return ctx_nomem(ctx);
        for (const struct xml *part = root->child; part; part = part->next) {
                struct part *at = parts + claim->count;

                if (strcmp(part->name, "Part") != 0 || claim->count == MULTIPART_PARTS_MAX)
                        return s3_body_malformed(ctx);
                rc = read_claimed(ctx, part, at);
                if (rc != OK)
                        return rc;
                /* Who names a part twice means the last. */
                if (claim->count > 0 && at[-1].number == at->number)
                        at[-1] = *at;
                else
                        claim->count++;
        }
        claim->parts = parts;
        return OK;
}

static enum err answer_complete(struct ctx *ctx, const struct request *request,
                                const struct object *object, struct reply *reply)
{
        static const char root[] = "CompleteMultipartUploadResult";
        const char *element, *etag, *location;
        struct buf *out;
        enum err rc = s3_quote_etag(ctx, object->etag, &etag);

        if (rc != OK)
                return rc;
        location = arena_printf(ctx->arena, "%s%s", ctx->config->public_url, request->path);
        element = arena_printf(ctx->arena, "Checksum%s", object->checksum_kind);
        if (!location || !element)
                return ctx_nomem(ctx);
        out = s3_reply_xml(reply, root);
        xmlw_text(out, "Location", location);
        xmlw_text(out, "Bucket", object->bucket);
        xmlw_text(out, "Key", object->key);
        xmlw_text(out, "ETag", etag);
        if (*object->checksum_kind) {
                xmlw_text(out, element, object->checksum);
                xmlw_text(out, "ChecksumType",
                          strchr(object->checksum, '-') ? "COMPOSITE" : "FULL_OBJECT");
        }
        return s3_reply_xml_end(ctx, reply, root);
}

static const struct query upload_query[] = {
        QUERY(TEXT, "uploadId", .required = true),
        { 0 },
};

static enum err multipart_end_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct multipart_claim claim = { .bucket = request_param(request, "bucket"),
                                         .key = request_param(request, "key"),
                                         .only = s3_read_condition(ctx, request) };
        struct object object;
        enum err rc;

        rc = request_query(ctx, request, "uploadId", &claim.upload_id);
        if (rc == OK)
                rc = read_claim(ctx, request, &claim);
        if (rc == OK)
                rc = multipart_complete(ctx, &claim, &object);
        return rc == OK ? answer_complete(ctx, request, &object, reply) : rc;
}

const struct operation multipart_end = {
        OPERATION(multipart_end),   .summary = "Put the parts of an upload together",
        .query = upload_query,      .takes = "application/xml",
        .gives = "application/xml",
};

static enum err multipart_cancel_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct multipart named = { .bucket = request_param(request, "bucket"),
                                   .key = request_param(request, "key") };
        enum err rc;

        (void)reply;
        rc = request_query(ctx, request, "uploadId", &named.upload_id);
        return rc == OK ? multipart_abort(ctx, &named) : rc;
}

const struct operation multipart_cancel = {
        OPERATION(multipart_cancel),
        .summary = "Give an upload in parts up",
        .query = upload_query,
        .status = 204,
};
