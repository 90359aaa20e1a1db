#include "core/cloud/event.h"

#include "core/base/json.h"

enum err event_job_status(struct ctx *ctx, const struct job *job, enum job_status status,
                          const char *error_message)
{
        CLEANUP(json_decrefp)
        json_t *data = json_pack("{s:s, s:s, s:s, s:s*}", "type", "job_status_changed", "job_id",
                                 job->job_id, "status", job_status_name(status), "error_message",
                                 error_message);
        struct event event = {
                .event = "job_status_changed",
                .owner = job->owner,
                .job_id = job->job_id,
        };
        enum err rc;

        if (!data)
                return ctx_nomem(ctx);
        rc = json_text(ctx, data, &event.data);
        return rc == OK ? store_event_insert(ctx, &event) : rc;
}
