/* Disks, and the S3 store that objects are kept in. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/health/health_part.h"
#include "core/cloud/provider/provider_settings.h"
#include "core/cloud/remote/remote_store.h"
#include "core/db/db.h"

/* What the file system of a path has to give; of what is not made yet, that of its parent. */
static enum err free_at(struct ctx *ctx, const char *path, uint64_t *ret)
{
        char *copy = arena_strdup(ctx->arena, path);
        struct statvfs vfs;

        if (!copy)
                return ctx_nomem(ctx);
        while (statvfs(copy, &vfs) != 0) {
                char *slash = strrchr(copy, '/');

                if (errno != ENOENT || !slash || slash == copy)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read: %m", path);
                *slash = '\0';
        }
        *ret = (uint64_t)vfs.f_bavail * vfs.f_frsize;
        return OK;
}

static enum health_status status_of(const struct ctx *ctx, uint64_t free_bytes)
{
        const uint64_t floor = ctx->config->min_free_bytes;

        if (free_bytes < floor)
                return HEALTH_UNHEALTHY;
        return free_bytes < 2 * floor ? HEALTH_DEGRADED : HEALTH_HEALTHY;
}

enum err health_space(struct ctx *ctx, uint64_t *ret_free, enum health_status *ret)
{
        const char *const places[] = { ctx->config->home, database_path(ctx->cloud->database) };
        uint64_t least = UINT64_MAX;

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                uint64_t here = UINT64_MAX;
                enum err rc = places[i] ? free_at(ctx, places[i], &here) : OK;

                if (rc != OK)
                        return rc;
                least = here < least ? here : least;
        }
        *ret_free = least;
        *ret = status_of(ctx, least);
        return OK;
}

/* Where new buckets are made on this host; NULL: nowhere, or nobody can say now. */
static const char *output_path(struct ctx *ctx)
{
        struct provider_settings settings;
        const char *bucket;

        if (*ctx->config->storage_url ||
            provider_settings_load(ctx, ctx->config->default_provider, &settings) != OK)
                return NULL;
        bucket = provider_settings_bucket(ctx, &settings, "x");
        return bucket ? arena_strndup(ctx->arena, bucket, strlen(bucket) - strlen("/x")) : NULL;
}

/* What is left where it is scarcest: under the home directory, the database or the outputs. */
enum err health_storage(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "storage", .latency_ms = -1 };
        const char *outputs = output_path(ctx);
        uint64_t least, here;
        enum err rc;

        rc = health_space(ctx, &least, &component.status);
        if (rc == OK && outputs) {
                rc = free_at(ctx, outputs, &here);
                least = rc == OK && here < least ? here : least;
        }
        if (rc == ERR_NOMEM)
                return rc;
        if (rc != OK) {
                component.status = HEALTH_UNHEALTHY;
                return health_add(ctx, health, component, "%s", ctx->detail);
        }
        component.status = status_of(ctx, least);
        return health_add(ctx, health, component, "%" PRIu64 " MiB free", least / MiB);
}

/* An object that is never there: whether the store says so tells whether it would serve us. */
enum err health_remote_store(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "storage_remote" };
        int64_t start_us = clock_mono_us(ctx->clock);
        struct remote_ask ask = { .method = "GET" };
        struct remote_request request;
        struct http_answer answer;
        enum err rc;

        if (!*ctx->config->storage_url)
                return OK;
        ask.url = arena_printf(ctx->arena, "%s/.health", ctx->config->storage_url);
        if (!ask.url)
                return ctx_nomem(ctx);
        rc = remote_prepare(ctx, &ask, &request);
        if (rc == OK) {
                request.http.timeout_s = HEALTH_CALL_S;
                rc = http_perform(ctx, &request.http, &request.request, &answer);
                rc = remote_outcome(ctx, &ask, rc, &answer);
        }
        if (rc == ERR_NOMEM)
                return rc;
        component.latency_ms = health_latency_ms(ctx, start_us);
        if (rc == OK || rc == ERR_NOT_FOUND)
                return health_add(ctx, health, component, "S3 store accessible");
        component.status = HEALTH_UNHEALTHY;
        return health_add(ctx, health, component, "S3 store error: %s", ctx->detail);
}
