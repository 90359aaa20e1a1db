#include "core/cloud/storage/object_rules.h"

#include <inttypes.h>

#include "core/base/config.h"
#include "core/cloud/provider/provider_settings.h"
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

/* Are the quotas kept with so many bytes more than there are? */
static enum err check_totals(struct ctx *ctx, const struct bucket *bucket, int64_t more)
{
        const uint64_t job_quota = ctx->config->job_quota_bytes;
        const uint64_t quota = ctx->config->storage_quota_bytes;
        bool is_of_job = !bucket->owner || !*bucket->owner;
        struct uploads_in_flight flight;
        int64_t bytes;
        enum err rc;

        if (job_quota > 0 && is_of_job) {
                rc = store_uploads_in_flight(ctx, bucket->bucket, &flight);
                if (rc != OK)
                        return rc;
                if ((uint64_t)(bucket->bytes + flight.part_bytes + more) > job_quota)
                        return refuse(ctx, "A job's bucket", job_quota);
        }
        if (quota > 0) {
                rc = store_buckets_bytes(ctx, &bytes);
                if (rc != OK)
                        return rc;
                if ((uint64_t)(bytes + more) > quota)
                        return refuse(ctx, "All buckets together", quota);
        }
        return OK;
}

enum err object_check_quota(struct ctx *ctx, const struct bucket *bucket, int64_t more)
{
        return more > 0 ? check_totals(ctx, bucket, more) : OK;
}

enum err object_check_room(struct ctx *ctx, const struct bucket *bucket, const char *key,
                           int64_t size)
{
        struct object old = { .size_bytes = 0 };
        enum err rc;

        if (ctx->config->job_quota_bytes == 0 && ctx->config->storage_quota_bytes == 0)
                return OK;
        rc = store_object_get(ctx, bucket->bucket, key, &old);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        return object_check_quota(ctx, bucket, size - old.size_bytes);
}

enum err object_lock_quota(struct ctx *ctx, const char *bucket)
{
        const char *name;

        if (ctx->config->storage_quota_bytes > 0)
                return db_lock(ctx, "storage quota");
        if (ctx->config->job_quota_bytes == 0)
                return OK;
        name = arena_printf(ctx->arena, "quota:%s", bucket);
        return name ? db_lock(ctx, name) : ctx_nomem(ctx);
}

enum err object_check_quota_kept(struct ctx *ctx, const char *bucket)
{
        struct bucket row;
        enum err rc = store_bucket_get(ctx, bucket, &row);

        return rc == OK ? check_totals(ctx, &row, 0) : rc;
}
