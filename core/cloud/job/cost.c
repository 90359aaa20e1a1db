#include "core/cloud/job/cost.h"

#include <string.h>

#include "core/cloud/auth/auth.h"
#include "core/db/db.h"
#include "core/store/store_job_stats.h"

#define HISTORY_DAYS      90
#define MICROS_MAX        1e15 /* a thousand million USD: beyond it a price is nonsense */
#define WARN_FROM_PERCENT 80.0

static int64_t cost_of(int64_t run_s, int64_t price_usd_nanos_per_s)
{
        double micros = (double)run_s * (double)price_usd_nanos_per_s / 1000;

        return (int64_t)(micros < MICROS_MAX ? micros + 0.5 : MICROS_MAX);
}

enum err cost_estimate(struct ctx *ctx, const struct provider *provider, const struct job *planned,
                       struct cost_estimate *ret)
{
        const struct job_history history = {
                .provider = provider->id,
                .owner = planned->owner,
                .hardware_profile = planned->hardware_profile,
                .since_us = clock_wall_us(ctx->clock) - HISTORY_DAYS * US_PER_DAY,
        };
        struct cost_estimate estimate = { .run_s = provider->default_run_limit_s };
        struct job_runs runs;
        enum err rc;

        rc = store_job_runs(ctx, &history, &runs);
        if (rc != OK)
                return rc;
        estimate.has_history = runs.completed > 0 && runs.run_us > 0;
        if (estimate.has_history)
                estimate.run_s = (runs.run_us / runs.completed + US_PER_S - 1) / US_PER_S;
        else if (planned->max_runtime_s)
                estimate.run_s = planned->max_runtime_s;
        if (planned->max_runtime_s && estimate.run_s > planned->max_runtime_s)
                estimate.run_s = planned->max_runtime_s;
        estimate.usd_micros = cost_of(estimate.run_s, planned->price_usd_nanos_per_s);
        *ret = estimate;
        return OK;
}

enum err cost_ask(struct ctx *ctx, const struct cost_query *query, struct cost_answer *ret)
{
        const char *profile = query->hardware_profile;
        struct provider_session session;
        struct cost_answer answer;
        struct job job = { .owner = ctx_actor_name(ctx) };
        enum err rc;

        rc = provider_open(ctx, query->provider, &session);
        if (rc != OK)
                return rc;
        if (!profile)
                profile = session.settings.hardware_profile;
        rc = hardware_find(ctx, profile ? profile : HARDWARE_DEFAULT, &answer.hardware);
        if (rc != OK)
                return rc;
        answer.price_usd_nanos_per_s =
                hardware_price_nanos(&answer.hardware, session.settings.hardware_info);
        job.hardware_profile = answer.hardware.profile;
        job.price_usd_nanos_per_s = answer.price_usd_nanos_per_s;
        job.max_runtime_s =
                60 * (query->max_runtime_minutes ? query->max_runtime_minutes
                                                 : session.settings.max_runtime_minutes);
        rc = cost_estimate(ctx, session.provider, &job, &answer.estimate);
        if (rc == OK)
                *ret = answer;
        return rc;
}

static unsigned days_of(const char *period)
{
        return strcmp(period, "daily") == 0 ? 1 : strcmp(period, "weekly") == 0 ? 7 : 30;
}

/* The limit as it is set, without what is spent. */
static struct cost_limit limit_of(const struct provider_settings *settings)
{
        const double micros = settings->cost_limit_amount * 1e6;

        return (struct cost_limit){
                .is_set = settings->cost_limit_enabled && settings->cost_limit_amount > 0,
                .period = settings->cost_limit_period,
                .action = settings->cost_limit_action,
                .days = days_of(settings->cost_limit_period),
                .limit_usd_micros = micros < 1            ? 1
                                    : micros < MICROS_MAX ? (int64_t)(micros + 0.5)
                                                          : (int64_t)MICROS_MAX,
        };
}

enum err cost_limit_status(struct ctx *ctx, const char *provider_id,
                           const struct provider_settings *settings, struct cost_limit *ret)
{
        struct cost_limit limit = limit_of(settings);
        const int64_t since_us = clock_wall_us(ctx->clock) - limit.days * US_PER_DAY;
        enum err rc;

        rc = store_cost_since(ctx, provider_id, since_us, &limit.spent_usd_micros);
        if (rc == OK)
                rc = store_cost_of_active(ctx, provider_id, &limit.running_usd_micros);
        if (rc == OK)
                *ret = limit;
        return rc;
}

enum err cost_limit_shown(struct ctx *ctx, const char *provider_id, const struct cost_limit *limit,
                          struct cost_share *ret)
{
        const struct job_history own = {
                .provider = provider_id,
                .owner = ctx_actor_name(ctx),
                .since_us = clock_wall_us(ctx->clock) - limit->days * US_PER_DAY,
        };

        if (!auth_may(ctx, PERM_JOB_VIEW_ALL))
                return store_cost_of_owner(ctx, &own, ret);
        *ret = (struct cost_share){ limit->spent_usd_micros, limit->running_usd_micros };
        return OK;
}

double cost_limit_percent(const struct cost_limit *limit, int64_t usd_micros)
{
        return limit->is_set ? (double)usd_micros * 100 / (double)limit->limit_usd_micros : 0;
}

static double usd(int64_t micros)
{
        return (double)micros / 1e6;
}

/* What is spent or promised, and what is allowed: "$8.10 / $10.00 (daily)"; what others spend is
 * for those who see their jobs. */
static enum err say(struct ctx *ctx, const char *what, const struct cost_limit *limit,
                    int64_t usd_micros, const char **ret)
{
        if (auth_may(ctx, PERM_JOB_VIEW_ALL))
                *ret = arena_printf(ctx->arena, "%s: $%.2f / $%.2f (%s)", what, usd(usd_micros),
                                    usd(limit->limit_usd_micros), limit->period);
        else
                *ret = arena_printf(ctx->arena, "%s: $%.2f (%s), for all users together", what,
                                    usd(limit->limit_usd_micros), limit->period);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err warn(struct ctx *ctx, const struct cost_limit *limit, int64_t usd_micros,
                     const char **ret)
{
        double percent = cost_limit_percent(limit, usd_micros);

        *ret = NULL;
        if (percent >= 100)
                return say(ctx, "Spending limit exceeded", limit, usd_micros, ret);
        if (percent >= WARN_FROM_PERCENT)
                return say(ctx, "Approaching limit", limit, usd_micros, ret);
        return OK;
}

enum err cost_limit_message(struct ctx *ctx, const struct cost_limit *limit, const char **ret)
{
        return warn(ctx, limit, limit->spent_usd_micros, ret);
}

static enum err refuse(struct ctx *ctx, const struct cost_limit *limit, int64_t estimate_usd_micros)
{
        const bool sees_all = auth_may(ctx, PERM_JOB_VIEW_ALL);
        CLEANUP(json_decrefp)
        json_t *details =
                json_pack("{s:f, s:s, s:f}", "limit_amount", usd(limit->limit_usd_micros), "period",
                          limit->period, "job_estimate", usd(estimate_usd_micros));
        CLEANUP(json_decrefp)
        json_t *others = json_pack("{s:f, s:f}", "current_spend", usd(limit->spent_usd_micros),
                                   "running_estimate", usd(limit->running_usd_micros));
        enum err rc;

        if (!details || !others || (sees_all && json_object_update(details, others) != 0))
                return ctx_nomem(ctx);
        rc = json_text(ctx, details, &ctx->details);
        if (rc != OK)
                return rc;
        if (!sees_all)
                return ctx_fail(ctx, ERR_OVER_LIMIT,
                                "Cost limit exceeded: this job may cost $%.2f, and the %s limit of "
                                "$%.2f for all users together leaves less",
                                usd(estimate_usd_micros), limit->period,
                                usd(limit->limit_usd_micros));
        return ctx_fail(ctx, ERR_OVER_LIMIT,
                        "Cost limit exceeded: $%.2f spent of $%.2f %s limit, $%.2f expected of "
                        "active jobs, $%.2f of this one",
                        usd(limit->spent_usd_micros), usd(limit->limit_usd_micros), limit->period,
                        usd(limit->running_usd_micros), usd(estimate_usd_micros));
}

enum err cost_limit_lock(struct ctx *ctx, const struct provider_session *session)
{
        const char *name;

        if (!limit_of(&session->settings).is_set)
                return OK;
        name = arena_printf(ctx->arena, "cost:%s", session->provider->id);
        return name ? db_lock(ctx, name) : ctx_nomem(ctx);
}

enum err cost_limit_check(struct ctx *ctx, const struct provider_session *session,
                          int64_t estimate_usd_micros, const char **ret_warning)
{
        struct cost_limit limit = limit_of(&session->settings);
        int64_t total_usd_micros;
        enum err rc;

        *ret_warning = NULL;
        if (!limit.is_set)
                return OK;
        rc = cost_limit_status(ctx, session->provider->id, &session->settings, &limit);
        if (rc != OK)
                return rc;
        total_usd_micros = limit.spent_usd_micros + limit.running_usd_micros + estimate_usd_micros;
        if (strcmp(limit.action, "block") == 0 && total_usd_micros > limit.limit_usd_micros)
                return refuse(ctx, &limit, estimate_usd_micros);
        return warn(ctx, &limit, total_usd_micros, ret_warning);
}
