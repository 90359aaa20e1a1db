/* Threads that answer requests from one listening socket. */
#ifndef FCGI_POOL_H
#define FCGI_POOL_H

#include "core/base/ctx.h"

struct pool;

struct pool_place {
        int listen_fd;
        int wake_fd;      /* readable: the end has come */
        bool with_keeper; /* one of several threads answers whoever comes until pool_join is done
                           * with all others: it says that the service is not ready */
};

/* Start thread_count threads. config, cloud and the descriptors are borrowed and outlive the pool.
 * NULL: out of memory or threads. */
NODISCARD struct pool *pool_start(const struct ctx *model, const struct pool_place *place,
                                  unsigned thread_count);

/* Wait, once cloud->draining is set and wake_fd is readable, until every request is answered, at
 * most timeout_s seconds. False: some threads go on, and the pool must not be freed. */
bool pool_join(struct pool *pool, unsigned timeout_s);
bool pool_is_idle(const struct pool *pool);  /* no request is under way */
unsigned pool_busy(const struct pool *pool); /* how many are */

/* standstill_look at its threads, with the monotonic time. To be asked by one thread. */
bool pool_stands_still(struct pool *pool, int64_t now_us);
void pool_free(struct pool *pool);

#endif
