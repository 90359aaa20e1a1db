/* What jobs cost: what one is expected to come to, and the limit on what a provider's jobs may cost
 * together. Money is in millionths of a USD. */
#ifndef CORE_CLOUD_JOB_COST_H
#define CORE_CLOUD_JOB_COST_H

#include "core/cloud/provider/provider.h"
#include "core/store/store_job_stats.h"

struct cost_estimate {
        bool has_history; /* else it is an upper bound: the whole of the job's or provider's limit
                           */
        int64_t run_s;    /* the mean of the completed jobs, or that limit */
        int64_t usd_micros;
};

/* What a planned job of its owner is expected to run and cost: the mean of his completed jobs on
 * the same hardware over 90 days, at most its max_runtime_s. Faults. */
NODISCARD enum err cost_estimate(struct ctx *ctx, const struct provider *provider,
                                 const struct job *planned, struct cost_estimate *ret);

/* The same for a job that may be submitted one day. */
struct cost_query {
        const char *provider;         /* its id */
        const char *hardware_profile; /* NULL: the provider's setting */
        int64_t max_runtime_minutes;  /* 0: the provider's setting */
};
struct cost_answer {
        struct cost_estimate estimate;
        struct hardware hardware;
        int64_t price_usd_nanos_per_s;
};
/* For a job of the caller. ERR_NOT_FOUND: the provider. ERR_INVALID: the profile. Faults. */
NODISCARD enum err cost_ask(struct ctx *ctx, const struct cost_query *query,
                            struct cost_answer *ret);

/* A provider's limit: the settings cost_limit_*; days before now that count. */
struct cost_limit {
        bool is_set; /* enabled, and an amount above 0 */
        const char *period, *action;
        unsigned days; /* 1, 7 or 30 */
        int64_t limit_usd_micros;
        int64_t spent_usd_micros;   /* what the jobs made in these days have cost so far */
        int64_t running_usd_micros; /* what those that are active are expected to cost */
};

/* How things stand now. Faults. */
NODISCARD enum err cost_limit_status(struct ctx *ctx, const char *provider_id,
                                     const struct provider_settings *settings,
                                     struct cost_limit *ret);

/* Of what is spent and running, what the one who acts may see: all of it with job.view.all, else
 * what his own jobs came to. Faults. */
NODISCARD enum err cost_limit_shown(struct ctx *ctx, const char *provider_id,
                                    const struct cost_limit *limit, struct cost_share *ret);

/* May a job of this estimate be submitted? *ret_warning: what the submitter should know, NULL:
 * nothing. In the transaction that writes the job, after cost_limit_lock, so that jobs submitted at
 * once cannot pass the limit together. ERR_OVER_LIMIT: no; ctx->details has the numbers that the
 * submitter may see. Faults:
 * no, too. */
NODISCARD enum err cost_limit_lock(struct ctx *ctx, const struct provider_session *session);
NODISCARD enum err cost_limit_check(struct ctx *ctx, const struct provider_session *session,
                                    int64_t estimate_usd_micros, const char **ret_warning);

/* What somebody who looks at the limit should know: NULL when all is well. */
NODISCARD enum err cost_limit_message(struct ctx *ctx, const struct cost_limit *limit,
                                      const char **ret);

/* Per cent of the limit, one decimal matters; 0 without one. */
double cost_limit_percent(const struct cost_limit *limit, int64_t usd_micros);

#endif
