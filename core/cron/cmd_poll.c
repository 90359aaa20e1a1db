/* simpletuner-cloud poll: ask the providers about every active job. */
#include <stdio.h>

#include "core/base/jsonw.h"
#include "core/cloud/job_poll.h"
#include "core/cloud/object_store.h"
#include "core/cron/command.h"

#define JOBS_PER_ROUND 1000

enum err cmd_poll(struct ctx *ctx, const struct command_options *options)
{
        struct poll_report report;
        unsigned swept = 0;
        struct buf out;
        struct jsonw json;
        enum err rc;

        rc = job_poll(ctx, JOBS_PER_ROUND, &report);
        if (rc == OK)
                rc = object_store_sweep(ctx, &swept);
        if (rc != OK)
                return rc;
        if (!options->json) {
                printf("asked about %u jobs: %u moved, %u found again, %u could not be asked\n",
                       report.asked, report.moved, report.found, report.failed);
                return OK;
        }
        buf_init(&out, 4 * KiB);
        json = jsonw_to(&out);
        jsonw_object(&json, NULL);
        jsonw_int(&json, "asked", report.asked);
        jsonw_int(&json, "moved", report.moved);
        jsonw_int(&json, "found", report.found);
        jsonw_int(&json, "failed", report.failed);
        jsonw_int(&json, "swept_uploads", swept);
        jsonw_object_end(&json);
        puts(buf_str(&out));
        buf_done(&out);
        return OK;
}
