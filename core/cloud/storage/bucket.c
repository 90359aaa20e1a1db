#include "core/cloud/storage/bucket.h"

#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/base/ipnet.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/provider/provider_settings.h"
#include "core/cloud/remote/remote_store.h"
#include "core/db/db.h"

#define NAME_MIN     3
#define NAME_MAX_LEN 63

/* Like an id of ours: such a bucket is made with its job. */
static bool is_job_id(const char *name)
{
        return strlen(name) == ULID_SIZE - 1 && name[0] == '0' && !strpbrk(name, ".-");
}

static enum err check_name(struct ctx *ctx, const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
        static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
        size_t len = strlen(name);
        struct ipaddr address;

        if (len < NAME_MIN || len > NAME_MAX_LEN || strspn(name, letters) != len ||
            !strchr(ends, name[0]) || !strchr(ends, name[len - 1]) || strstr(name, "..") ||
            strstr(name, ".-") || strstr(name, "-.") || ipaddr_parse_host(name, len, &address) ||
            is_job_id(name))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidBucketName",
                                   "The name of a bucket has 3 to 63 of a-z, 0-9, - and ., begins "
                                   "and ends with a letter or digit, and is no address and no id "
                                   "of a job");
        return OK;
}

static enum err audit_bucket(struct ctx *ctx, const char *event, const char *name,
                             const char *action)
{
        const struct audit_entry entry = {
                .event_type = event, .target_type = "bucket", .target_id = name, .action = action
        };

        return audit_add(ctx, &entry);
}

static enum err insert(struct ctx *ctx, const struct bucket *bucket)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_bucket_insert(ctx, bucket);
        if (rc == OK)
                rc = audit_bucket(ctx, "storage.bucket_created", bucket->bucket,
                                  "A bucket was created");
        return rc == OK ? db_commit(&tx) : rc;
}

/* Somebody else was a moment faster: the transaction waits for that one's to be durable. */
static enum err wait_for_bucket(struct ctx *ctx, const char *name)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct bucket bucket;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_bucket_get(ctx, name, &bucket);
        return rc == OK ? db_commit(&tx) : rc;
}

/* ---- whose it is ---- */

static enum err no_such_bucket(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchBucket", "Bucket not found");
}

static enum err require_of_job(struct ctx *ctx, const char *name)
{
        if (strcmp(ctx->actor.job_id, name) == 0)
                return OK;
        return ctx_fail(ctx, ERR_DENIED,
                        "Permission denied: this upload token belongs to another job");
}

/* Has the one who acts this right over his own things, or over everybody's? */
static bool may(const struct ctx *ctx, bool is_own, enum permission own, enum permission all)
{
        return auth_may(ctx, is_own ? own : all);
}

enum err bucket_require(struct ctx *ctx, const char *name, enum bucket_use use)
{
        const bool write = use == BUCKET_WRITE;
        const char *owner;
        bool is_own;
        enum err rc;

        if (ctx->actor.kind == ACTOR_JOB)
                return require_of_job(ctx, name);
        if (auth_may(ctx, PERM_JOB_VIEW_ALL) && (!write || auth_may(ctx, PERM_JOB_DELETE_ALL)))
                return OK;
        rc = store_bucket_owner(ctx, name, &owner);
        if (rc != OK)
                return rc;
        is_own = strcmp(owner, ctx_actor_name(ctx)) == 0;
        if (!may(ctx, is_own, PERM_JOB_VIEW_OWN, PERM_JOB_VIEW_ALL))
                return no_such_bucket(ctx);
        if (write && !may(ctx, is_own, PERM_JOB_DELETE_OWN, PERM_JOB_DELETE_ALL))
                return ctx_fail_as(
                        ctx, ERR_DENIED, "AccessDenied", "Permission denied: %s",
                        permission_name(is_own ? PERM_JOB_DELETE_OWN : PERM_JOB_DELETE_ALL));
        return OK;
}

/* ---- making and removing ---- */

/* Whoever may not see it cannot have it either. */
static enum err check_taken(struct ctx *ctx, const char *name)
{
        enum err rc = bucket_require(ctx, name, BUCKET_READ);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail_as(ctx, ERR_CONFLICT, "BucketAlreadyExists",
                                   "The name of the bucket is taken");
        return rc;
}

enum err bucket_create(struct ctx *ctx, const char *name)
{
        struct provider_settings settings;
        struct bucket bucket = { .bucket = name, .owner = ctx_actor_name(ctx) };
        enum err rc;

        rc = store_bucket_get(ctx, name, &bucket);
        if (rc != ERR_NOT_FOUND)
                return rc == OK ? check_taken(ctx, name) : rc;
        if (ctx->actor.kind == ACTOR_JOB)
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied",
                                   "A job has its own bucket only");
        rc = check_name(ctx, name);
        if (rc == OK)
                rc = provider_settings_load(ctx, ctx->config->default_provider, &settings);
        if (rc != OK)
                return rc;
        bucket.directory = provider_settings_bucket(ctx, &settings, name);
        bucket.created_at_us = clock_wall_us(ctx->clock);
        if (!bucket.directory)
                return ctx_nomem(ctx);
        rc = insert(ctx, &bucket);
        if (rc != ERR_CONFLICT)
                return rc;
        rc = wait_for_bucket(ctx, name);
        return rc == OK ? check_taken(ctx, name) : rc;
}

enum err bucket_delete(struct ctx *ctx, const char *name)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct bucket bucket;
        enum err rc;

        rc = bucket_require(ctx, name, BUCKET_READ);
        if (rc == OK)
                rc = store_bucket_get(ctx, name, &bucket);
        if (rc == OK && !*bucket.owner)
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied",
                                   "The bucket of a job goes with the job");
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_bucket_delete(ctx, name);
        if (rc == OK)
                rc = audit_bucket(ctx, "storage.bucket_deleted", name, "A bucket was deleted");
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && !remote_is_url(bucket.directory))
                rmdir(bucket.directory); /* what is left in it is no object: see "storage gc" */
        return rc;
}

/* ---- looking ---- */

enum err bucket_find(struct ctx *ctx, const char *name, struct bucket *ret)
{
        return store_bucket_get(ctx, name, ret);
}

static enum err own_bucket(struct ctx *ctx, bucket_row_fn *row, void *arg)
{
        struct bucket own;
        enum err rc = store_bucket_get(ctx, ctx->actor.job_id, &own);

        if (rc == OK)
                row(arg, &own);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* Whose buckets the one who acts may see; NULL: everybody's. */
static const char *visible_owner(const struct ctx *ctx)
{
        return auth_may(ctx, PERM_JOB_VIEW_ALL) ? NULL : ctx_actor_name(ctx);
}

enum err bucket_each(struct ctx *ctx, const struct bucket_range *range, bucket_row_fn *row,
                     void *arg)
{
        const char *own = ctx->actor.job_id;
        struct bucket_range mine = *range;

        if (ctx->actor.kind != ACTOR_JOB) {
                mine.owner = visible_owner(ctx);
                return store_buckets_by_name(ctx, &mine, row, arg);
        }
        if (strcmp(own, range->after) <= 0 ||
            (range->prefix && strncmp(own, range->prefix, strlen(range->prefix)) != 0))
                return OK;
        return own_bucket(ctx, row, arg);
}

enum err bucket_each_newest(struct ctx *ctx, unsigned limit, bucket_row_fn *row, void *arg)
{
        if (ctx->actor.kind == ACTOR_JOB)
                return own_bucket(ctx, row, arg);
        return store_buckets_each(ctx, limit, visible_owner(ctx), row, arg);
}
