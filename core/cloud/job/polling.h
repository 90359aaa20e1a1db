/* Whether the companion polls: an administrator's choice, and whether it is being done. */
#ifndef CORE_CLOUD_JOB_POLLING_H
#define CORE_CLOUD_JOB_POLLING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* The name of the companion's task. */
#define POLLING_TASK "poll_jobs"

enum polling_preference { POLLING_UNSET, POLLING_ON, POLLING_OFF };

struct polling_status {
        enum polling_preference preference;
        int64_t last_run_at_us; /* 0: never */
        bool active;            /* not switched off, and the last run was not long ago */
};

/* Faults. */
NODISCARD enum err polling_status(struct ctx *ctx, struct polling_status *ret);
NODISCARD enum err polling_is_off(struct ctx *ctx, bool *ret_off);

/* Make the choice, with its row in the audit log. Faults. */
NODISCARD enum err polling_set(struct ctx *ctx, enum polling_preference preference);

#endif
