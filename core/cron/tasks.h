/* What the companion does again and again. The table is in tasks.c. */
#ifndef CORE_CRON_TASKS_H
#define CORE_CRON_TASKS_H

#include "core/cron/scheduler.h"

/* The n-th task, NULL past the last. */
const struct task *task_at(size_t n);

/* NULL: there is no such task. */
const struct task *task_find(const char *name);

#endif
