/* What jobs came to and cost: sums over hours of creation, which cost the same however many jobs
 * there are, and over the jobs that are active now. */
#ifndef CORE_STORE_STORE_JOB_STATS_H
#define CORE_STORE_STORE_JOB_STATS_H

#include <stdint.h>

#include "core/store/store_jobs.h"

/* A job has come to cost so much more, in USD micros. Inside a transaction. */
NODISCARD enum err store_cost_add(struct ctx *ctx, const struct job *job, int64_t usd_micros);

/* What the jobs of a provider that were made since since_us have cost so far, in USD micros; the
 * hour of since_us counts whole, or its day (UTC) when that is longer ago than a day. */
NODISCARD enum err store_cost_since(struct ctx *ctx, const char *provider, int64_t since_us,
                                    int64_t *ret_usd_micros);

/* What the active jobs of a provider are expected to cost in the end, in USD micros: each its
 * estimate, or its time so far (at most its own limit) times its price when that is more. */
NODISCARD enum err store_cost_of_active(struct ctx *ctx, const char *provider,
                                        int64_t *ret_usd_micros);

/* The same of an owner, at whatever provider. The hour of since_us counts whole. */
NODISCARD enum err store_cost_of_owner_since(struct ctx *ctx, const char *owner, int64_t since_us,
                                             int64_t *ret_usd_micros);
NODISCARD enum err store_cost_of_active_of(struct ctx *ctx, const char *owner,
                                           int64_t *ret_usd_micros);

/* Jobs of an owner that were made since since_us. */
struct job_history {
        const char *provider, *owner, *hardware_profile;
        int64_t since_us;
};
/* Both numbers of one owner's jobs alone, on whatever profile. */
struct cost_share {
        int64_t spent_usd_micros, running_usd_micros;
};
NODISCARD enum err store_cost_of_owner(struct ctx *ctx, const struct job_history *of,
                                       struct cost_share *ret);

/* The completed ones on the profile. */
struct job_runs {
        int64_t completed, run_us; /* run_us: of all of them together */
};
NODISCARD enum err store_job_runs(struct ctx *ctx, const struct job_history *history,
                                  struct job_runs *ret);

/* The jobs of a provider that were made on one day (UTC), all or those of an owner. */
struct job_day {
        int64_t day; /* days since 1970 */
        int64_t jobs, completed, failed, cancelled, run_us, cost_usd_micros;
};
/* Call row for each day from first_day on that had any, oldest first. */
typedef void job_day_fn(void *arg, const struct job_day *day);
struct job_days {
        const char *provider, *owner; /* owner NULL: anybody */
        int64_t first_day;
};
NODISCARD enum err store_job_days_each(struct ctx *ctx, const struct job_days *days,
                                       job_day_fn *row, void *arg);

#endif
