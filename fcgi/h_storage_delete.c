/* DeleteObjects: many at once, with an answer for each. */
#include <string.h>

#include "core/cloud/storage/bucket.h"
#include "core/cloud/storage/object_store.h"
#include "fcgi/handlers.h"
#include "fcgi/s3_body.h"
#include "fcgi/s3_headers.h"
#include "fcgi/s3_reply.h"

#define KEYS_MAX 1000

/* The <Delete> of a request, 1 to 1000 <Object>s with a <Key>. */
static enum err read_list(struct ctx *ctx, const struct request *request, struct xml **ret)
{
        struct xml *root;
        unsigned count = 0;
        enum err rc = s3_body_xml(ctx, request, NULL, "Delete", &root);

        if (rc != OK)
                return rc;
        for (const struct xml *item = root->child; item; item = item->next) {
                if (strcmp(item->name, "Object") != 0)
                        continue;
                if (!xml_text(item, "Key") || ++count > KEYS_MAX)
                        return s3_body_malformed(ctx);
        }
        *ret = root;
        return count > 0 ? OK : s3_body_malformed(ctx);
}

static void write_error(struct ctx *ctx, struct buf *out, const char *key, enum err rc)
{
        xmlw_open(out, "Error");
        xmlw_text(out, "Key", key);
        xmlw_text(out, "Code", s3_error_code(ctx, rc));
        xmlw_text(out, "Message", ctx_shown_detail(ctx, rc));
        xmlw_close(out, "Error");
}

static void delete_one(struct ctx *ctx, const char *bucket, const struct xml *item, bool quiet,
                       struct buf *out)
{
        const struct s3_condition_texts texts = { .etag = xml_text(item, "ETag"),
                                                  .size = xml_text(item, "Size"),
                                                  .modified = xml_text(item, "LastModifiedTime") };
        const char *key = xml_text(item, "Key");
        struct object_condition only;
        enum err rc = s3_condition(ctx, &texts, &only);

        if (rc == OK)
                rc = object_remove_if(ctx, bucket, key, &only);
        if (rc != OK) {
                write_error(ctx, out, key, rc);
        } else if (!quiet) {
                xmlw_open(out, "Deleted");
                xmlw_text(out, "Key", key);
                xmlw_close(out, "Deleted");
        }
}

static enum err storage_delete_many_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        static const char root[] = "DeleteResult";
        const char *name = request_param(request, "bucket"), *quiet;
        struct bucket bucket;
        struct xml *list = NULL;
        struct buf *out;
        enum err rc;

        rc = bucket_find(ctx, name, &bucket);
        if (rc == OK)
                rc = read_list(ctx, request, &list);
        if (rc != OK)
                return rc;
        quiet = xml_text(list, "Quiet");
        out = s3_reply_xml(reply, root);
        for (const struct xml *item = list->child; item; item = item->next) {
                if (strcmp(item->name, "Object") == 0)
                        delete_one(ctx, name, item, quiet && strcmp(quiet, "true") == 0, out);
        }
        return s3_reply_xml_end(ctx, reply, root);
}

const struct operation storage_delete_many = {
        OPERATION(storage_delete_many),
        .summary = "Delete several objects",
        .takes = "application/xml",
        .gives = "application/xml",
};
