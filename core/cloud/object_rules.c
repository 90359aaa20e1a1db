#include "core/cloud/object_rules.h"

#include <inttypes.h>

#include "core/base/config.h"
#include "core/cloud/provider_settings.h"
#include "core/db/db.h"
#include "core/store/store_jobs.h"
#include "core/store/store_objects.h"

enum err object_check_receiving(struct ctx *ctx)
{
        struct provider_settings settings;
        struct job job;
        enum err rc;

        if (ctx->actor.kind != ACTOR_JOB)
                return OK;
        rc = store_job_get(ctx, ctx->actor.job_id, &job);
        if (rc == OK)
                rc = provider_settings_load(ctx, job.provider, &settings);
        if (rc == OK && !settings.s3_endpoint_enabled)
                return ctx_fail(ctx, ERR_DENIED,
                                "Receiving files is switched off (s3_endpoint_enabled)");
        return rc;
}

enum err object_check_still_allowed(struct ctx *ctx)
{
        struct job job;
        enum err rc;

        if (ctx->actor.kind != ACTOR_JOB)
                return OK;
        rc = store_job_get(ctx, ctx->actor.job_id, &job);
        if (rc == OK && job_status_is_terminal(job.status))
                return ctx_fail_as(ctx, ERR_UNAUTHENTICATED, "AccessDenied",
                                   "Invalid upload token. Token must match an active job.");
        return rc;
}

static enum err refuse(struct ctx *ctx, const char *what, uint64_t quota)
{
        return ctx_fail_as(ctx, ERR_NO_SPACE, "QuotaExceeded",
                           "%s may hold %" PRIu64 " bytes, parts of unfinished uploads included",
                           what, quota);
}

/* What the quotas count now, as far as there are any. */
static enum err measure(struct ctx *ctx, const struct bucket *bucket, struct object_usage *ret)
{
        struct object_usage usage = { .bucket = bucket->bucket };
        struct uploads_in_flight flight;
        enum err rc = OK;

        usage.is_of_job = !bucket->owner || !*bucket->owner;
        if (ctx->config->job_quota_bytes > 0 && usage.is_of_job) {
                rc = store_uploads_in_flight(ctx, bucket->bucket, &flight);
                if (rc == OK)
                        usage.bucket_bytes = bucket->bytes + flight.part_bytes;
        }
        if (rc == OK && ctx->config->storage_quota_bytes > 0)
                rc = store_buckets_bytes(ctx, &usage.all_bytes);
        if (rc == OK)
                *ret = usage;
        return rc;
}

static enum err check_usage(struct ctx *ctx, const struct object_usage *usage, int64_t more)
{
        const uint64_t job_quota = ctx->config->job_quota_bytes;
        const uint64_t quota = ctx->config->storage_quota_bytes;

        if (job_quota > 0 && usage->is_of_job &&
            (uint64_t)usage->bucket_bytes + (uint64_t)more > job_quota)
                return refuse(ctx, "A job's bucket", job_quota);
        if (quota > 0 && (uint64_t)usage->all_bytes + (uint64_t)more > quota)
                return refuse(ctx, "All buckets together", quota);
        return OK;
}

static bool has_quotas(const struct ctx *ctx)
{
        return ctx->config->job_quota_bytes > 0 || ctx->config->storage_quota_bytes > 0;
}

enum err object_check_quota(struct ctx *ctx, const struct bucket *bucket, int64_t more)
{
        struct object_usage usage;
        enum err rc;

        if (more <= 0 || !has_quotas(ctx))
                return OK;
        rc = measure(ctx, bucket, &usage);
        return rc == OK ? check_usage(ctx, &usage, more) : rc;
}

enum err object_check_room(struct ctx *ctx, const struct bucket *bucket, const char *key,
                           int64_t size)
{
        struct object old = { .size_bytes = 0 };
        enum err rc;

        if (size <= 0 || !has_quotas(ctx))
                return OK;
        rc = store_object_get(ctx, bucket->bucket, key, &old);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        return object_check_quota(ctx, bucket, size - old.size_bytes);
}

enum err object_usage_hold(struct ctx *ctx, const char *bucket, struct object_usage *ret)
{
        struct bucket now;
        enum err rc = OK;

        if (ctx->config->storage_quota_bytes > 0) {
                rc = db_lock(ctx, "storage quota");
        } else if (ctx->config->job_quota_bytes > 0) {
                const char *name = arena_printf(ctx->arena, "quota:%s", bucket);

                rc = name ? db_lock(ctx, name) : ctx_nomem(ctx);
        }
        if (rc == OK)
                rc = store_bucket_get(ctx, bucket, &now);
        return rc == OK ? measure(ctx, &now, ret) : rc;
}

enum err object_usage_check(struct ctx *ctx, const struct object_usage *before)
{
        struct object_usage after;
        struct bucket now;
        enum err rc;

        if (!has_quotas(ctx))
                return OK;
        rc = store_bucket_get(ctx, before->bucket, &now);
        if (rc == OK)
                rc = measure(ctx, &now, &after);
        if (rc != OK)
                return rc;
        /* What shrinks or stays may do so, even above a quota that has been lowered. */
        if (after.bucket_bytes <= before->bucket_bytes && after.all_bytes <= before->all_bytes)
                return OK;
        return check_usage(ctx, &after, 0);
}
