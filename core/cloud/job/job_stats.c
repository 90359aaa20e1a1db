#include "core/cloud/job/job_stats.h"

#include "core/cloud/auth/auth.h"
#include "core/cloud/provider/provider.h"
#include "core/store/store_job_list.h"

/* All providers' days, one slot for each. */
struct calendar {
        int64_t first_day;
        unsigned days;
        struct job_day *slots;
};

static void add_day(void *arg, const struct job_day *day)
{
        const struct calendar *calendar = arg;
        int64_t at = day->day - calendar->first_day;
        struct job_day *slot;

        if (at < 0 || at >= calendar->days)
                return;
        slot = &calendar->slots[at];
        slot->day = day->day;
        slot->jobs += day->jobs;
        slot->completed += day->completed;
        slot->failed += day->failed;
        slot->cancelled += day->cancelled;
        slot->run_us += day->run_us;
        slot->cost_usd_micros += day->cost_usd_micros;
}

/* Sum up, and move the days that had jobs together. */
static void add_up(const struct calendar *calendar, struct job_stats *stats)
{
        stats->days = calendar->slots;
        for (unsigned i = 0; i < calendar->days; i++) {
                const struct job_day day = calendar->slots[i];

                if (day.jobs == 0 && day.cost_usd_micros == 0)
                        continue;
                stats->jobs += day.jobs;
                stats->completed += day.completed;
                stats->run_us += day.run_us;
                stats->cost_usd_micros += day.cost_usd_micros;
                stats->by_status[JOB_FAILED] += day.failed;
                stats->by_status[JOB_CANCELLED] += day.cancelled;
                stats->days[stats->day_count++] = day;
        }
        stats->by_status[JOB_COMPLETED] = stats->completed;
}

enum err job_stats(struct ctx *ctx, unsigned days, struct job_stats *ret)
{
        struct calendar calendar = {
                .first_day = clock_wall_us(ctx->clock) / US_PER_DAY - days + 1,
                .days = days,
                .slots = arena_alloc(ctx->arena, days * sizeof(*calendar.slots)),
        };
        struct job_days wanted = {
                .owner = auth_may(ctx, PERM_JOB_VIEW_ALL) ? NULL : ctx_actor_name(ctx),
                .first_day = calendar.first_day,
        };
        struct job_stats stats = { 0 };
        enum err rc = OK;

        if (!calendar.slots)
                return ctx_nomem(ctx);
        for (size_t i = 0; rc == OK && provider_at(i); i++) {
                wanted.provider = provider_at(i)->id;
                rc = store_job_days_each(ctx, &wanted, add_day, &calendar);
        }
        add_up(&calendar, &stats);
        for (int status = 0; rc == OK && status < JOB_COMPLETED; status++) {
                const struct job_filter filter = {
                        .status = job_status_name((enum job_status)status),
                        .owner = wanted.owner,
                };

                rc = store_jobs_count(ctx, &filter, &stats.by_status[status]);
        }
        if (rc == OK)
                *ret = stats;
        return rc;
}
