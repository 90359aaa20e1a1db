/* Lists of uploads in parts, and of the parts of one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/storage/bucket.h"
#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_list.h"
#include "core/cloud/storage/upload_list.h"
#include "fcgi/handlers.h"
#include "fcgi/s3_list.h"
#include "fcgi/s3_reply.h"

struct upload_render {
        struct buf *out;
        bool encode;
};

static void render_upload(void *arg, const struct multipart *upload)
{
        const struct upload_render *render = arg;
        struct buf *out = render->out;

        xmlw_open(out, "Upload");
        s3_list_key(out, "Key", upload->key, render->encode);
        xmlw_text(out, "UploadId", upload->upload_id);
        s3_reply_owner(out, "Initiator");
        s3_reply_owner(out, "Owner");
        xmlw_text(out, "StorageClass", "STANDARD");
        xmlw_time(out, "Initiated", upload->started_at_us);
        if (*upload->checksum_kind) {
                xmlw_text(out, "ChecksumAlgorithm", upload->checksum_kind);
                xmlw_text(out, "ChecksumType", upload->checksum_type);
        }
        xmlw_close(out, "Upload");
}

static void render_prefix(void *arg, const char *prefix)
{
        const struct upload_render *render = arg;

        xmlw_open(render->out, "CommonPrefixes");
        s3_list_key(render->out, "Prefix", prefix, render->encode);
        xmlw_close(render->out, "CommonPrefixes");
}

static const struct query uploads_query[] = {
        QUERY(TEXT, "prefix"),
        QUERY(TEXT, "delimiter"),
        QUERY(TEXT, "encoding-type"),
        QUERY(TEXT, "max-uploads"),
        QUERY(TEXT, "key-marker"),
        QUERY(TEXT, "upload-id-marker"),
        { 0 },
};

static enum err uploads_list_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        static const char root[] = "ListMultipartUploadsResult";
        struct upload_query query = { .bucket = request_param(request, "bucket") };
        struct upload_render render;
        const struct upload_visitor visitor = { render_upload, render_prefix, &render };
        struct upload_page page;
        struct s3_list_frame frame = { 0 };
        enum err rc;

        rc = s3_list_read(ctx, request, "max-uploads", &frame);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "key-marker", &query.after_key);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "upload-id-marker", &query.after_id);
        if (rc != OK)
                return rc;
        query.prefix = frame.prefix;
        query.delimiter = frame.delimiter;
        query.limit = frame.limit;
        render = (struct upload_render){ s3_reply_xml(reply, root), frame.encode };
        xmlw_text(render.out, "Bucket", query.bucket);
        s3_list_key(render.out, "KeyMarker", query.after_key, frame.encode);
        xmlw_text(render.out, "UploadIdMarker", query.after_id);
        s3_list_write(render.out, "MaxUploads", &frame);
        rc = upload_list(ctx, &query, &visitor, &page);
        if (rc != OK)
                return rc;
        xmlw_bool(render.out, "IsTruncated", page.truncated);
        if (page.truncated) {
                s3_list_key(render.out, "NextKeyMarker", page.last_key, frame.encode);
                xmlw_text(render.out, "NextUploadIdMarker", page.last_id);
        }
        return s3_reply_xml_end(ctx, reply, root);
}

const struct operation uploads_list = {
        OPERATION(uploads_list),
        .summary = "List uploads in parts",
        .query = uploads_query,
        .gives = "application/xml",
};

struct part_list {
        struct buf *out;
        const char *checksum_element; /* NULL: the upload has none */
        unsigned count, limit;
        int64_t last;
        bool truncated;
};

static void render_part(void *arg, const struct part *part)
{
        struct part_list *list = arg;
        struct buf *out = list->out;

        if (list->count == list->limit) {
                list->truncated = true;
                return;
        }
        xmlw_open(out, "Part");
        xmlw_int(out, "PartNumber", part->number);
        xmlw_time(out, "LastModified", part->modified_at_us);
        xmlw_open(out, "ETag");
        buf_puts(out, "&quot;");
        xmlw_escaped(out, part->etag);
        buf_puts(out, "&quot;");
        xmlw_close(out, "ETag");
        xmlw_int(out, "Size", part->size_bytes);
        if (list->checksum_element)
                xmlw_text(out, list->checksum_element, part->checksum);
        xmlw_close(out, "Part");
        list->last = part->number;
        list->count++;
}

static void write_head(const struct part_list *list, const struct multipart *upload, int64_t marker)
{
        struct buf *out = list->out;

        xmlw_text(out, "Bucket", upload->bucket);
        xmlw_text(out, "Key", upload->key);
        xmlw_text(out, "UploadId", upload->upload_id);
        s3_reply_owner(out, "Initiator");
        s3_reply_owner(out, "Owner");
        xmlw_text(out, "StorageClass", "STANDARD");
        xmlw_int(out, "PartNumberMarker", marker);
        xmlw_int(out, "MaxParts", list->limit);
        if (list->checksum_element) {
                xmlw_text(out, "ChecksumAlgorithm", upload->checksum_kind);
                xmlw_text(out, "ChecksumType", upload->checksum_type);
        }
}

static enum err read_query(struct ctx *ctx, const struct request *request, struct multipart *upload,
                           struct part_range *range)
{
        struct s3_list_frame frame = { 0 };
        enum err rc;

        rc = s3_list_read(ctx, request, "max-parts", &frame);
        if (rc == OK)
                rc = request_query(ctx, request, "uploadId", &upload->upload_id);
        if (rc == OK)
                rc = request_query_int(ctx, request, "part-number-marker", &range->after);
        range->limit = frame.limit;
        return rc;
}

static const struct query parts_query[] = {
        QUERY(TEXT, "uploadId", .required = true),
        QUERY(TEXT, "prefix"),
        QUERY(TEXT, "delimiter"),
        QUERY(TEXT, "encoding-type"),
        QUERY(TEXT, "max-parts"),
        QUERY(NUMBER, "part-number-marker", .min = 0, .max = INT32_MAX),
        { 0 },
};

static enum err parts_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        static const char root[] = "ListPartsResult";
        struct multipart upload = { .bucket = request_param(request, "bucket"),
                                    .key = request_param(request, "key") };
        struct part_range range = { .after = 0 };
        struct part_list list = { 0 };
        enum err rc;

        rc = read_query(ctx, request, &upload, &range);
        if (rc == OK)
                rc = multipart_find(ctx, &upload, &upload);
        if (rc != OK)
                return rc;
        list.limit = range.limit++; /* one more tells whether there are more */
        if (*upload.checksum_kind)
                list.checksum_element =
                        arena_printf(ctx->arena, "Checksum%s", upload.checksum_kind);
        range.upload_id = upload.upload_id;
        list.out = s3_reply_xml(reply, root);
        write_head(&list, &upload, range.after);
        rc = multipart_parts(ctx, &range, render_part, &list);
        if (rc != OK)
                return rc;
        xmlw_int(list.out, "NextPartNumberMarker", list.last);
        xmlw_bool(list.out, "IsTruncated", list.truncated);
        return s3_reply_xml_end(ctx, reply, root);
}

const struct operation parts_list = {
        OPERATION(parts_list),
        .summary = "List the parts of an upload",
        .query = parts_query,
        .gives = "application/xml",
};
