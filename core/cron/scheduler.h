/* Runs tasks under their leases, so that two companions, or one that is killed half-way, do no
 * harm. A task works in batches: between two of them its lease is extended, its memory given back,
 * and time and signals are looked at. */
#ifndef CORE_CRON_SCHEDULER_H
#define CORE_CRON_SCHEDULER_H

#include <stdbool.h>

#include "core/cloud/task_lease.h"

struct task_run;

/* A kind of work that is done again and again. What it does must bear being done twice. */
struct task {
        const char *name;
        unsigned every_s;    /* how often */
        unsigned batch;      /* how many things it deals with at once */
        unsigned deadline_s; /* it begins no batch after that time, and one batch takes less */
        enum err (*run)(struct ctx *ctx, struct task_run *run);
};

enum task_outcome {
        TASK_NOT_DUE,
        TASK_HELD, /* another companion is at it */
        TASK_IDLE, /* there was no reason to run: run->text says why */
        TASK_DONE,
        TASK_FAILED,
        TASK_OUTCOME_COUNT
};
const char *task_outcome_name(enum task_outcome outcome);

#define TASK_COUNTS_MAX 4

struct task_run {
        const struct task *task;
        enum task_outcome outcome;
        struct {
                const char *name; /* a constant */
                int64_t value;
        } counts[TASK_COUNTS_MAX];  /* what was done; a name is NULL past the last */
        char text[CTX_DETAIL_SIZE]; /* the same for people, or why not */
        /* private to scheduler.c */
        struct task_lease lease;
        int64_t stop_at_us; /* monotonic */
};

/* Run a task if it is due, or at once; *ret says how it went. What the task returned: a failure is
 * logged and recorded, and it is due again as ever. OK when it did not run. Faults. */
NODISCARD enum err scheduler_run(struct ctx *ctx, const struct task *task, bool at_once,
                                 struct task_run *ret);

/* For tasks, between two batches: may another one begin? Resets ctx's arena. */
bool task_run_goes_on(struct ctx *ctx, struct task_run *run);

/* For tasks: something that was done, and how often. name is a constant. */
void task_run_count(struct task_run *run, const char *name, int64_t value);

/* For tasks: there is no reason to run. Returns OK. */
NODISCARD enum err task_run_idle(struct task_run *run, const char *why);

#endif
