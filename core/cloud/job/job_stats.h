/* Jobs in numbers, over the last days and all providers: everybody's for those who see all jobs,
 * else the caller's own. */
#ifndef CORE_CLOUD_JOB_JOB_STATS_H
#define CORE_CLOUD_JOB_JOB_STATS_H

#include "core/store/store_job_stats.h"
#include "core/store/store_jobs.h"

#define JOB_STATS_DAYS_MAX 365

struct job_stats {
        int64_t jobs, cost_usd_micros;
        int64_t completed, run_us;           /* run_us: of the completed ones together */
        int64_t by_status[JOB_STATUS_COUNT]; /* active: now; ended: made in these days */
        struct job_day *days;                /* the days that had any, oldest first */
        size_t day_count;
};

/* days: 1 to JOB_STATS_DAYS_MAX, today included, in UTC. Faults. */
NODISCARD enum err job_stats(struct ctx *ctx, unsigned days, struct job_stats *ret);

#endif
