/* simpletuner-cloud poll: ask the providers about every active job. */
#include "core/cloud/job/polling.h"
#include "core/cron/command.h"
#include "core/cron/signals.h"
#include "core/cron/task_print.h"
#include "core/cron/tasks.h"

#define EVERY_US (30 * US_PER_S) /* when only --for is given */

static enum err poll_once(struct ctx *ctx, const struct command_options *options, bool quiet)
{
        struct task_run run;
        enum err rc = scheduler_run(ctx, task_find(POLLING_TASK), true, &run);

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                task_print_json(&out.json, &run);
        } else if (rc == OK && !quiet) {
                task_print(&run);
        }
        return rc;
}

/* Rounds begin at multiples of every after the first, however long they take. */
static enum err poll_again_and_again(struct ctx *ctx, const struct command_options *options)
{
        const int64_t every_us = options->every_us ? options->every_us : EVERY_US;
        const int64_t begin_us = clock_mono_us(ctx->clock);
        int64_t next_us = begin_us;
        enum err rc;

        for (;;) {
                int64_t now_us;

                rc = poll_once(ctx, options, !command_is_watched());
                now_us = clock_mono_us(ctx->clock);
                do {
                        next_us += every_us;
                } while (next_us < now_us);
                if (options->for_us && next_us - begin_us >= options->for_us)
                        return rc;
                if (signals_wait(next_us - now_us))
                        return rc;
        }
}

enum err cmd_poll(struct ctx *ctx, const struct command_options *options)
{
        signals_hold();
        if (options->every_us || options->for_us)
                return poll_again_and_again(ctx, options);
        return poll_once(ctx, options, false);
}
