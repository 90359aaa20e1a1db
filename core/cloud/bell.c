#include "core/cloud/bell.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/clock.h"

struct bells {
        pthread_mutex_t lock;
        struct {
                pthread_cond_t rung;
                unsigned count;
        } each[BELL_COUNT];
};

struct bells *bells_new(void)
{
        struct bells *bells = calloc(1, sizeof(*bells));
        pthread_condattr_t monotonic;

        if (!bells)
                return NULL;
        pthread_mutex_init(&bells->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        for (unsigned i = 0; i < BELL_COUNT; i++)
                pthread_cond_init(&bells->each[i].rung, &monotonic);
        pthread_condattr_destroy(&monotonic);
        return bells;
}

void bells_free(struct bells *bells)
{
        if (!bells)
                return;
        for (unsigned i = 0; i < BELL_COUNT; i++)
                pthread_cond_destroy(&bells->each[i].rung);
        pthread_mutex_destroy(&bells->lock);
        free(bells);
}

void bell_ring(struct bells *bells, enum bell bell)
{
        pthread_mutex_lock(&bells->lock);
        bells->each[bell].count++;
        pthread_cond_broadcast(&bells->each[bell].rung);
        pthread_mutex_unlock(&bells->lock);
}

void bells_ring_all(struct bells *bells)
{
        for (unsigned i = 0; i < BELL_COUNT; i++)
                bell_ring(bells, (enum bell)i);
}

void bell_wait(struct bells *bells, enum bell bell, unsigned *seen, unsigned timeout_ms)
{
        const struct timespec until = clock_deadline(CLOCK_MONOTONIC, timeout_ms);
        int failed = 0;

        pthread_mutex_lock(&bells->lock);
        while (bells->each[bell].count == *seen && failed == 0)
                failed = pthread_cond_timedwait(&bells->each[bell].rung, &bells->lock, &until);
        *seen = bells->each[bell].count;
        pthread_mutex_unlock(&bells->lock);
}
