/* Threads that answer requests from one listening socket. */
#ifndef FCGI_POOL_H
#define FCGI_POOL_H

#include "core/base/ctx.h"

struct pool;

/* Start thread_count threads on listen_fd. config, cloud and the descriptors are borrowed and
 * outlive the pool. NULL: out of memory or threads. */
NODISCARD struct pool *pool_start(const struct ctx *model, int listen_fd, int wake_fd,
                                  unsigned thread_count);

/* Wait, once cloud->draining is set and wake_fd is readable, until every request is answered, at
 * most timeout_s seconds. False: some threads go on, and the pool must not be freed. */
bool pool_join(struct pool *pool, unsigned timeout_s);
bool pool_is_idle(const struct pool *pool); /* no request is under way */
void pool_free(struct pool *pool);

#endif
