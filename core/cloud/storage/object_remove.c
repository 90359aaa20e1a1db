#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/remote/remote_leftover.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_publish.h"
#include "core/cloud/storage/object_rules.h"
#include "core/cloud/storage/object_store.h"
#include "core/cloud/storage/object_temp.h"
#include "core/db/db.h"

/* The row is the truth: without it the object is gone, whatever lies on disk or in the S3 store.
 * object: bucket and key; then all of the row that was. */
static enum err remove_row(struct ctx *ctx, const struct object_condition *only,
                           struct object *object)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *bucket = object->bucket, *key = object->key;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_object_lock(ctx, bucket, key);
        if (rc == OK)
                rc = object_check_condition(ctx, only, bucket, key);
        if (rc == OK)
                rc = store_object_get(ctx, bucket, key, object);
        if (rc == OK)
                rc = store_object_delete(ctx, bucket, key);
        if (rc == OK && *object->remote)
                rc = remote_leftover_note(ctx, object->remote, NULL);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Is the file still the one that the row was about? */
static bool is_of_row(int dir, const char *leaf, const struct object *object)
{
        struct stat st;

        return fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
               object_mtime_ns(&st) == object->file_mtime_ns;
}

/* The file goes unless a writer has put another in its place, with its row or a moment before it.
 */
static enum err remove_file(struct ctx *ctx, const struct bucket *bucket,
                            const struct object *object)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(close_fdp) int dir = -1;
        struct object now;
        const char *path;
        enum err rc;

        rc = object_path(ctx, object->key, &path);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_object_lock(ctx, object->bucket, object->key);
        if (rc == OK)
                rc = store_object_get(ctx, object->bucket, object->key, &now);
        if (rc != ERR_NOT_FOUND)
                return rc;
        rc = object_dir_open(ctx, bucket->directory, path, false, &dir);
        if (rc == OK && is_of_row(dir, object_leaf(path), object) &&
            unlinkat(dir, object_leaf(path), 0) == 0)
                object_dirs_prune(bucket->directory, path);
        return OK;
}

enum err object_remove_if(struct ctx *ctx, const char *bucket, const char *key,
                          const struct object_condition *only)
{
        struct object object = { .bucket = bucket, .key = key };
        struct bucket row;
        enum err rc;

        rc = object_key_check(ctx, key);
        if (rc == OK)
                rc = object_check_receiving(ctx);
        if (rc == OK)
                rc = store_bucket_get(ctx, bucket, &row);
        if (rc != OK)
                return rc;
        rc = remove_row(ctx, only, &object);
        if (rc == ERR_NOT_FOUND && !object_condition_needs_one(only))
                return OK;
        FAULT_POINT("storage.forgotten");
        if (rc != OK)
                return rc;
        if (!*object.remote)
                return remove_file(ctx, &row, &object);
        remote_leftover_remove(ctx, object.remote, NULL);
        return OK;
}

enum err object_remove(struct ctx *ctx, const char *bucket, const char *key)
{
        return object_remove_if(ctx, bucket, key, &(struct object_condition){ .if_absent = false });
}
