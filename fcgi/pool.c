#include "fcgi/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event/event_seats.h"
#include "fcgi/gate.h"
#include "fcgi/listener.h"
#include "fcgi/standstill.h"

#define STACK_SIZE   (512 * KiB)
#define JOIN_STEP_MS 5

struct pool {
        struct ctx model; /* what every thread's ctx starts as */
        int listen_fd, wake_fd;
        struct event_seats *seats;
        atomic_uint busy;    /* requests under way */
        atomic_uint waiting; /* threads that wait for one */
        atomic_ullong moves; /* pieces of requests and answers, ever */
        struct standstill standstill;
        /* The last thread goes on while the others finish what they have begun, so that whoever
         * asks meanwhile gets an answer, and those who look for readiness the right one. */
        bool has_keeper;
        atomic_bool keeper_stops;
        int keeper_wake_fd;
        unsigned thread_count;
        struct worker {
                struct pool *pool;
                pthread_t thread;
                bool is_keeper;
        } workers[];
};

/* Wait for the next request. False: there will be none. */
static bool next_request(struct pool *pool, struct transport *transport)
{
        bool came;

        atomic_fetch_add(&pool->waiting, 1);
        came = transport_accept(transport);
        if (came)
                atomic_fetch_add(&pool->busy, 1);
        atomic_fetch_sub(&pool->waiting, 1);
        atomic_fetch_add(&pool->moves, 1);
        return came;
}

/* One thread: its own arena, database connection, outbound client and transport. */
static void *serve(void *arg)
{
        const struct worker *worker = arg;
        struct pool *pool = worker->pool;
        CLEANUP(transport_freep) struct transport *transport = NULL;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = pool->model;
        struct reply reply = { 0 };

        ctx.arena = arena;
        transport = worker->is_keeper ? transport_new(pool->listen_fd, pool->keeper_wake_fd,
                                                      &pool->keeper_stops)
                                      : transport_new(pool->listen_fd, pool->wake_fd,
                                                      &pool->model.cloud->draining);
        if (!arena || !transport || cloud_attach(&ctx, pool->model.cloud) != OK) {
                log_event(NULL, LOG_ERROR, "simpletuner.cloud", "A thread could not start");
                return NULL;
        }
        transport_count_moves(transport, &pool->moves);
        while (next_request(pool, transport)) {
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

/* Start as many threads as there can be of thread_count; the last one is the keeper. */
static void start_threads(struct pool *pool, unsigned thread_count)
{
        pthread_attr_t attributes;

        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        for (unsigned i = 0; i < thread_count; i++) {
                struct worker *worker = &pool->workers[i];

                worker->pool = pool;
                worker->is_keeper = pool->has_keeper && i == thread_count - 1;
                if (pthread_create(&worker->thread, &attributes, serve, worker) != 0)
                        break;
                pool->thread_count++;
        }
        pthread_attr_destroy(&attributes);
}

struct pool *pool_start(const struct ctx *model, const struct pool_place *place,
                        unsigned thread_count)
{
        struct pool *pool = calloc(1, sizeof(*pool) + thread_count * sizeof(pool->workers[0]));

        if (!pool)
                return NULL;
        pool->seats = make_seats(model->config, place->listen_fd, thread_count);
        pool->model = *model;
        pool->model.seats = pool->seats;
        pool->listen_fd = place->listen_fd;
        pool->wake_fd = place->wake_fd;
        pool->has_keeper = place->with_keeper && thread_count > 1;
        pool->keeper_wake_fd = eventfd(0, EFD_CLOEXEC);
        if (pool->seats && pool->keeper_wake_fd >= 0)
                start_threads(pool, thread_count);
        return pool->thread_count == thread_count ? pool : NULL; /* the process ends otherwise, and
                                                                    what did start with it */
}

/* Wait a moment for a thread to end. */
static bool joined(pthread_t thread)
{
        const struct timespec until = clock_deadline(CLOCK_REALTIME, JOIN_STEP_MS);

        return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static void stop_keeper(struct pool *pool)
{
        atomic_store(&pool->keeper_stops, true);
        eventfd_write(pool->keeper_wake_fd, 1);
        listener_poke(pool->listen_fd);
}

bool pool_join(struct pool *pool, unsigned timeout_s)
{
        int64_t end_us = clock_mono_us(&clock_system) + (int64_t)timeout_s * US_PER_S;

        for (unsigned i = 0; i < pool->thread_count; i++)
                listener_poke(pool->listen_fd);
        for (unsigned i = 0; i < pool->thread_count; i++) {
                if (pool->workers[i].is_keeper)
                        stop_keeper(pool);
                while (!joined(pool->workers[i].thread)) {
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
        return pool_busy(pool) == 0;
}

unsigned pool_busy(const struct pool *pool)
{
        return atomic_load(&pool->busy);
}

bool pool_stands_still(struct pool *pool, int64_t now_us)
{
        return standstill_look(&pool->standstill, atomic_load(&pool->waiting),
                               atomic_load(&pool->moves), now_us);
}

void pool_free(struct pool *pool)
{
        if (!pool)
                return;
        event_seats_free(pool->seats);
        close(pool->keeper_wake_fd);
        free(pool);
}
