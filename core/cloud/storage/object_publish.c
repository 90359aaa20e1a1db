#include "core/cloud/storage/object_publish.h"

#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/event/event.h"
#include "core/cloud/remote/remote_leftover.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_rules.h"
#include "core/db/db.h"

#define PLACE_TRIES 5 /* a directory may be removed, empty, after it was opened */

/* What a client calls "I did not think about it" is no type. */
const char *object_type_given(const char *content_type, const char *key)
{
        bool real = content_type && *content_type && strlen(content_type) < 256 &&
                    strcmp(content_type, "application/x-www-form-urlencoded") != 0;

        return real ? content_type : object_media_type(key);
}

bool object_condition_needs_one(const struct object_condition *only)
{
        return only->if_match || only->if_size || only->if_modified;
}

static bool is_met(const struct object_condition *only, const struct object *now)
{
        if (only->if_absent || (only->if_none_match && strcmp(only->if_none_match, now->etag) == 0))
                return false;
        if (only->if_match && strcmp(only->if_match, "*") != 0 &&
            strcmp(only->if_match, now->etag) != 0)
                return false;
        if (only->if_size && only->size_bytes != now->size_bytes)
                return false;
        return !only->if_modified || only->modified_s == now->modified_at_us / US_PER_S;
}

enum err object_check_condition(struct ctx *ctx, const struct object_condition *only,
                                const char *bucket, const char *key)
{
        struct object now;
        enum err rc;

        if (!only->if_absent && !only->if_none_match && !object_condition_needs_one(only))
                return OK;
        rc = store_object_get(ctx, bucket, key, &now);
        if (rc == ERR_NOT_FOUND)
                return object_condition_needs_one(only) ? rc : OK;
        if (rc == OK && !is_met(only, &now))
                return ctx_fail_as(ctx, ERR_PRECONDITION, "PreconditionFailed",
                                   "At least one of the pre-conditions you specified did not hold");
        return rc;
}

/* What the object takes the place of. */
struct replaced {
        bool exists;
        int64_t size_bytes;
        const char *remote; /* where its bytes are in the S3 store; "": nowhere there */
};

/* Rules that hold in the moment the object becomes visible. */
static enum err check(struct ctx *ctx, const struct object_publication *publication,
                      struct replaced *ret)
{
        const struct object *object = &publication->object;
        const char *remote = object->remote ? object->remote : "";
        struct object old = { .size_bytes = 0, .remote = "" };
        enum err rc;

        rc = object_check_still_allowed(ctx);
        if (rc == OK)
                rc = store_object_lock(ctx, object->bucket, object->key);
        if (rc == OK)
                rc = object_check_condition(ctx, &publication->only, object->bucket, object->key);
        if (rc != OK)
                return rc;
        rc = store_object_get(ctx, object->bucket, object->key, &old);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (!publication->body && !publication->is_new && strcmp(old.remote, remote) != 0)
                return ctx_fail(ctx, ERR_CONFLICT, "The object was replaced meanwhile");
        *ret = (struct replaced){ .exists = rc == OK,
                                  .size_bytes = old.size_bytes,
                                  .remote = strcmp(old.remote, remote) == 0 ? "" : old.remote };
        return OK;
}

/* The upload has ended, and with it what it was made of. */
static enum err end_upload(struct ctx *ctx, const struct object_publication *publication)
{
        enum err rc = OK;

        if (publication->upload_id)
                rc = store_upload_delete(ctx, publication->upload_id);
        if (rc == OK && publication->also)
                rc = publication->also(ctx, publication->arg, &publication->object);
        return rc;
}

static enum err write_rows(struct ctx *ctx, const struct object_publication *publication,
                           const struct replaced *old)
{
        const struct object *object = &publication->object;
        enum err rc = store_object_put(ctx, object);

        if (rc == OK && object->remote && *object->remote)
                rc = store_leftover_forget(ctx, object->remote);
        if (rc == OK && *old->remote)
                rc = remote_leftover_note(ctx, old->remote, NULL);
        if (rc == OK)
                rc = end_upload(ctx, publication);
        /* Now that parts have become the object, and are counted no more. */
        if (rc == OK && object->size_bytes > old->size_bytes)
                rc = object_check_quota_kept(ctx, object->bucket);
        return rc;
}

/* Where the file of the object gets its name. */
struct place {
        int dir; /* -1: it has no file */
        const char *path;
        bool early; /* it has it already, for nothing had it */
};

/* An early name may have been taken over by a writer of the same key: then that one's row is there,
 * and ours would have been replaced a moment later anyway. */
static enum err find_overtaken(struct ctx *ctx, const struct object_publication *publication,
                               const struct place *place, const struct replaced *old, bool *ret)
{
        bool overtaken = place->early && !object_body_is_at(publication->body, place->dir,
                                                            object_leaf(place->path));

        if (overtaken && !old->exists)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's file was replaced");
        *ret = overtaken;
        return OK;
}

/* When all rows are written, and nothing but the commit can fail: what was there is gone then. */
static enum err take_name(struct ctx *ctx, const struct object_publication *publication,
                          const struct place *place)
{
        enum err rc;

        if (place->dir < 0 || place->early)
                return OK;
        rc = object_body_place(ctx, publication->body, place->dir, object_leaf(place->path));
        FAULT_POINT("storage.placed");
        return rc == ERR_NOT_FOUND ? ERR_NOT_READY : rc;
}

static enum err make_visible(struct ctx *ctx, const struct object_publication *publication,
                             const struct place *place)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool comes = publication->body || publication->is_new, overtaken = false;
        struct replaced old = { .remote = "" };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = object_lock_quota(ctx, publication->object.bucket);
        if (rc == OK)
                rc = check(ctx, publication, &old);
        if (rc == OK)
                rc = find_overtaken(ctx, publication, place, &old, &overtaken);
        if (rc == OK)
                rc = overtaken ? end_upload(ctx, publication) : write_rows(ctx, publication, &old);
        if (rc == OK && comes && !publication->unheard && !overtaken)
                rc = event_job_file(ctx, publication->bucket, &publication->object);
        if (rc == OK)
                rc = take_name(ctx, publication, place);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && *old.remote && !overtaken)
                remote_leftover_remove(ctx, old.remote, NULL);
        return rc;
}

/* It has not become visible: the early name goes, unless it is another's now or rows say otherwise.
 */
static void withdraw(struct ctx *ctx, const struct object_publication *publication,
                     const struct place *place)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct object *object = &publication->object;
        const char *leaf = object_leaf(place->path), *code = ctx->code;
        char detail[CTX_DETAIL_SIZE]; /* why it ends is the caller's to tell */
        struct object now;

        memcpy(detail, ctx->detail, sizeof(detail));
        if (db_begin(ctx, &tx) == OK && store_object_lock(ctx, object->bucket, object->key) == OK &&
            store_object_get(ctx, object->bucket, object->key, &now) == ERR_NOT_FOUND &&
            object_body_is_at(publication->body, place->dir, leaf)) {
                unlinkat(place->dir, leaf, 0);
                object_dirs_prune(publication->bucket->directory, place->path);
        }
        memcpy(ctx->detail, detail, sizeof(detail));
        ctx->code = code;
}

/* A name that nothing has is given at once, so that one fsync makes bytes and name durable before
 * the rows say that they are there. A name that something has changes hands with the rows. */
static enum err publish_file(struct ctx *ctx, struct object_publication *publication)
{
        CLEANUP(close_fdp) int dir = -1;
        struct place place;
        enum err rc;

        rc = object_path(ctx, publication->object.key, &place.path);
        if (rc == OK)
                rc = object_dir_open(ctx, publication->bucket->directory, place.path, true, &dir);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_NOT_READY : rc; /* removed while it was made */
        rc = object_body_place_new(ctx, publication->body, dir, object_leaf(place.path));
        if (rc != OK && rc != ERR_CONFLICT)
                return rc == ERR_NOT_FOUND ? ERR_NOT_READY : rc;
        place.dir = dir;
        place.early = rc == OK;
        FAULT_POINT("storage.named");
        rc = object_body_sync(ctx, publication->body, place.early ? dir : -1,
                              &publication->object.file_mtime_ns);
        if (rc == OK)
                rc = make_visible(ctx, publication, &place);
        if (rc != OK && place.early)
                withdraw(ctx, publication, &place);
        if (rc == OK && !place.early && fsync(dir) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's directory is not durable: %m");
        return rc;
}

enum err object_publish(struct ctx *ctx, struct object_publication *publication)
{
        static const struct place nowhere = { .dir = -1 };
        enum err rc = ERR_NOT_READY;

        if (!publication->body || publication->object.remote)
                return make_visible(ctx, publication, &nowhere);
        for (unsigned tries = 0; rc == ERR_NOT_READY && tries < PLACE_TRIES; tries++)
                rc = publish_file(ctx, publication);
        if (rc == ERR_NOT_READY)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's directory does not stay");
        return rc;
}
