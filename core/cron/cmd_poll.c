/* simpletuner-cloud poll: ask the providers about every active job. */
#include <stdio.h>

#include "core/cloud/job_poll.h"
#include "core/cloud/object_store.h"
#include "core/cron/command.h"

#define JOBS_PER_ROUND 1000

static void print_json(const struct poll_report *report, unsigned swept)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_int(&out.json, "asked", report->asked);
        jsonw_int(&out.json, "moved", report->moved);
        jsonw_int(&out.json, "found", report->found);
        jsonw_int(&out.json, "failed", report->failed);
        jsonw_int(&out.json, "swept_uploads", swept);
}

enum err cmd_poll(struct ctx *ctx, const struct command_options *options)
{
        struct poll_report report;
        unsigned swept = 0;
        enum err rc;

        rc = job_poll(ctx, JOBS_PER_ROUND, &report);
        if (rc == OK)
                rc = object_store_sweep(ctx, &swept);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&report, swept);
        else
                printf("asked about %u jobs: %u moved, %u found again, %u could not be asked\n",
                       report.asked, report.moved, report.found, report.failed);
        return OK;
}
