#include "fcgi/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "fcgi/gate.h"

#define STACK_SIZE (512 * KiB)

struct pool {
        struct ctx model; /* what every thread's ctx starts as */
        int listen_fd, wake_fd;
        unsigned thread_count;
        pthread_t threads[];
};

/* One thread: its own arena, database connection, outbound client and transport. */
static void *serve(void *arg)
{
        struct pool *pool = arg;
        CLEANUP(transport_freep) struct transport *transport = NULL;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = pool->model;
        struct reply reply = { 0 };

        ctx.arena = arena;
        transport = transport_new(pool->listen_fd, pool->wake_fd);
        if (!arena || !transport || cloud_attach(&ctx, pool->model.cloud) != OK) {
                log_event(NULL, LOG_ERROR, "simpletuner.cloud", "A thread could not start");
                return NULL;
        }
        while (transport_accept(transport)) {
                gate_handle(&ctx, transport, &reply);
                transport_finish(transport);
                arena_reset(arena);
        }
        cloud_detach(&ctx);
        buf_done(&reply.body);
        return NULL;
}

struct pool *pool_start(const struct ctx *model, int listen_fd, int wake_fd, unsigned thread_count)
{
        struct pool *pool = calloc(1, sizeof(*pool) + thread_count * sizeof(pool->threads[0]));
        pthread_attr_t attributes;

        if (!pool)
                return NULL;
        pool->model = *model;
        pool->listen_fd = listen_fd;
        pool->wake_fd = wake_fd;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        for (unsigned i = 0; i < thread_count; i++) {
                if (pthread_create(&pool->threads[i], &attributes, serve, pool) == 0)
                        pool->thread_count++;
                else
                        break;
        }
        pthread_attr_destroy(&attributes);
        if (pool->thread_count == thread_count)
                return pool;
        return NULL; /* the process ends; the threads that did start end with it */
}

bool pool_join(struct pool *pool, unsigned timeout_s)
{
        struct timespec deadline;

        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += timeout_s;
        for (unsigned i = 0; i < pool->thread_count; i++) {
                if (pthread_timedjoin_np(pool->threads[i], NULL, &deadline) != 0)
                        return false;
        }
        return true;
}

void pool_free(struct pool *pool)
{
        free(pool);
}
