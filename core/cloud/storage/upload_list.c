#include "core/cloud/storage/upload_list.h"

#include <string.h>

#include "core/base/utf8.h"
#include "core/cloud/storage/object_list.h"

#define BATCH 1000

struct walk {
        struct ctx *ctx;
        const struct upload_query *query;
        const struct upload_visitor *visitor;
        struct upload_page page;
        const char *prefix; /* the last common prefix, "": none */
        unsigned count, rows;
        const char *seen_key, *seen_id; /* the last row */
        enum err rc;
};

/* False: the page is full, or the arena is. */
static bool take(struct walk *walk, const struct multipart *upload)
{
        const struct upload_query *query = walk->query;
        size_t rolled = object_common_prefix(upload->key, query->prefix, query->delimiter);

        if (rolled && *walk->prefix && strncmp(upload->key, walk->prefix, rolled) == 0)
                return true;
        if (walk->count == query->limit) {
                walk->page.truncated = true;
                return false;
        }
        walk->count++;
        if (rolled) {
                walk->prefix = arena_strndup(walk->ctx->arena, upload->key, rolled);
                if (!walk->prefix) {
                        walk->rc = ctx_nomem(walk->ctx);
                        return false;
                }
                walk->visitor->prefix(walk->visitor->arg, walk->prefix);
                walk->page.last_key = walk->prefix;
                walk->page.last_id = "";
                return true;
        }
        walk->visitor->upload(walk->visitor->arg, upload);
        walk->page.last_key = walk->seen_key;
        walk->page.last_id = walk->seen_id;
        return true;
}

static bool visit(void *arg, const struct multipart *upload)
{
        struct walk *walk = arg;

        walk->rows++;
        walk->rc = ctx_strdup(walk->ctx, upload->key, &walk->seen_key);
        if (walk->rc == OK)
                walk->rc = ctx_strdup(walk->ctx, upload->upload_id, &walk->seen_id);
        return walk->rc == OK && take(walk, upload);
}

/* A marker that is a common prefix stands for all that is in it. */
static enum err find_first(struct walk *walk, struct multipart_range *range)
{
        const struct upload_query *query = walk->query;
        size_t rolled = object_common_prefix(query->after_key, query->prefix, query->delimiter);

        range->first = query->prefix;
        range->after_key = query->after_key;
        /* Without an id, all uploads of the marker's key are passed over. */
        range->after_id = *query->after_id || !*query->after_key ? query->after_id : "~";
        if (rolled && !query->after_key[rolled])
                range->first = utf8_after_prefix(walk->ctx->arena, query->after_key);
        range->end = utf8_after_prefix(walk->ctx->arena, query->prefix);
        return range->first && range->end ? OK : ctx_nomem(walk->ctx);
}

enum err upload_list(struct ctx *ctx, const struct upload_query *query,
                     const struct upload_visitor *visitor, struct upload_page *ret)
{
        struct walk walk = { .ctx = ctx,
                             .query = query,
                             .visitor = visitor,
                             .prefix = "",
                             .page = { .last_key = "", .last_id = "" } };
        struct multipart_range range = { .bucket = query->bucket, .limit = BATCH };
        struct bucket bucket;
        enum err rc;

        rc = store_bucket_get(ctx, query->bucket, &bucket);
        if (rc == OK)
                rc = find_first(&walk, &range);
        while (rc == OK && query->limit > 0) {
                walk.rows = 0;
                rc = store_multiparts_each(ctx, &range, visit, &walk);
                if (rc == OK)
                        rc = walk.rc;
                if (rc != OK || walk.page.truncated || walk.rows < range.limit)
                        break;
                range.after_key = walk.seen_key;
                range.after_id = walk.seen_id;
        }
        if (rc == OK)
                *ret = walk.page;
        return rc;
}

enum err multipart_parts(struct ctx *ctx, const struct part_range *range, part_row_fn *row,
                         void *arg)
{
        return store_parts_each(ctx, range, row, arg);
}
