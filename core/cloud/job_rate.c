#include "core/cloud/job_rate.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"

#define SLOTS     1024 /* jobs at once; two that fall into one slot take turns */
#define WINDOW_US (60 * US_PER_S)

/* A minute and the one before it: of that, the share counts that the window still covers. */
struct slot {
        char job_id[CTX_ID_SIZE];
        int64_t minute;
        uint64_t now, before;
};

struct job_rates {
        pthread_mutex_t mutex;
        struct slot slots[SLOTS];
};

struct job_rates *job_rates_new(void)
{
        struct job_rates *rates = calloc(1, sizeof(*rates));

        if (rates)
                pthread_mutex_init(&rates->mutex, NULL);
        return rates;
}

void job_rates_free(struct job_rates *rates)
{
        if (!rates)
                return;
        pthread_mutex_destroy(&rates->mutex);
        free(rates);
}

/* FNV-1a, 32 bits. */
static struct slot *slot_of(struct job_rates *rates, const char *job_id)
{
        uint32_t hash = 2166136261U;

        for (const char *c = job_id; *c; c++)
                hash = (hash ^ (unsigned char)*c) * 16777619U;
        return rates->slots + hash % SLOTS;
}

static void turn_to(struct slot *slot, const char *job_id, int64_t minute)
{
        if (strcmp(slot->job_id, job_id) != 0) {
                *slot = (struct slot){ .minute = minute };
                memccpy(slot->job_id, job_id, '\0', sizeof(slot->job_id) - 1);
        }
        if (slot->minute == minute)
                return;
        slot->before = slot->minute == minute - 1 ? slot->now : 0;
        slot->now = 0;
        slot->minute = minute;
}

enum err job_rate_check(struct ctx *ctx)
{
        const uint64_t limit = ctx->config->job_requests_per_minute;
        int64_t now_us = clock_mono_us(ctx->clock), into_us = now_us % WINDOW_US;
        struct job_rates *rates = ctx->cloud->job_rates;
        struct slot *slot;
        uint64_t used;

        if (ctx->actor.kind != ACTOR_JOB || limit == 0)
                return OK;
        pthread_mutex_lock(&rates->mutex);
        slot = slot_of(rates, ctx->actor.job_id);
        turn_to(slot, ctx->actor.job_id, now_us / WINDOW_US);
        used = slot->now + slot->before * (uint64_t)(WINDOW_US - into_us) / (uint64_t)WINDOW_US;
        slot->now += used < limit;
        pthread_mutex_unlock(&rates->mutex);
        if (used < limit)
                return OK;
        ctx->retry_after_s = 1;
        return ctx_fail_as(ctx, ERR_LIMITED, "SlowDown",
                           "Please reduce your request rate: a job may make %" PRIu64
                           " storage requests per minute",
                           limit);
}
