#include "core/cloud/limits/limit_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct limit_pool {
        pthread_mutex_t lock;
        pthread_cond_t given_back;
        void (*close)(void *connection);
        size_t max, in_use, idle_count;
        void *idle[]; /* room for max */
};

struct limit_pool *limit_pool_new(size_t max, void (*close)(void *connection))
{
        struct limit_pool *pool = calloc(1, sizeof(*pool) + max * sizeof(pool->idle[0]));
        pthread_condattr_t attributes;

        if (!pool)
                return NULL;
        pool->max = max;
        pool->close = close;
        pthread_mutex_init(&pool->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&pool->given_back, &attributes);
        pthread_condattr_destroy(&attributes);
        return pool;
}

void limit_pool_free(struct limit_pool *pool)
{
        if (!pool)
                return;
        while (pool->idle_count > 0)
                pool->close(pool->idle[--pool->idle_count]);
        pthread_cond_destroy(&pool->given_back);
        pthread_mutex_destroy(&pool->lock);
        free(pool);
}

enum err limit_pool_get(struct ctx *ctx, struct limit_pool *pool, int64_t deadline_us, void **ret)
{
        const struct timespec deadline = { .tv_sec = deadline_us / US_PER_S,
                                           .tv_nsec = deadline_us % US_PER_S * 1000 };
        bool is_free;

        pthread_mutex_lock(&pool->lock);
        while (pool->in_use == pool->max) {
                if (pthread_cond_timedwait(&pool->given_back, &pool->lock, &deadline) != 0)
                        break;
        }
        is_free = pool->in_use < pool->max;
        if (is_free) {
                pool->in_use++;
                *ret = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
        }
        pthread_mutex_unlock(&pool->lock);
        return is_free ? OK
                       : ctx_fail(ctx, ERR_UNAVAILABLE,
                                  "all connections to the state backend are in use");
}

void limit_pool_put(struct limit_pool *pool, void *connection)
{
        pthread_mutex_lock(&pool->lock);
        pool->in_use--;
        if (connection)
                pool->idle[pool->idle_count++] = connection;
        pthread_cond_signal(&pool->given_back);
        pthread_mutex_unlock(&pool->lock);
}
