#include "core/cron/task_print.h"

#include <stdio.h>

void task_print(const struct task_run *run)
{
        printf("%s: %s\n", run->task->name, *run->text ? run->text : "nothing to do");
        fflush(stdout);
}

void task_print_json(struct jsonw *json, const struct task_run *run)
{
        jsonw_string(json, "task", run->task->name);
        jsonw_string(json, "outcome", task_outcome_name(run->outcome));
        for (unsigned n = 0; n < TASK_COUNTS_MAX && run->counts[n].name; n++)
                jsonw_int(json, run->counts[n].name, run->counts[n].value);
        if (run->outcome != TASK_DONE)
                jsonw_string(json, "message", run->text);
}
