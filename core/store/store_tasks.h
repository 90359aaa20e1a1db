/* The companion's tasks as rows: who runs one and until when, when it is due, how it went. */
#ifndef CORE_STORE_STORE_TASKS_H
#define CORE_STORE_STORE_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct task_row {
        const char *name;
        const char *holder;                    /* who has it or had it last; NULL: nobody yet */
        int64_t lease_until_us;                /* of the holder; 0: given back */
        int64_t due_at_us;                     /* 0: at once */
        int64_t started_at_us, finished_at_us; /* 0: never */
        int64_t runs, failures;                /* ever; in a row */
        const char *last_result;               /* NULL: none yet */
};

/* Somebody wants to run a task. Times further ahead than the two limits are those of a clock that
 * was set back, and do not count. */
struct task_claim {
        const char *name, *holder;
        int64_t now_us, until_us; /* the lease asked for */
        int64_t lease_limit_us;   /* no lease is longer ahead than this time */
        int64_t due_limit_us;     /* no due time is */
        bool at_once;             /* due or not */
};

/* Take the lease, in one statement. Inside a transaction. ERR_CONFLICT: another has it, or the task
 * is not due. */
NODISCARD enum err store_task_claim(struct ctx *ctx, const struct task_claim *claim);

/* Hold it longer. Inside a transaction. ERR_CONFLICT: it is another's by now. */
NODISCARD enum err store_task_extend(struct ctx *ctx, const char *name, const char *holder,
                                     int64_t until_us);

/* Give the lease back; does nothing when it is another's by now. Inside a transaction. */
struct task_end {
        const char *name, *holder;
        int64_t finished_at_us; /* 0: the task had no reason to run, it counts as no run */
        int64_t due_at_us;
        bool failed;
        const char *result;
};
NODISCARD enum err store_task_end(struct ctx *ctx, const struct task_end *end);

/* All of them together, at a time. */
struct task_overview {
        int64_t last_run_us; /* when the last one began or ended; 0: none ever did */
        int64_t overdue;     /* were due before due_before_us and are not held */
        bool held;           /* one is being done */
};
NODISCARD enum err store_tasks_overview(struct ctx *ctx, int64_t now_us, int64_t due_before_us,
                                        struct task_overview *ret);

/* ERR_NOT_FOUND: never run. Everything of *ret is in the arena. */
NODISCARD enum err store_task_get(struct ctx *ctx, const char *name, struct task_row *ret);

/* Call row for every task that ever ran: name, finished_at_us and failures are set. Texts live
 * until it returns; OK goes on, anything else ends this with that result. */
typedef enum err task_row_fn(struct ctx *ctx, void *arg, const struct task_row *task);
NODISCARD enum err store_tasks_each(struct ctx *ctx, task_row_fn *row, void *arg);

#endif
