/* Backups: is the last one too old? */
#include <inttypes.h>

#include "core/base/config.h"
#include "core/cloud/backup/backup_schedule.h"
#include "core/cloud/health/health_part.h"

enum err health_backup(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "backup", .latency_ms = -1 };
        struct backup_times times;
        enum err rc;

        if (ctx->config->backup.interval_hours == 0)
                return OK;
        rc = backup_times(ctx, &times);
        if (rc != OK) /* the database stopped answering just now */
                return rc == ERR_NOMEM ? rc : OK;
        if (backup_is_late(ctx, &times))
                component.status = HEALTH_DEGRADED;
        if (times.success_us == 0)
                return health_add(ctx, health, component, "No backup yet");
        return health_add(ctx, health, component, "Last backup %" PRId64 " h ago",
                          (clock_wall_us(ctx->clock) - times.success_us) / US_PER_HOUR);
}
