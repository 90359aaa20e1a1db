/* What counts limits: one of several stores behind one interface. Each keeps, for a key, the times
 * of the calls it admitted, and forgets those older than the window. How it is used, and what
 * happens when it is away, is limiter.c's business. */
#ifndef CORE_CLOUD_LIMITS_LIMIT_BACKEND_H
#define CORE_CLOUD_LIMITS_LIMIT_BACKEND_H

#include "core/base/ctx.h"

#define LIMIT_KEY_SIZE 128 /* bytes of a key with its NUL; longer ones are not accepted */

/* At most calls within any window_s seconds. */
struct limit_window {
        const char *key;   /* printable, "login|203.0.113.7" */
        unsigned calls;    /* 1 to RATE_CALLS_MAX */
        unsigned window_s; /* 1 to RATE_PERIOD_MAX */
};

struct limit_count {
        bool admitted;       /* take: this call counts; look: the next one would */
        unsigned count;      /* calls in the window, this one included when it was admitted */
        int64_t reset_in_us; /* until the oldest of them leaves the window; 0: there is none */
};

/* Called for a key that has calls in its window. False: enough. */
typedef bool limit_each_fn(void *arg, const char *key, unsigned count);

/* All are thread safe. ERR_UNAVAILABLE: the store does not answer (within STATE_BACKEND_TIMEOUT);
 * other faults likewise. Time is the store's, or where it has none the host's. */
struct limit_backend {
        const char *name; /* of STATE_BACKEND */

        /* Reads ctx->config. Does not connect: the store may be away. ERR_INVALID: a setting is
         * wrong. */
        enum err (*open)(struct ctx *ctx, void **ret_store);
        void (*close)(void *store);

        /* Count a call, unless the window is full: then nothing changes. One step, over all
         * processes and hosts that share the store. */
        enum err (*take)(struct ctx *ctx, void *store, const struct limit_window *window,
                         struct limit_count *ret);
        enum err (*look)(struct ctx *ctx, void *store, const struct limit_window *window,
                         struct limit_count *ret); /* counts nothing */
        enum err (*forget)(struct ctx *ctx, void *store, const char *key);

        /* The keys that have calls, in no order; a count may be of a moment ago. */
        enum err (*each)(struct ctx *ctx, void *store, limit_each_fn *each, void *arg);
        enum err (*ping)(struct ctx *ctx, void *store);
        /* Drop what no window needs any more; the companion calls it. NULL: it does by itself. */
        enum err (*sweep)(struct ctx *ctx, void *store);
};

/* A limiter on this one, whatever STATE_BACKEND says. As limiter_new. */
struct limiter;
NODISCARD enum err limiter_new_on(struct ctx *ctx, const struct limit_backend *backend,
                                  struct limiter **ret);

extern const struct limit_backend limit_shm;                 /* memory */
extern const struct limit_backend limit_sqlite, limit_pgsql; /* limit_db.c */
extern const struct limit_backend limit_redis, limit_mysql;  /* when they are built in */

#endif
