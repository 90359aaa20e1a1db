/* Calls that a backend of limits counts per second, in windows of one second of 64 keys:
 *   one      one thread
 *   eight    eight threads that share the pool of connections
 *   refused  one thread, of a limit that is used up
 *
 *     limit_backends BACKEND URL SECONDS    prints "one=N eight=N refused=N" */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/http/http_client.h"
#include "core/cloud/limits/limit_backend.h"

#define KEYS        64
#define THREADS_MAX 8

static const struct limit_backend *const backends[] = {
        &limit_sqlite,
        &limit_pgsql,
#ifdef WITH_REDIS
        &limit_redis,
#endif
#ifdef WITH_MYSQL
        &limit_mysql,
#endif
};

struct run {
        const struct limit_backend *backend;
        const struct config *config;
        void *store;
        bool refused;
        atomic_bool stopped;
        atomic_llong calls;
};

static void fatal(const char *what, const char *why)
{
        fprintf(stderr, "limit_backends: %s: %s\n", what, why);
        _exit(EX_SOFTWARE);
}

static void *take_calls(void *arg)
{
        struct run *run = arg;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .arena = arena, .config = run->config, .clock = &clock_system };
        unsigned turn = 0;
        char key[32];

        while (!atomic_load(&run->stopped)) {
                struct limit_window window = { key, 10000, 1 };
                struct limit_count count;

                snprintf(key, sizeof(key), "key|%u", turn++ % KEYS);
                if (run->refused)
                        window = (struct limit_window){ "refused", 5, 3600 };
                if (run->backend->take(&ctx, run->store, &window, &count) != OK)
                        fatal("take", ctx.detail);
                arena_reset(arena);
                atomic_fetch_add(&run->calls, 1);
        }
        return NULL;
}

static double calls_per_s(struct run *run, unsigned threads, double seconds)
{
        pthread_t ids[THREADS_MAX];
        int64_t start_us = clock_mono_us(&clock_system);

        atomic_store(&run->stopped, false);
        atomic_store(&run->calls, 0);
        for (unsigned i = 0; i < threads; i++) {
                if (pthread_create(&ids[i], NULL, take_calls, run) != 0)
                        fatal("pthread_create", "no thread");
        }
        clock_sleep_us(&clock_system, (int64_t)(seconds * (double)US_PER_S));
        atomic_store(&run->stopped, true);
        for (unsigned i = 0; i < threads; i++)
                pthread_join(ids[i], NULL);
        return (double)atomic_load(&run->calls) * (double)US_PER_S /
               (double)(clock_mono_us(&clock_system) - start_us);
}

int main(int argc, char **argv)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct config config = {
                .home = "/nonexistent",
                .database_url = "",
                .ssl_verify = false,
                .ca_bundle = "",
                .state_pool_size = 10,
                .state_timeout_s = 30,
                .state_key_prefix = "bench:",
        };
        struct ctx ctx = { .arena = arena, .config = &config, .clock = &clock_system };
        struct run run = { .config = &config };
        double seconds;

        if (argc != 4 || !http_client_start()) {
                fprintf(stderr, "usage: limit_backends BACKEND URL SECONDS\n");
                return EX_USAGE;
        }
        for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
                if (strcmp(backends[i]->name, argv[1]) == 0)
                        run.backend = backends[i];
        }
        config.state_url = argv[2];
        seconds = strtod(argv[3], NULL);
        if (!run.backend || run.backend->open(&ctx, &run.store) != OK)
                fatal(argv[1], run.backend ? ctx.detail : "no such backend");
        printf("one=%.0f ", calls_per_s(&run, 1, seconds));
        printf("eight=%.0f ", calls_per_s(&run, THREADS_MAX, seconds));
        run.refused = true;
        printf("refused=%.0f\n", calls_per_s(&run, 1, seconds));
        run.backend->close(run.store);
        http_client_stop();
        return EX_OK;
}
