/* How a run of a task went, for people and for scripts. */
#ifndef CORE_CRON_TASK_PRINT_H
#define CORE_CRON_TASK_PRINT_H

#include "core/base/jsonw.h"
#include "core/cron/scheduler.h"

/* "poll_jobs: asked 3, moved 1" to standard output. */
void task_print(const struct task_run *run);

/* Its members: "task", "outcome", one for each count, and "message" where there is one. */
void task_print_json(struct jsonw *json, const struct task_run *run);

#endif
