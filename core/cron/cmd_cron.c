/* simpletuner-cloud cron: do whatever is due. */
#include <string.h>

#include "core/cron/command.h"
#include "core/cron/signals.h"
#include "core/cron/task_print.h"
#include "core/cron/tasks.h"

static void print_text(const struct command_options *options, const struct task_run *run)
{
        if (options->task || (command_is_watched() && run->outcome != TASK_NOT_DUE))
                task_print(run);
}

/* Run one and print it; json is NULL when a person reads. */
static enum err run_one(struct ctx *ctx, const struct command_options *options,
                        const struct task *task, struct jsonw *json)
{
        struct task_run run;
        enum err rc = scheduler_run(ctx, task, options->task != NULL, &run);

        if (json) {
                jsonw_object(json, NULL);
                task_print_json(json, &run);
                jsonw_object_end(json);
        } else if (rc == OK) {
                print_text(options, &run);
        }
        return rc;
}

/* All tasks, or the one that was named. The first failure is the result; it stops no other task. */
static enum err run_all(struct ctx *ctx, const struct command_options *options, struct jsonw *json)
{
        char detail[CTX_DETAIL_SIZE] = "";
        enum err first = OK;

        if (options->task)
                return run_one(ctx, options, task_find(options->task), json);
        for (size_t n = 0; task_at(n) && !signals_stop(); n++) {
                enum err rc = run_one(ctx, options, task_at(n), json);

                if (rc == OK || first != OK)
                        continue;
                first = ctx_fail(ctx, rc, "%s", ctx->detail);
                memcpy(detail, ctx->detail, sizeof(detail));
        }
        return first == OK ? OK : ctx_fail(ctx, first, "%s", detail);
}

enum err cmd_cron(struct ctx *ctx, const struct command_options *options)
{
        signals_hold();
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();
                enum err rc;

                jsonw_array(&out.json, "tasks");
                rc = run_all(ctx, options, &out.json);
                jsonw_array_end(&out.json);
                return rc;
        }
        return run_all(ctx, options, NULL);
}
