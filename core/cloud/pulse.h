/* Signs of life of the threads of this process that answer no request: each says when it begins a
 * piece of work and when and how that ended. Written by the thread, read by health, without locks.
 * All times are monotonic. */
#ifndef CORE_CLOUD_PULSE_H
#define CORE_CLOUD_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PULSES_MAX 16

struct pulse {
        const char *name;
        unsigned limit_s;         /* a look that takes longer hangs; 0: it may take any time */
        atomic_llong moved_at_us; /* when the last look began or ended */
        atomic_bool at_work;
        atomic_uint failures; /* in a row */
};

struct pulses {
        atomic_uint count;
        struct pulse each[PULSES_MAX];
};

/* A pulse for a thread that is about to start; NULL: there are too many. Not thread safe. */
struct pulse *pulse_add(struct pulses *pulses, const char *name, unsigned limit_s, int64_t now_us);

void pulse_begin(struct pulse *pulse, int64_t now_us);
void pulse_end(struct pulse *pulse, int64_t now_us, bool failed);

/* Seconds since the thread last began or ended a look. */
int64_t pulse_age_s(const struct pulse *pulse, int64_t now_us);
/* Is it past its limit, at work or not? */
bool pulse_is_late(const struct pulse *pulse, int64_t now_us);

#endif
