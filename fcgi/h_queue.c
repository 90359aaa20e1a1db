/* The queue of jobs in numbers. The jobs that wait for approval are decided in h_approvals.c. */
#include "core/cloud/job/job.h"
#include "fcgi/handlers.h"

static void ignore_row(void *arg, const struct job *job)
{
        (void)arg;
        (void)job;
}

/* Of the jobs that the one who asks may see. */
static enum err render_count(struct ctx *ctx, struct jsonw *json, enum job_status status,
                             int64_t *total)
{
        const struct job_filter filter = { .status = job_status_name(status), .limit = 0 };
        int64_t count = 0;
        enum err rc = job_list(ctx, &filter, ignore_row, NULL, &count);

        jsonw_int(json, job_status_name(status), count);
        *total += count;
        return rc;
}

static enum err queue_stats_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        int64_t waiting = 0, running = 0;
        enum err rc = OK;

        (void)request;
        jsonw_object(&json, "by_status");
        for (unsigned status = JOB_BLOCKED; rc == OK && status < JOB_RUNNING; status++)
                rc = render_count(ctx, &json, (enum job_status)status, &waiting);
        if (rc == OK)
                rc = render_count(ctx, &json, JOB_RUNNING, &running);
        jsonw_object_end(&json);
        jsonw_int(&json, "queue_depth", waiting);
        jsonw_int(&json, "running", running);
        return rc == OK ? reply_json_end(ctx, reply, &json) : rc;
}

const struct operation queue_stats = {
        OPERATION(queue_stats),
        .summary = "How many jobs wait and run",
};
