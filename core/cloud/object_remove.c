#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/object_path.h"
#include "core/cloud/object_publish.h"
#include "core/cloud/object_rules.h"
#include "core/cloud/object_store.h"
#include "core/cloud/remote_leftover.h"
#include "core/db/db.h"

/* The row is the truth: without it the object is gone, whatever lies on disk or in the S3 store.
 * *ret_remote: where it lies there; "": nowhere. */
static enum err remove_row(struct ctx *ctx, const struct object *named,
                           const struct object_condition *only, const char **ret_remote)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *bucket = named->bucket, *key = named->key;
        struct object object;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_object_lock(ctx, bucket, key);
        if (rc == OK)
                rc = object_check_condition(ctx, only, bucket, key);
        if (rc == OK)
                rc = store_object_get(ctx, bucket, key, &object);
        if (rc == OK)
                rc = store_object_delete(ctx, bucket, key);
        if (rc == OK && *object.remote)
                rc = remote_leftover_note(ctx, object.remote, NULL);
        if (rc != OK)
                return rc;
        *ret_remote = object.remote;
        return db_commit(&tx);
}

/* The file goes unless a writer has made it another object's meanwhile. */
static enum err remove_file(struct ctx *ctx, const struct bucket *bucket, const char *key)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(close_fdp) int dir = -1;
        struct object now;
        const char *path;
        enum err rc;

        rc = object_path(ctx, key, &path);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_object_lock(ctx, bucket->bucket, key);
        if (rc == OK)
                rc = store_object_get(ctx, bucket->bucket, key, &now);
        if (rc != ERR_NOT_FOUND)
                return rc;
        rc = object_dir_open(ctx, bucket->directory, path, false, &dir);
        if (rc == OK && unlinkat(dir, object_leaf(path), 0) == 0)
                object_dirs_prune(bucket->directory, path);
        return OK;
}

enum err object_remove_if(struct ctx *ctx, const char *bucket, const char *key,
                          const struct object_condition *only)
{
        const struct object named = { .bucket = bucket, .key = key };
        const char *remote = "";
        struct bucket row;
        enum err rc;

        rc = object_key_check(ctx, key);
        if (rc == OK)
                rc = object_check_receiving(ctx);
        if (rc == OK)
                rc = store_bucket_get(ctx, bucket, &row);
        if (rc != OK)
                return rc;
        rc = remove_row(ctx, &named, only, &remote);
        if (rc == ERR_NOT_FOUND && !object_condition_needs_one(only))
                return OK;
        FAULT_POINT("storage.forgotten");
        if (rc != OK || !*remote)
                return rc == OK ? remove_file(ctx, &row, key) : rc;
        remote_leftover_remove(ctx, remote, NULL);
        return OK;
}

enum err object_remove(struct ctx *ctx, const char *bucket, const char *key)
{
        return object_remove_if(ctx, bucket, key, &(struct object_condition){ .if_absent = false });
}
