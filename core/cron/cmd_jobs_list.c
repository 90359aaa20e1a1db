/* simpletuner-cloud jobs list: jobs, the newest first. */
#include "core/cron/command.h"
#include "core/cron/job_print.h"

#define LIMIT 50

static void print_line(void *arg, const struct job *job)
{
        (void)arg;
        job_print_line(job);
}

static void print_json(void *arg, const struct job *job)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        job_print_json(json, job);
        jsonw_object_end(json);
}

enum err cmd_jobs_list(struct ctx *ctx, const struct command_options *options)
{
        const struct job_filter filter = {
                .status = options->status,
                .provider = options->provider,
                .limit = options->limit ? (unsigned)options->limit : LIMIT,
        };
        int64_t total = 0;
        enum err rc;

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_array(&out.json, "jobs");
                rc = job_list(ctx, &filter, print_json, &out.json, &total);
                jsonw_array_end(&out.json);
                jsonw_int(&out.json, "total", total);
                return rc;
        }
        return job_list(ctx, &filter, print_line, NULL, &total);
}
