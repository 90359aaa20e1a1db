#include "core/cloud/backup/backup_schedule.h"

#include "core/base/config.h"
#include "core/store/store_backup.h"

#define SLACK_US (5 * 60 * US_PER_S) /* looks are not to the second: daily stays daily */

enum err backup_times(struct ctx *ctx, struct backup_times *ret)
{
        struct store_continuity known = { 0 };
        int64_t since_us = 0;
        enum err rc = store_continuity_get(ctx, &known);

        if (rc == OK)
                rc = store_database_since(ctx, &since_us);
        if (rc == OK)
                *ret = (struct backup_times){ .success_us = known.success_us,
                                              .rehearsal_us = known.verified_us,
                                              .bytes = known.bytes,
                                              .took_us = known.took_us,
                                              .failed = known.failed,
                                              .since_us = since_us };
        return rc;
}

/* A time ahead of now is a clock's fault, and none to wait for. */
static bool is_over(const struct ctx *ctx, int64_t last_us, int64_t every_us)
{
        const int64_t now_us = clock_wall_us(ctx->clock);

        return every_us > 0 && (last_us > now_us || now_us - last_us >= every_us - SLACK_US);
}

static int64_t interval_us(const struct ctx *ctx)
{
        return (int64_t)ctx->config->backup.interval_hours * US_PER_HOUR;
}

bool backup_is_due(const struct ctx *ctx, const struct backup_times *times)
{
        return is_over(ctx, times->success_us, interval_us(ctx));
}

bool backup_rehearsal_is_due(const struct ctx *ctx, const struct backup_times *times)
{
        return times->success_us > 0 &&
               is_over(ctx, times->rehearsal_us,
                       (int64_t)ctx->config->backup.rehearsal_days * US_PER_DAY);
}

bool backup_is_late(const struct ctx *ctx, const struct backup_times *times)
{
        const int64_t last_us = times->success_us ? times->success_us : times->since_us;

        return is_over(ctx, last_us, 2 * interval_us(ctx));
}
