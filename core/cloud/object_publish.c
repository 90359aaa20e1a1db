#include "core/cloud/object_publish.h"

#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/event.h"
#include "core/cloud/object_path.h"
#include "core/cloud/object_rules.h"
#include "core/db/db.h"

#define PLACE_TRIES                                                                                \
        5 /* a directory may be removed, empty, between its opening and our use of it              \
           */

/* What a client calls "I did not think about it" is no type. */
const char *object_type_given(const char *content_type, const char *key)
{
        bool real = content_type && *content_type && strlen(content_type) < 256 &&
                    strcmp(content_type, "application/x-www-form-urlencoded") != 0;

        return real ? content_type : object_media_type(key);
}

enum err object_check_condition(struct ctx *ctx, const struct object_condition *only,
                                const char *bucket, const char *key)
{
        struct object now;
        enum err rc;

        if (!only->if_absent && !only->if_match)
                return OK;
        rc = store_object_get(ctx, bucket, key, &now);
        if (rc == ERR_NOT_FOUND)
                return only->if_match ? rc : OK;
        if (rc != OK)
                return rc;
        if (only->if_absent ||
            (strcmp(only->if_match, "*") != 0 && strcmp(only->if_match, now.etag) != 0))
                return ctx_fail_as(ctx, ERR_PRECONDITION, "PreconditionFailed",
                                   "At least one of the pre-conditions you specified did not hold");
        return OK;
}

/* Rules that hold in the moment the object becomes visible. */
static enum err check(struct ctx *ctx, const struct object_publication *publication)
{
        const struct object *object = &publication->object;
        enum err rc;

        rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_object_lock(ctx, object->bucket, object->key);
        if (rc == OK)
                rc = object_check_condition(ctx, &publication->only, object->bucket, object->key);
        return rc;
}

static enum err write_rows(struct ctx *ctx, const struct object_publication *publication)
{
        struct object_usage before;
        enum err rc = object_usage_hold(ctx, publication->object.bucket, &before);

        if (rc == OK)
                rc = check(ctx, publication);
        if (rc == OK)
                rc = store_object_put(ctx, &publication->object);
        if (rc == OK && publication->upload_id)
                rc = store_upload_delete(ctx, publication->upload_id);
        if (rc == OK && publication->also)
                rc = publication->also(ctx, publication->arg, &publication->object);
        return rc == OK ? object_usage_check(ctx, &before) : rc;
}

static enum err publish_once(struct ctx *ctx, const struct object_publication *publication)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(close_fdp) int dir = -1;
        const char *path;
        enum err rc;

        rc = object_path(ctx, publication->object.key, &path);
        if (rc == OK && publication->body)
                rc = object_dir_open(ctx, publication->bucket->directory, path, true, &dir);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = write_rows(ctx, publication);
        if (rc == OK && publication->body) {
                enum err placed = object_body_place(ctx, publication->body, dir, object_leaf(path));

                if (placed != OK)
                        return placed == ERR_NOT_FOUND ? ERR_NOT_READY : placed;
                FAULT_POINT("storage.placed");
        }
        if (rc == OK && publication->body)
                rc = event_job_file(ctx, publication->bucket, &publication->object);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && dir >= 0 && fsync(dir) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's directory is not durable: %m");
        return rc;
}

enum err object_publish(struct ctx *ctx, const struct object_publication *publication)
{
        enum err rc = ERR_NOT_READY;

        for (unsigned tries = 0; rc == ERR_NOT_READY && tries < PLACE_TRIES; tries++)
                rc = publish_once(ctx, publication);
        if (rc == ERR_NOT_READY)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's directory does not stay");
        return rc;
}
