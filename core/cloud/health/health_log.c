/* Is the write-ahead log being kept? What one process of the host does, all can see. */
#include <inttypes.h>

#include "core/cloud/cloud.h"
#include "core/cloud/health/health_part.h"
#include "core/cloud/wal/wal_archive.h"
#include "core/cloud/wal/wal_capture.h"

#define BEHIND_S 60 /* what is promised is that no more is lost */

enum err health_log(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "kept_log", .latency_ms = -1 };
        const int64_t last_us = wal_archive_alive_us(ctx);
        const int64_t age_s = (clock_wall_us(ctx->clock) - last_us) / US_PER_S;

        if (!wal_capture_is_on(ctx))
                return OK;
        if (last_us > 0 && age_s <= BEHIND_S)
                return health_add(ctx, health, component, "Last look %" PRId64 " s ago",
                                  age_s > 0 ? age_s : 0);
        if (health->uptime_s <= BEHIND_S)
                return health_add(ctx, health, component, "Not looked at yet");
        component.status = HEALTH_DEGRADED;
        if (last_us == 0)
                return health_add(ctx, health, component,
                                  "Never looked at: \"restore --to\" has nothing to go back with");
        return health_add(ctx, health, component,
                          "Last look %" PRId64 " s ago: \"restore --to\" cannot go back to what "
                          "happened since",
                          age_s);
}
