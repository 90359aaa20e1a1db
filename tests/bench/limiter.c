/* How many calls a second the limiter checks, on windows in shared memory.
 *
 *     limiter HOME SECONDS    prints "one=N threads=N processes=N": calls per second of one thread,
 *                             of two threads, and of two processes together; each call is of one of
 *                             CLIENTS addresses
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/limit_backend.h"
#include "core/cloud/limits/limiter.h"

#define CLIENTS        1000
#define CALLS          500 /* of the limit, which some of them reach */
#define CALLS_PER_LOOK 256 /* at the clock */
#define WORKERS        2

static struct config config;
static double seconds;
static uint64_t *counts; /* of each worker; children share it */
static char clients[CLIENTS][16];

static void fatal(const char *what)
{
        fprintf(stderr, "limiter: %s\n", what);
        exit(EX_SOFTWARE);
}

/* Check until the time is up, on a limiter of this process. */
static uint64_t work(struct cloud *cloud, unsigned worker)
{
        const struct limit limit = { "default", CALLS, 1 };
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .arena = arena, .clock = &clock_system, .cloud = cloud };
        int64_t start_us = clock_mono_us(ctx.clock), taken_us = 0;
        uint64_t calls = 0;

        ctx.config = &config;
        while ((double)taken_us < seconds * 1e6) {
                for (unsigned i = 0; i < CALLS_PER_LOOK; i++, calls++) {
                        struct limit_usage usage;
                        const unsigned client = (unsigned)(calls * 7 + worker * 13) % CLIENTS;

                        (void)!limiter_check(&ctx, &limit, clients[client], &usage);
                }
                taken_us = clock_mono_us(ctx.clock) - start_us;
        }
        return calls * 1000000 / (uint64_t)taken_us;
}

static void open_limiter(struct cloud *cloud)
{
        struct ctx ctx = { .clock = &clock_system, .config = &config, .cloud = cloud };

        if (limiter_new_on(&ctx, &limit_shm, &cloud->limiter) != OK || limiter_ping(&ctx) != OK)
                fatal("no limiter");
}

struct thread {
        pthread_t id;
        struct cloud *cloud;
        unsigned worker;
};

static void *run_thread(void *arg)
{
        const struct thread *thread = arg;

        counts[thread->worker] = work(thread->cloud, thread->worker);
        return NULL;
}

static uint64_t with_threads(void)
{
        struct cloud cloud = { .started_us = 0 };
        struct thread threads[WORKERS];
        uint64_t sum = 0;

        open_limiter(&cloud);
        for (unsigned i = 0; i < WORKERS; i++) {
                threads[i] = (struct thread){ .cloud = &cloud, .worker = i };
                if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]) != 0)
                        fatal("no thread");
        }
        for (unsigned i = 0; i < WORKERS; i++) {
                pthread_join(threads[i].id, NULL);
                sum += counts[i];
        }
        limiter_free(cloud.limiter);
        return sum;
}

static uint64_t with_processes(void)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < WORKERS; i++) {
                if (fork() == 0) {
                        struct cloud cloud = { .started_us = 0 };

                        open_limiter(&cloud);
                        counts[i] = work(&cloud, i);
                        limiter_free(cloud.limiter);
                        _exit(0);
                }
        }
        while (wait(NULL) > 0)
                continue;
        for (unsigned i = 0; i < WORKERS; i++)
                sum += counts[i];
        return sum;
}

static uint64_t with_one(void)
{
        struct cloud cloud = { .started_us = 0 };
        uint64_t rate;

        open_limiter(&cloud);
        rate = work(&cloud, 0);
        limiter_free(cloud.limiter);
        return rate;
}

int main(int argc, char **argv)
{
        uint64_t one, threads, processes;

        if (argc != 3) {
                fputs("usage: limiter HOME SECONDS\n", stderr);
                return EX_USAGE;
        }
        config.home = argv[1];
        seconds = strtod(argv[2], NULL);
        for (unsigned i = 0; i < CLIENTS; i++)
                snprintf(clients[i], sizeof(clients[i]), "203.0.%u.%u", i / 250 % 4, i % 250);
        counts = mmap(NULL, WORKERS * sizeof(*counts), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (counts == MAP_FAILED)
                fatal("no memory");
        one = with_one();
        threads = with_threads();
        processes = with_processes();
        printf("one=%llu threads=%llu processes=%llu\n", (unsigned long long)one,
               (unsigned long long)threads, (unsigned long long)processes);
        return EX_OK;
}
