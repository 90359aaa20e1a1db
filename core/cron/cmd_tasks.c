/* simpletuner-cloud tasks: what cron does, when it did, and how it went. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cron/command.h"
#include "core/cron/tasks.h"

static void print_text(const struct task *task, const struct task_row *row)
{
        char at[CLOCK_ISO_SIZE] = "never";

        if (row->finished_at_us)
                clock_format_iso(row->finished_at_us, at);
        printf("%-18s every %5us  %-24s  %s%s\n", task->name, task->every_s, at,
               row->failures ? "FAILED: " : "", row->last_result ? row->last_result : "");
}

static void print_json(struct jsonw *json, const struct task *task, const struct task_row *row)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "task", task->name);
        jsonw_int(json, "every_seconds", task->every_s);
        jsonw_time(json, "started_at", row->started_at_us);
        jsonw_time(json, "finished_at", row->finished_at_us);
        jsonw_time(json, "due_at", row->due_at_us);
        jsonw_time(json, "lease_until", row->lease_until_us);
        jsonw_string(json, "holder", row->lease_until_us ? row->holder : NULL);
        jsonw_int(json, "runs", row->runs);
        jsonw_int(json, "failures", row->failures);
        jsonw_string(json, "last_result", row->last_result);
        jsonw_object_end(json);
}

/* json is NULL when a person reads. */
static enum err print_all(struct ctx *ctx, struct jsonw *json)
{
        for (size_t n = 0; task_at(n); n++) {
                struct task_row row;
                enum err rc = task_state(ctx, task_at(n)->name, &row);

                if (rc != OK)
                        return rc;
                if (json)
                        print_json(json, task_at(n), &row);
                else
                        print_text(task_at(n), &row);
        }
        return OK;
}

enum err cmd_tasks(struct ctx *ctx, const struct command_options *options)
{
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();
                enum err rc;

                jsonw_array(&out.json, "tasks");
                rc = print_all(ctx, &out.json);
                jsonw_array_end(&out.json);
                return rc;
        }
        return print_all(ctx, NULL);
}
