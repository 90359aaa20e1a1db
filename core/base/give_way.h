/* Work that nobody waits for gives way: between pieces of it a thread rests four times as long as
 * it was kept from a processor, so where processors are short most of their time goes to others,
 * and where they are not it hardly rests. A piece is some milliseconds of work. Linux: the run
 * delay in /proc/thread-self/schedstat (Documentation/scheduler/sched-stats.rst); where there is
 * none, nobody rests. */
#ifndef CORE_BASE_GIVE_WAY_H
#define CORE_BASE_GIVE_WAY_H

#include <stdint.h>

struct give_way {
        int fd;              /* -1: nothing is known */
        uint64_t delayed_ns; /* of this thread, all its life */
};

/* Begin, in the thread that works; the scope that has it ends it. */
struct give_way give_way_begin(void);
void give_way_end(struct give_way *self);
/* After a piece of work. Sleeps at most 200 ms. */
void give_way_rest(struct give_way *self);

#endif
