/* Does a pool of threads stand still? It does when none of them waits for work and nothing that
 * they do has moved for a long time. */
#ifndef FCGI_STANDSTILL_H
#define FCGI_STANDSTILL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"

/* No request is so silent for so long: a provider has ten minutes at most to answer. */
#define STANDSTILL_US (15 * 60 * US_PER_S)

/* Zeros: nobody has looked yet. */
struct standstill {
        unsigned long long moves;
        int64_t moved_at_us;
};

/* Look once: how many threads wait, how many pieces of work were ever moved, and the monotonic
 * time. True: for STANDSTILL_US or longer there were looks, and none saw a waiting thread or a
 * move. */
bool standstill_look(struct standstill *standstill, unsigned waiting, unsigned long long moves,
                     int64_t now_us);

#endif
