#include "fcgi/render_job.h"

#include "core/cloud/job/job.h"

enum err job_rendering_init(struct ctx *ctx, struct job_rendering *ret)
{
        ret->now_us = clock_wall_us(ctx->clock);
        return job_queue_load(ctx, &ret->queue);
}

static void render_cost(struct jsonw *json, const char *key, int64_t usd_micros)
{
        if (usd_micros < 0)
                jsonw_null(json, key);
        else
                jsonw_number(json, key, (double)usd_micros / 1e6, 6);
}

/* How far a running job says it is; null of any other. */
static void render_running(struct jsonw *json, const char *key, const struct job *job)
{
        if (job->status != JOB_RUNNING) {
                jsonw_null(json, key);
                return;
        }
        jsonw_object(json, key);
        jsonw_string(json, "stage", job->progress_stage);
        jsonw_string(json, "last_log", job->progress_line);
        if (job->progress_permille >= 0)
                jsonw_number(json, "progress", (double)job->progress_permille / 10, 1);
        else
                jsonw_null(json, "progress");
        jsonw_object_end(json);
}

void render_job(struct jsonw *json, const struct job *job, const struct job_rendering *rendering)
{
        bool terminal = job_status_is_terminal(job->status);
        int64_t end_us = job->completed_at_us ? job->completed_at_us : rendering->now_us;
        int64_t position = job_queue_position(&rendering->queue, job);

        jsonw_string(json, "job_id", job->job_id);
        jsonw_string(json, "job_type", "cloud");
        jsonw_string(json, "provider", job->provider);
        jsonw_string(json, "external_id", job->external_id);
        jsonw_string(json, "status", job_status_name(job->status));
        jsonw_string(json, "config_name", job->config_name);
        jsonw_time(json, "created_at", job->created_at_us);
        jsonw_time(json, "started_at", job->started_at_us);
        jsonw_time(json, "completed_at", job->completed_at_us);
        render_cost(json, "cost_usd", job->cost_usd_micros);
        render_cost(json, "estimated_cost_usd", job->estimated_cost_usd_micros);
        jsonw_string(json, "hardware_type", job->hardware_type);
        jsonw_string(json, "error_message", job->error_message);
        jsonw_string(json, "output_url", job->output_url);
        jsonw_string(json, "owner", job->owner);
        jsonw_string(json, "retry_of", job->retry_of);
        jsonw_int(json, "attempt", job->attempt);
        jsonw_raw(json, "metadata", job->metadata);
        jsonw_bool(json, "requires_approval", job->status == JOB_BLOCKED);
        if (job->approval_id)
                jsonw_int(json, "approval_id", job->approval_id);
        else
                jsonw_null(json, "approval_id");
        jsonw_bool(json, "is_terminal", terminal);
        jsonw_bool(json, "is_active", !terminal);
        if (job->started_at_us)
                jsonw_number(json, "duration_seconds", (double)(end_us - job->started_at_us) / 1e6,
                             1);
        else
                jsonw_null(json, "duration_seconds");
        render_running(json, "progress", job);
        if (position > 0)
                jsonw_int(json, "queue_position", position);
}
