/* simpletuner-cloud jobs show: all that is known about a job. */
#include "core/cron/command.h"
#include "core/cron/job_print.h"

static void print_json(const struct job *job, const struct upload_progress *uploads)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        job_print_json(&out.json, job);
        jsonw_object(&out.json, "upload_progress");
        jsonw_int(&out.json, "files", uploads->files);
        jsonw_int(&out.json, "bytes", uploads->bytes);
        jsonw_int(&out.json, "in_flight", uploads->in_flight);
        jsonw_int(&out.json, "in_flight_bytes", uploads->part_bytes);
        jsonw_time(&out.json, "last_upload_at", uploads->last_upload_at_us);
        jsonw_object_end(&out.json);
}

enum err cmd_jobs_show(struct ctx *ctx, const struct command_options *options)
{
        struct upload_progress uploads;
        struct job job;
        enum err rc;

        rc = job_get(ctx, options->operand, &job);
        if (rc == OK)
                rc = job_upload_progress(ctx, job.job_id, &uploads);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&job, &uploads);
        else
                job_print(&job, &uploads);
        return OK;
}
