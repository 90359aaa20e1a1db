#include "core/cloud/secrets/secret_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/http/http_client.h"
#include "core/db/db.h"

struct secret_cache {
        const struct secret_source *source;
        pthread_mutex_t lock; /* never held while the source is asked */
        pthread_cond_t asked;
        bool is_asking; /* a thread has what follows to itself */
        void *state;
        struct http_client *http;
        /* Under lock. Times are monotonic. */
        json_t *values; /* NULL: it has never answered */
        int64_t fetched_us, valid_us;
        int64_t failed_us;          /* the last try failed then; 0: it did not */
        bool is_flushed, may_retry; /* the second: without waiting after a failure */
        unsigned flushes;
        char error[CTX_DETAIL_SIZE];
        /* For people. */
        int64_t succeeded_wall_us, failed_wall_us, took_us;
};

enum err secret_cache_new(struct ctx *ctx, const struct secret_source *source,
                          struct secret_cache **ret)
{
        struct secret_cache *cache = calloc(1, sizeof(*cache));
        pthread_condattr_t attributes;

        if (!cache)
                return ctx_nomem(ctx);
        cache->source = source;
        cache->took_us = -1;
        pthread_mutex_init(&cache->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&cache->asked, &attributes);
        pthread_condattr_destroy(&attributes);
        cache->state = calloc(1, source->state_size);
        if (!cache->state) {
                secret_cache_free(cache);
                return ctx_nomem(ctx);
        }
        *ret = cache;
        return OK;
}

void secret_cache_free(struct secret_cache *cache)
{
        if (!cache)
                return;
        if (cache->state)
                cache->source->forget(cache->state);
        free(cache->state);
        if (cache->http)
                http_client_free(cache->http);
        json_decref(cache->values);
        pthread_cond_destroy(&cache->asked);
        pthread_mutex_destroy(&cache->lock);
        free(cache);
}

/* ---- asking ---- */

/* Called without the lock, by the thread that has set is_asking. */
static enum err ask(struct ctx *ctx, struct secret_cache *cache, json_t **ret, double *ret_s)
{
        struct ctx own = *ctx; /* the thread's own client may be in the middle of other calls */
        enum err rc;

        if (!cache->http)
                cache->http = http_client_new();
        if (!cache->http)
                return ctx_nomem(ctx);
        own.http = cache->http;
        *ret_s = (double)ctx->config->secrets.ttl_s;
        rc = cache->source->fetch(&own, cache->state, ret, ret_s);
        if (rc != OK)
                return ctx_fail(ctx, rc, "%s", own.detail);
        return OK;
}

static void tell_failure(struct ctx *ctx, const struct secret_cache *cache)
{
        log_event(ctx, LOG_WARNING, "simpletuner.cloud.secrets", "A source of secrets is away",
                  "source", cache->source->name, "reason", ctx->detail, "kept",
                  cache->values ? "yes" : "no");
}

/* Called under lock, which is let go meanwhile. */
static void fetch(struct ctx *ctx, struct secret_cache *cache)
{
        const unsigned flushes = cache->flushes;
        const int64_t start_us = clock_mono_us(ctx->clock);
        json_t *values = NULL;
        double valid_s = 0;
        enum err rc;

        cache->is_asking = true;
        cache->may_retry = false;
        pthread_mutex_unlock(&cache->lock);
        rc = ask(ctx, cache, &values, &valid_s);
        pthread_mutex_lock(&cache->lock);
        if (rc == OK) {
                json_decref(cache->values);
                cache->values = values;
                cache->fetched_us = clock_mono_us(ctx->clock);
                cache->valid_us = (int64_t)(valid_s * 1e6);
                cache->took_us = cache->fetched_us - start_us;
                cache->succeeded_wall_us = clock_wall_us(ctx->clock);
                cache->is_flushed = flushes != cache->flushes;
                if (cache->failed_us)
                        log_event(ctx, LOG_INFO, "simpletuner.cloud.secrets",
                                  "A source of secrets is back", "source", cache->source->name);
                cache->failed_us = 0;
        } else {
                if (!cache->failed_us)
                        tell_failure(ctx, cache);
                memcpy(cache->error, ctx->detail, sizeof(cache->error));
                cache->failed_us = clock_mono_us(ctx->clock);
                cache->failed_wall_us = clock_wall_us(ctx->clock);
        }
        cache->is_asking = false;
        pthread_cond_broadcast(&cache->asked);
}

/* ---- answering ---- */

static int64_t age_us(const struct ctx *ctx, const struct secret_cache *cache)
{
        return clock_mono_us(ctx->clock) - cache->fetched_us;
}

/* May what there is answer for name without asking again? A name that is missing is asked for again
 * soon, for somebody may have been told to add it. */
static bool is_fresh(const struct ctx *ctx, const struct secret_cache *cache, const char *name)
{
        int64_t valid_us = cache->valid_us;

        if (!cache->values || cache->is_flushed)
                return false;
        if (name && !json_object_get(cache->values, name) && valid_us > SECRET_MISSING_S * US_PER_S)
                valid_us = SECRET_MISSING_S * US_PER_S;
        return age_us(ctx, cache) < valid_us;
}

static bool is_usable(const struct ctx *ctx, const struct secret_cache *cache)
{
        return cache->values &&
               age_us(ctx, cache) < (int64_t)ctx->config->secrets.max_stale_s * US_PER_S;
}

static bool is_backing_off(const struct ctx *ctx, const struct secret_cache *cache)
{
        return cache->failed_us && !cache->may_retry &&
               clock_mono_us(ctx->clock) - cache->failed_us < SECRET_RETRY_S * US_PER_S;
}

static enum err refuse(struct ctx *ctx, const struct secret_cache *cache, const char *why)
{
        return ctx_fail(ctx, ERR_UNAVAILABLE, "secrets of %s are not known: %s",
                        cache->source->name, why);
}

/* OK: cache->values may be used for name, or for all names when it is NULL. Called under lock. */
static enum err settle(struct ctx *ctx, struct secret_cache *cache, const char *name)
{
        const struct timespec until = clock_deadline(CLOCK_MONOTONIC, SECRET_WAIT_MS);

        while (!is_fresh(ctx, cache, name)) {
                if (db_in_transaction(ctx))
                        return is_usable(ctx, cache)
                                       ? OK
                                       : refuse(ctx, cache, "they were not asked for in time");
                if (is_backing_off(ctx, cache))
                        return is_usable(ctx, cache) ? OK : refuse(ctx, cache, cache->error);
                if (!cache->is_asking) {
                        fetch(ctx, cache);
                        if (cache->failed_us)
                                return is_usable(ctx, cache) ? OK
                                                             : refuse(ctx, cache, cache->error);
                        continue;
                }
                if (is_usable(ctx, cache))
                        return OK;
                if (cache->failed_us)
                        return refuse(ctx, cache, cache->error);
                if (pthread_cond_timedwait(&cache->asked, &cache->lock, &until) != 0)
                        return refuse(ctx, cache, "it does not answer in time");
        }
        return OK;
}

enum err secret_cache_get(struct ctx *ctx, struct secret_cache *cache, const char *name,
                          const char **ret)
{
        enum err rc;

        pthread_mutex_lock(&cache->lock);
        rc = settle(ctx, cache, name);
        if (rc == OK)
                rc = secret_value(ctx, cache->values, name, ret);
        pthread_mutex_unlock(&cache->lock);
        return rc;
}

enum err secret_cache_names(struct ctx *ctx, struct secret_cache *cache, json_t *ret)
{
        enum err rc;

        pthread_mutex_lock(&cache->lock);
        rc = settle(ctx, cache, NULL);
        if (rc == OK && json_object_update(ret, cache->values) != 0)
                rc = ctx_nomem(ctx);
        pthread_mutex_unlock(&cache->lock);
        return rc;
}

void secret_cache_flush(struct secret_cache *cache)
{
        pthread_mutex_lock(&cache->lock);
        cache->is_flushed = cache->may_retry = true;
        cache->flushes++;
        pthread_mutex_unlock(&cache->lock);
}

void secret_cache_keep(struct ctx *ctx, struct secret_cache *cache)
{
        pthread_mutex_lock(&cache->lock);
        if (!cache->is_asking && !is_backing_off(ctx, cache) &&
            (cache->values || cache->failed_us) &&
            (!cache->values || cache->is_flushed || age_us(ctx, cache) > cache->valid_us / 4 * 3))
                fetch(ctx, cache);
        pthread_mutex_unlock(&cache->lock);
}

enum err secret_cache_status(struct ctx *ctx, struct secret_cache *cache, struct secret_status *ret)
{
        enum err rc = OK;

        pthread_mutex_lock(&cache->lock);
        ret->is_up = !cache->failed_us;
        ret->succeeded_us = cache->succeeded_wall_us;
        ret->failed_us = cache->failed_wall_us;
        ret->took_us = cache->took_us;
        if (cache->failed_us)
                rc = ctx_strdup(ctx, cache->error, &ret->error);
        pthread_mutex_unlock(&cache->lock);
        return rc;
}
