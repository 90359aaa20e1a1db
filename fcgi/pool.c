#include "fcgi/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event_seats.h"
#include "fcgi/gate.h"
#include "fcgi/listener.h"

#define STACK_SIZE   (512 * KiB)
#define JOIN_STEP_MS 5

struct pool {
        struct ctx model; /* what every thread's ctx starts as */
        int listen_fd, wake_fd;
        struct event_seats *seats;
        atomic_uint busy; /* requests under way */
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
        transport = transport_new(pool->listen_fd, pool->wake_fd, &pool->model.cloud->draining);
        if (!arena || !transport || cloud_attach(&ctx, pool->model.cloud) != OK) {
                log_event(NULL, LOG_ERROR, "simpletuner.cloud", "A thread could not start");
                return NULL;
        }
        while (transport_accept(transport)) {
                atomic_fetch_add(&pool->busy, 1);
                gate_handle(&ctx, transport, &reply);
                transport_finish(transport);
                atomic_fetch_sub(&pool->busy, 1);
                arena_reset(arena);
        }
        cloud_detach(&ctx);
        reply_done(&reply);
        return NULL;
}

/* Event streams take no more than half of the threads. Who is handed a socket with one thread for
 * it, as by mod_fcgid, may give that one: there, a process that is busy means one more process. */
static struct event_seats *make_seats(const struct config *config, int listen_fd, unsigned threads)
{
        bool alone = threads == 1 && listen_fd == STDIN_FILENO;
        uint64_t max = alone ? 1 : threads / 2;

        if (max > config->event_streams)
                max = config->event_streams;
        return event_seats_new((unsigned)max, (unsigned)config->event_streams_per_client);
}

struct pool *pool_start(const struct ctx *model, int listen_fd, int wake_fd, unsigned thread_count)
{
        struct pool *pool = calloc(1, sizeof(*pool) + thread_count * sizeof(pool->threads[0]));
        pthread_attr_t attributes;

        if (!pool)
                return NULL;
        pool->seats = make_seats(model->config, listen_fd, thread_count);
        pool->model = *model;
        pool->model.seats = pool->seats;
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
        if (pool->thread_count == thread_count && pool->seats)
                return pool;
        return NULL; /* the process ends; the threads that did start end with it */
}

/* Wait a moment for a thread to end. */
static bool joined(pthread_t thread)
{
        const struct timespec until = clock_deadline(CLOCK_REALTIME, JOIN_STEP_MS);

        return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

bool pool_join(struct pool *pool, unsigned timeout_s)
{
        int64_t end_us = clock_mono_us(&clock_system) + (int64_t)timeout_s * US_PER_S;

        for (unsigned i = 0; i < pool->thread_count; i++)
                listener_poke(pool->listen_fd);
        for (unsigned i = 0; i < pool->thread_count; i++) {
                while (!joined(pool->threads[i])) {
                        /* Nobody can reach us any more, and nothing is under way: as good as over.
                         */
                        if (!listener_poke(pool->listen_fd) && atomic_load(&pool->busy) == 0)
                                return false;
                        if (clock_mono_us(&clock_system) > end_us)
                                return false;
                }
        }
        return true;
}

bool pool_is_idle(const struct pool *pool)
{
        return atomic_load(&pool->busy) == 0;
}

void pool_free(struct pool *pool)
{
        if (pool)
                event_seats_free(pool->seats);
        free(pool);
}
