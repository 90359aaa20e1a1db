#include "core/cloud/storage/object_list.h"

#include <string.h>

#include "core/base/utf8.h"

#define SKIP_MAX  50  /* rows of one common prefix that are passed over before it is jumped over */
#define AFTER_HOP 100 /* rows asked for after such a jump: there may be another one soon */

struct walk {
        struct ctx *ctx;
        const struct object_query *query;
        const struct object_visitor *visitor;
        struct object_page page;
        size_t prefix_len; /* of the last common prefix in page.last; 0: it is a key */
        const char *first; /* where the next range begins */
        unsigned count, rows, skipped;
        bool jump;
        enum err rc;
};

size_t object_common_prefix(const char *key, const char *prefix, const char *delimiter)
{
        size_t prefix_len = strlen(prefix);
        const char *found;

        if (!*delimiter || strncmp(key, prefix, prefix_len) != 0)
                return 0;
        found = strstr(key + prefix_len, delimiter);
        return found ? (size_t)(found - key) + strlen(delimiter) : 0;
}

static bool is_in_last_prefix(const struct walk *walk, const char *key)
{
        return walk->prefix_len > 0 && strncmp(key, walk->page.last, walk->prefix_len) == 0;
}

/* False: the page is full, or the arena is. */
static bool take(struct walk *walk, const struct object *object)
{
        const struct object_query *query = walk->query;
        size_t rolled = object_common_prefix(object->key, query->prefix, query->delimiter);
        char *last;

        if (walk->count == query->limit) {
                walk->page.truncated = true;
                return false;
        }
        last = arena_strndup(walk->ctx->arena, object->key, rolled ? rolled : strlen(object->key));
        if (!last) {
                walk->rc = ctx_nomem(walk->ctx);
                return false;
        }
        walk->page.last = last;
        walk->prefix_len = rolled;
        walk->skipped = 0;
        walk->count++;
        if (rolled)
                walk->visitor->prefix(walk->visitor->arg, last);
        else
                walk->visitor->object(walk->visitor->arg, object);
        return true;
}

static bool visit(void *arg, const struct object *object)
{
        struct walk *walk = arg;

        walk->rows++;
        if (!is_in_last_prefix(walk, object->key))
                return take(walk, object);
        walk->jump = ++walk->skipped >= SKIP_MAX;
        return !walk->jump;
}

/* The first key after a text, or after all that begin with it. */
static enum err key_after(struct ctx *ctx, const char *text, bool with_prefix, const char **ret)
{
        /* No key has a control character, so nothing lies between the two. */
        char *next = with_prefix ? utf8_after_prefix(ctx->arena, text)
                                 : arena_printf(ctx->arena, "%s\001", text);

        if (!next)
                return ctx_nomem(ctx);
        *ret = next;
        return OK;
}

/* Where the page begins. */
static enum err find_first(struct walk *walk)
{
        const struct object_query *query = walk->query;
        size_t rolled = object_common_prefix(query->after, query->prefix, query->delimiter);
        enum err rc = OK;

        walk->first = query->prefix;
        if (*query->after)
                rc = key_after(walk->ctx, query->after, rolled && !query->after[rolled],
                               &walk->first);
        if (rc == OK && strcmp(walk->first, query->prefix) < 0)
                walk->first = query->prefix;
        return rc;
}

static enum err walk_ranges(struct walk *walk)
{
        struct object_range range = { .bucket = walk->query->bucket,
                                      .limit = walk->query->limit + 1 };
        enum err rc = key_after(walk->ctx, walk->query->prefix, true, &range.end);

        while (rc == OK) {
                range.first = walk->first;
                walk->rows = 0;
                walk->jump = false;
                rc = store_objects_each(walk->ctx, &range, visit, walk);
                if (rc == OK)
                        rc = walk->rc;
                if (rc != OK || walk->page.truncated || (!walk->jump && walk->rows < range.limit))
                        return rc;
                /* A full range of which the page took all but rolled up rows: go on behind it. */
                rc = key_after(walk->ctx, walk->page.last, walk->prefix_len > 0, &walk->first);
                range.limit = AFTER_HOP;
        }
        return rc;
}

enum err object_list(struct ctx *ctx, const struct object_query *query,
                     const struct object_visitor *visitor, struct object_page *ret)
{
        struct walk walk = {
                .ctx = ctx, .query = query, .visitor = visitor, .page = { .last = "" }
        };
        struct bucket bucket;
        enum err rc;

        rc = store_bucket_get(ctx, query->bucket, &bucket);
        if (rc == OK)
                rc = find_first(&walk);
        if (rc == OK && query->limit > 0)
                rc = walk_ranges(&walk);
        if (rc == OK)
                *ret = walk.page;
        return rc;
}
