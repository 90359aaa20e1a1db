/* The tags of an object. */
#include <string.h>

#include "core/cloud/storage/object_tags.h"
#include "fcgi/handlers.h"
#include "fcgi/s3_body.h"
#include "fcgi/s3_headers.h"
#include "fcgi/s3_reply.h"

static enum err tags_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        static const char root[] = "Tagging";
        const char *bucket = request_param(request, "bucket"), *name;
        json_t *tags, *value;
        struct buf *out;
        enum err rc;

        rc = object_tags_get(ctx, bucket, request_param(request, "key"), &tags);
        if (rc != OK)
                return rc;
        out = s3_reply_xml(reply, root);
        xmlw_open(out, "TagSet");
        json_object_foreach (tags, name, value) {
                xmlw_open(out, "Tag");
                xmlw_text(out, "Key", name);
                xmlw_text(out, "Value", json_string_value(value));
                xmlw_close(out, "Tag");
        }
        xmlw_close(out, "TagSet");
        return s3_reply_xml_end(ctx, reply, root);
}

const struct operation tags_show = {
        OPERATION(tags_show),
        .summary = "Show the tags of an object",
        .gives = "application/xml",
};

static enum err read_tags(struct ctx *ctx, const struct request *request, json_t *tags)
{
        const struct xml *set;
        struct xml *root;
        enum err rc = s3_body_xml(ctx, request, NULL, "Tagging", &root);

        if (rc != OK)
                return rc;
        set = xml_child(root, "TagSet");
        if (!set)
                return s3_body_malformed(ctx);
        for (const struct xml *tag = set->child; rc == OK && tag; tag = tag->next) {
                const char *name = xml_text(tag, "Key"), *value = xml_text(tag, "Value");

                rc = name && value ? s3_tag_add(ctx, tags, name, value) : s3_body_malformed(ctx);
        }
        return rc;
}

static enum err tags_put_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        CLEANUP(json_decrefp) json_t *tags = json_object();
        const char *bucket = request_param(request, "bucket");
        enum err rc = tags ? read_tags(ctx, request, tags) : ctx_nomem(ctx);

        (void)reply;
        return rc == OK ? object_tags_set(ctx, bucket, request_param(request, "key"), tags) : rc;
}

const struct operation tags_put = {
        OPERATION(tags_put),
        .summary = "Set the tags of an object",
        .takes = "application/xml",
};

static enum err tags_delete_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *bucket = request_param(request, "bucket");

        (void)reply;
        return object_tags_set(ctx, bucket, request_param(request, "key"), NULL);
}

const struct operation tags_delete = {
        OPERATION(tags_delete),
        .summary = "Remove the tags of an object",
        .status = 204,
};
