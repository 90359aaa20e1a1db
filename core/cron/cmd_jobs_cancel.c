/* simpletuner-cloud jobs cancel: end a job, at its provider too. */
#include <stdio.h>

#include "core/cron/command.h"
#include "core/cron/job_print.h"

enum err cmd_jobs_cancel(struct ctx *ctx, const struct command_options *options)
{
        struct job job;
        enum err rc = job_cancel(ctx, options->operand, &job);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                job_print_json(&out.json, &job);
        } else {
                printf("%s is %s\n", job.job_id, job_status_name(job.status));
        }
        return OK;
}
