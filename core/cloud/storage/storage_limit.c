#include "core/cloud/storage/storage_limit.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/rate_rules.h"
#include "core/cloud/provider/provider.h"
#include "core/store/store_jobs.h"

#define REMEMBERED_US (1 * US_PER_S)
#define PROVIDERS_MAX 8
#define MINUTE_S      60

/* What the providers' settings say. */
struct said {
        int64_t read_at_us; /* monotonic; 0: never */
        bool any;           /* a provider has a limit of its own */
        struct {
                unsigned calls, period_s; /* calls 0: none of its own */
        } providers[PROVIDERS_MAX];
};

struct storage_limits {
        pthread_mutex_t mutex;
        struct said said;
};

struct storage_limits *storage_limits_new(void)
{
        struct storage_limits *limits = calloc(1, sizeof(*limits));

        if (limits)
                pthread_mutex_init(&limits->mutex, NULL);
        return limits;
}

void storage_limits_free(struct storage_limits *limits)
{
        if (!limits)
                return;
        pthread_mutex_destroy(&limits->mutex);
        free(limits);
}

void storage_limits_forget(struct storage_limits *limits)
{
        pthread_mutex_lock(&limits->mutex);
        limits->said.read_at_us = 0;
        pthread_mutex_unlock(&limits->mutex);
}

static enum err read_settings(struct ctx *ctx, struct said *ret)
{
        struct provider_settings settings;

        for (size_t i = 0; provider_at(i) && i < PROVIDERS_MAX; i++) {
                enum err rc = provider_settings_load(ctx, provider_at(i)->id, &settings);

                if (rc != OK)
                        return rc;
                ret->providers[i].calls = (unsigned)settings.s3_rate_limit_max;
                ret->providers[i].period_s = settings.s3_rate_limit_window > 0
                                                     ? (unsigned)settings.s3_rate_limit_window
                                                     : MINUTE_S;
                ret->any |= ret->providers[i].calls > 0;
        }
        return OK;
}

/* *ret: what the providers say, as of a moment ago. */
static enum err recall(struct ctx *ctx, struct said *ret)
{
        struct storage_limits *limits = ctx->cloud->storage_limits;
        const int64_t now_us = clock_mono_us(ctx->clock);
        struct said now = { .read_at_us = now_us };
        enum err rc;

        pthread_mutex_lock(&limits->mutex);
        *ret = limits->said;
        pthread_mutex_unlock(&limits->mutex);
        if (ret->read_at_us != 0 && now_us - ret->read_at_us < REMEMBERED_US)
                return OK;
        rc = read_settings(ctx, &now);
        if (rc != OK)
                return rc;
        pthread_mutex_lock(&limits->mutex);
        limits->said = now;
        pthread_mutex_unlock(&limits->mutex);
        *ret = now;
        return OK;
}

/* The job's provider's own limit, when it has one. */
static enum err use_provider(struct ctx *ctx, struct limit *limit)
{
        struct said said;
        struct job job;
        enum err rc = recall(ctx, &said);

        if (rc != OK || !said.any)
                return rc;
        rc = store_job_get(ctx, ctx->actor.job_id, &job);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? OK : rc;
        for (size_t i = 0; provider_at(i) && i < PROVIDERS_MAX; i++) {
                if (strcmp(provider_at(i)->id, job.provider) == 0 && said.providers[i].calls > 0) {
                        limit->calls = said.providers[i].calls;
                        limit->period_s = said.providers[i].period_s;
                }
        }
        return OK;
}

enum err storage_limit_of(struct ctx *ctx, struct limit *ret, char ret_who[STORAGE_LIMIT_WHO_SIZE])
{
        const unsigned calls = (unsigned)ctx->config->job_requests_per_minute;

        *ret = (struct limit){ .period_s = MINUTE_S };
        ret_who[0] = '\0';
        if (ctx->actor.kind == ACTOR_JOB) {
                *ret = (struct limit){ RATE_RULE_JOB, calls, MINUTE_S };
                snprintf(ret_who, STORAGE_LIMIT_WHO_SIZE, "%s", ctx->actor.job_id);
                return use_provider(ctx, ret);
        }
        if (ctx->actor.kind == ACTOR_USER) {
                *ret = (struct limit){ RATE_RULE_USER, calls, MINUTE_S };
                snprintf(ret_who, STORAGE_LIMIT_WHO_SIZE, "user:%" PRId64, ctx->actor.user_id);
        }
        return OK;
}
