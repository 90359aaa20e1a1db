/* How often somebody may do something: sliding windows of the times of calls, counted in the state
 * backend (STATE_BACKEND) by all processes, and with a network backend all hosts, together.
 * Operations guide, "Rate limiting". When the backend is away everything is admitted: one line in
 * the log says so, health is degraded, and it is asked again every second. */
#ifndef CORE_CLOUD_LIMITS_LIMITER_H
#define CORE_CLOUD_LIMITS_LIMITER_H

#include "core/base/ctx.h"

struct limiter; /* the process's, in cloud->limiter */

/* At most calls within any period_s seconds for each who. */
struct limit {
        const char *rule; /* a word: of keys, audit and metrics */
        unsigned calls;   /* 0: no limit */
        unsigned period_s;
};

/* Where who stands. */
struct limit_usage {
        unsigned count, limit; /* limit 0: there is none, or the backend is away */
        int64_t reset_in_us;   /* until the oldest call leaves the window */
};

/* Open the backend that ctx->config names. ERR_INVALID: a setting is wrong, or this build does not
 * have that backend. */
NODISCARD enum err limiter_new(struct ctx *ctx, struct limiter **ret);
void limiter_free(struct limiter *limiter);
DEFINE_CLEANUP(struct limiter *, limiter_free)

/* Count a call of who, unless it has used the limit up: ERR_LIMITED, and ctx->retry_after_s says
 * when there is room again; calls that are refused do not count. ret_usage may be NULL. */
NODISCARD enum err limiter_check(struct ctx *ctx, const struct limit *limit, const char *who,
                                 struct limit_usage *ret_usage);
/* The same for those who answer in their own way: *ret_allowed instead of a result. */
void limiter_track(struct ctx *ctx, const struct limit *limit, const char *who, bool *ret_allowed);
/* Where who stands; counts nothing. */
void limiter_get_usage(struct ctx *ctx, const struct limit *limit, const char *who,
                       struct limit_usage *ret);
/* Let who begin anew, as after a login that went well. */
void limiter_forget(struct ctx *ctx, const struct limit *limit, const char *who);

/* Who has how many calls in a window, most first; of all rules when rule is NULL. */
struct limit_standing {
        const char *rule, *who; /* in the arena */
        unsigned count;
};
struct limit_standings {
        struct limit_standing *rows;
        size_t count;    /* at most max */
        int64_t tracked; /* how many there are in all */
};
NODISCARD enum err limiter_list(struct ctx *ctx, const char *rule, size_t max,
                                struct limit_standings *ret); /* faults */

/* For health: ask the backend now. ERR_UNAVAILABLE: it is away, detail says why. */
NODISCARD enum err limiter_ping(struct ctx *ctx);
const char *limiter_backend_name(const struct ctx *ctx);
/* Is it away, so that everything is admitted? As of the last time somebody asked it. */
bool limiter_is_away(const struct ctx *ctx);
/* Drop what no window needs any more from backends that do not by themselves. Faults. */
NODISCARD enum err limiter_sweep(struct ctx *ctx);

#endif
