/* What the main thread does while the others serve: it takes signals, and tells the service manager
 * how things go. */
#ifndef FCGI_WATCH_H
#define FCGI_WATCH_H

#include <signal.h>

#include "core/base/ctx.h"
#include "fcgi/pool.h"

struct watched {
        struct pool *api, *bulk; /* bulk may be NULL */
        const sigset_t *signals; /* blocked in all threads; SIGHUP reloads, any other is the end */
        const char *trouble;     /* why the service is not ready; NULL: it is */
};

/* Say that the service is ready and return when it is to end. Meanwhile the service manager hears
 * at half of its watchdog's time that all is well, unless a pool stands still or background work
 * hangs: then it hears which, and will end us. */
void watch_until_end(struct ctx *ctx, const struct watched *watched);

/* What does not go round any more, as a sentence; false: all does. Pools that are NULL do. */
#define WATCH_TEXT_SIZE 512
bool watch_find_hanging(const struct ctx *ctx, const struct watched *watched,
                        char ret_text[WATCH_TEXT_SIZE]);

#endif
