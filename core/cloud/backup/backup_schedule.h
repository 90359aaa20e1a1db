/* When the companion makes backups and tries them, and how both stand. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_SCHEDULE_H
#define CORE_CLOUD_BACKUP_BACKUP_SCHEDULE_H

#include "core/base/ctx.h"

struct backup_times {
        int64_t success_us, rehearsal_us; /* the last ones; 0: never */
        int64_t bytes, took_us, failed;   /* of the last one; how many failed ever */
        int64_t since_us;                 /* when the database was made */
};
NODISCARD enum err backup_times(struct ctx *ctx, struct backup_times *ret);

/* Is it time, by SIMPLETUNER_BACKUP_INTERVAL_HOURS and SIMPLETUNER_BACKUP_REHEARSAL_DAYS? One that
 * is switched off never is. */
bool backup_is_due(const struct ctx *ctx, const struct backup_times *times);
bool backup_rehearsal_is_due(const struct ctx *ctx, const struct backup_times *times);

/* Nothing was backed up for twice the interval: somebody should look. */
bool backup_is_late(const struct ctx *ctx, const struct backup_times *times);

#endif
