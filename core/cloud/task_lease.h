/* Leases of the companion's tasks. Whoever holds one runs the task and no one else does, over all
 * processes and hosts; a lease that is not extended ends by itself, so a companion that was killed
 * stops nothing. Due times and leases that a clock set back has left impossibly far ahead do not
 * count. */
#ifndef CORE_CLOUD_TASK_LEASE_H
#define CORE_CLOUD_TASK_LEASE_H

#include "core/store/store_tasks.h"

struct task_terms {
        const char *name;
        int64_t every_us; /* due again at the next multiple of it */
        int64_t lease_us; /* how long a lease lasts; at least what one batch takes */
        bool at_once;     /* due or not */
};

#define TASK_HOLDER_SIZE 160

struct task_lease {
        struct task_terms terms;
        char holder[TASK_HOLDER_SIZE]; /* host:pid:random */
};

/* Take the lease. ERR_NOT_READY: the task is not due. ERR_CONFLICT: another companion has it;
 * detail says which. Faults. */
NODISCARD enum err task_lease_take(struct ctx *ctx, const struct task_terms *terms,
                                   struct task_lease *ret);

/* Hold it for lease_us from now. ERR_CONFLICT: it had ended, and another has taken it. */
NODISCARD enum err task_lease_extend(struct ctx *ctx, const struct task_lease *lease);

/* Give it back and say how it went. idle: there was no reason to run, which is no run. */
struct task_result {
        bool failed, idle;
        const char *text;
};
NODISCARD enum err task_lease_end(struct ctx *ctx, const struct task_lease *lease,
                                  const struct task_result *result);

/* The state of a task, with zeros if it never ran. Everything of *ret is in the arena. Faults. */
NODISCARD enum err task_state(struct ctx *ctx, const char *name, struct task_row *ret);

#endif
