#include "core/cloud/storage/object_tags.h"

#include <string.h>

#include "core/cloud/storage/object_rules.h"
#include "core/db/db.h"
#include "core/store/store_objects.h"

enum err object_tags_get(struct ctx *ctx, const char *bucket, const char *key, json_t **ret)
{
        struct bucket row;
        struct object object;
        json_t *tags;
        enum err rc;

        rc = store_bucket_get(ctx, bucket, &row);
        if (rc == OK)
                rc = store_object_get(ctx, bucket, key, &object);
        if (rc == OK)
                rc = json_parse_object(ctx, "tags", object.tags, strlen(object.tags), &tags);
        if (rc == OK)
                rc = json_keep(ctx, tags);
        if (rc == OK)
                *ret = tags;
        return rc;
}

enum err object_tags_set(struct ctx *ctx, const char *bucket, const char *key, const json_t *tags)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *text = "{}";
        struct bucket row;
        enum err rc;

        rc = store_bucket_get(ctx, bucket, &row);
        if (rc == OK && tags)
                rc = json_text(ctx, tags, &text);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_object_lock(ctx, bucket, key);
        if (rc == OK)
                rc = store_object_set_tags(ctx, bucket, key, text);
        return rc == OK ? db_commit(&tx) : rc;
}
