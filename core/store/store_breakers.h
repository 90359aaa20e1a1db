/* Circuit breakers as rows: one per provider, shared by all processes and hosts. What the numbers
 * mean and when they change is core/cloud/provider/breaker's business. */
#ifndef CORE_STORE_STORE_BREAKERS_H
#define CORE_STORE_STORE_BREAKERS_H

#include "core/base/ctx.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_STATE_COUNT };

/* "closed", "open", "half_open". */
const char *breaker_state_name(enum breaker_state state);

struct breaker {
        const char *provider;
        enum breaker_state state;
        int64_t failures;        /* closed: so many in a row */
        int64_t successes;       /* half open: probes that went well */
        int64_t probes;          /* half open: probes under way */
        int64_t probe_until_us;  /* when those that never report are given up */
        int64_t opened_at_us;    /* 0: it never was */
        int64_t total_failures;  /* since the row was made */
        const char *last_error;  /* NULL: none yet */
        int64_t last_failure_us; /* 0: none yet */
};

/* A breaker that has no row is closed and has counted nothing. Texts are in the arena. Faults. */
NODISCARD enum err store_breaker_get(struct ctx *ctx, const char *provider, struct breaker *ret);

/* Inside a transaction: hold the provider's breaker until it ends. */
NODISCARD enum err store_breaker_lock(struct ctx *ctx, const char *provider);

/* Write the whole row. Inside a transaction, after store_breaker_lock. Faults. */
NODISCARD enum err store_breaker_put(struct ctx *ctx, const struct breaker *breaker);

#endif
