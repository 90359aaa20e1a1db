#include "fcgi/access_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/log.h"
#include "fcgi/routes.h"

/* What somebody showed who is known; NULL: nothing. */
static const char *via_of(const struct ctx *ctx)
{
        static const char *const names[] = {
                [VIA_NOTHING] = NULL,
                [VIA_SESSION] = "session",
                [VIA_FRONT_SERVER] = "front_server",
                [VIA_API_KEY] = "api_key",
                [VIA_S3_CREDENTIAL] = "s3_credential",
        };

        return ctx->actor.kind == ACTOR_JOB ? "upload_token" : names[ctx->actor.via];
}

/* Probes, which come every second, are of interest only when debugging. */
static enum log_level level_of(const struct request *request, const struct reply *reply)
{
        const struct route *route = request->route;

        return route && route->rate == RATE_EXEMPT && reply->status < 400 ? LOG_DEBUG : LOG_INFO;
}

void access_log(struct ctx *ctx, const struct request *request, const struct reply *reply,
                int64_t bytes, int64_t start_us)
{
        const enum log_level level = level_of(request, reply);
        char status[16], sent[24], took[32];
        int64_t took_us;

        if (!log_enabled(level))
                return;
        took_us = clock_mono_us(ctx->clock) - start_us;
        snprintf(status, sizeof(status), "%d", reply->status);
        snprintf(sent, sizeof(sent), "%" PRId64, bytes);
        snprintf(took, sizeof(took), "%" PRId64 ".%" PRId64, took_us / 1000, took_us / 100 % 10);
        log_event(ctx, level, "simpletuner.cloud.http", "Request", "method",
                  method_name(request->method), "route",
                  request->route ? request->route->path : "unmatched", "#status", status, "#bytes",
                  sent, "#ms", took, "client", ctx->client, "user", ctx_actor_name(ctx), "via",
                  via_of(ctx));
}
