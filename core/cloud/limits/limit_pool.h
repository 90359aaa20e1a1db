/* Connections to a state backend, shared by the threads of a process: at most so many at once, the
 * last used first. What a connection is, its users know. */
#ifndef CORE_CLOUD_LIMITS_LIMIT_POOL_H
#define CORE_CLOUD_LIMITS_LIMIT_POOL_H

#include <stddef.h>

#include "core/base/ctx.h"

struct limit_pool;

/* close: what is done with connections that are idle when the pool goes. NULL: out of memory. */
NODISCARD struct limit_pool *limit_pool_new(size_t max, void (*close)(void *connection));
void limit_pool_free(struct limit_pool *pool);
DEFINE_CLEANUP(struct limit_pool *, limit_pool_free)

/* A connection that was given back, or NULL: the right to make a new one. ERR_UNAVAILABLE: all were
 * in use until deadline_us of the monotonic clock. */
NODISCARD enum err limit_pool_get(struct ctx *ctx, struct limit_pool *pool, int64_t deadline_us,
                                  void **ret);
/* Give it back; NULL: it was closed, or never made. */
void limit_pool_put(struct limit_pool *pool, void *connection);

#endif
