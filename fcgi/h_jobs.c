/* Jobs: submit, list, show, cancel. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/job.h"
#include "core/cloud/submission.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500

static const struct field submit_fields[] = {
        FIELD(struct job_request, config, FIELD_OBJECT, .required = true),
        FIELD(struct job_request, dataloader_config, FIELD_ARRAY, .max = 1000),
        FIELD(struct job_request, config_name, FIELD_STRING, .min = 1, .max = 200),
        FIELD(struct job_request, webhook_url, FIELD_URL, .max = 2048),
        FIELD(struct job_request, hardware_profile, FIELD_STRING, .min = 1, .max = 64),
        FIELD(struct job_request, tracker_run_name, FIELD_STRING, .min = 1, .max = 200),
        FIELD(struct job_request, data_consent, FIELD_BOOL),
};

/* The members of a job, in the order the original has them. */
static void render_job(struct jsonw *json, const struct job *job, int64_t now_us)
{
        bool terminal = job_status_is_terminal(job->status);
        int64_t end_us = job->completed_at_us ? job->completed_at_us : now_us;

        jsonw_string(json, "job_id", job->job_id);
        jsonw_string(json, "job_type", "cloud");
        jsonw_string(json, "provider", job->provider);
        jsonw_string(json, "external_id", job->external_id);
        jsonw_string(json, "status", job_status_name(job->status));
        jsonw_string(json, "config_name", job->config_name);
        jsonw_time(json, "created_at", job->created_at_us);
        jsonw_time(json, "started_at", job->started_at_us);
        jsonw_time(json, "completed_at", job->completed_at_us);
        if (job->cost_usd_micros == JOB_COST_UNKNOWN)
                jsonw_null(json, "cost_usd");
        else
                jsonw_number(json, "cost_usd", (double)job->cost_usd_micros / 1e6, 6);
        jsonw_string(json, "hardware_type", job->hardware_type);
        jsonw_string(json, "error_message", job->error_message);
        jsonw_string(json, "output_url", job->output_url);
        jsonw_raw(json, "metadata", job->metadata);
        jsonw_bool(json, "is_terminal", terminal);
        jsonw_bool(json, "is_active", !terminal);
        if (job->started_at_us)
                jsonw_number(json, "duration_seconds", (double)(end_us - job->started_at_us) / 1e6,
                             1);
        else
                jsonw_null(json, "duration_seconds");
}

enum err jobs_submit(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct job_request body = { 0 };
        const char *provider;
        struct jsonw json;
        struct job job;
        json_t *tree;
        enum err rc;

        rc = request_query(ctx, request, "provider", &provider);
        if (rc == OK)
                rc = request_json(ctx, request, &tree);
        if (rc == OK)
                rc = fields_decode(ctx, submit_fields, ARRAY_SIZE(submit_fields), tree, &body);
        if (rc == OK)
                rc = job_submit(ctx, provider ? provider : "replicate", &body, &job);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "job_id", job.job_id);
        jsonw_string(&json, "status", job_status_name(job.status));
        jsonw_string(&json, "external_id", job.external_id);
        jsonw_bool(&json, "data_uploaded", false); /* local data goes later, see data_upload */
        jsonw_null(&json, "error");
        return reply_json_end(ctx, reply, &json);
}

struct list_rendering {
        struct jsonw json;
        int64_t now_us;
        unsigned count;
        char last_id[CTX_ID_SIZE];
};

static void render_list_row(void *arg, const struct job *job)
{
        struct list_rendering *list = arg;

        jsonw_object(&list->json, NULL);
        render_job(&list->json, job, list->now_us);
        jsonw_object_end(&list->json);
        list->count++;
        memcpy(list->last_id, job->job_id, strnlen(job->job_id, CTX_ID_SIZE - 1) + 1);
}

static enum err read_filter(struct ctx *ctx, const struct request *request,
                            struct job_filter *filter)
{
        int64_t limit = LIST_DEFAULT;
        enum job_status status;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", (struct int_range){ 1, LIST_MAX }, &limit);
        if (rc == OK)
                rc = request_query(ctx, request, "status", &filter->status);
        if (rc == OK)
                rc = request_query(ctx, request, "provider", &filter->provider);
        if (rc == OK)
                rc = request_query(ctx, request, "before", &filter->before_id);
        if (rc != OK)
                return rc;
        filter->limit = (unsigned)limit;
        if (filter->status && !job_status_parse(filter->status, &status))
                return ctx_fail(ctx, ERR_INVALID,
                                "status must be one of pending, uploading, queued, running, "
                                "completed, failed, cancelled");
        if (filter->before_id && !job_id_is_valid(filter->before_id))
                return ctx_fail(ctx, ERR_INVALID, "before must be a job id");
        return OK;
}

enum err jobs_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct list_rendering list = { .now_us = clock_wall_us(ctx->clock) };
        struct job_filter filter = { 0 };
        int64_t total;
        enum err rc;

        rc = read_filter(ctx, request, &filter);
        if (rc != OK)
                return rc;

        list.json = reply_json(reply);
        jsonw_array(&list.json, "jobs");
        rc = job_list(ctx, &filter, render_list_row, &list, &total);
        if (rc != OK)
                return rc;
        jsonw_array_end(&list.json);
        jsonw_int(&list.json, "total", total);
        jsonw_string(&list.json, "next_before", list.count == filter.limit ? list.last_id : NULL);
        return reply_json_end(ctx, reply, &list.json);
}

static void render_progress(struct jsonw *json, const struct upload_progress *progress)
{
        jsonw_object(json, "upload_progress");
        jsonw_int(json, "files", progress->files);
        jsonw_int(json, "bytes", progress->bytes);
        jsonw_int(json, "in_flight", progress->in_flight);
        jsonw_time(json, "last_upload_at", progress->last_upload_at_us);
        jsonw_object_end(json);
}

/* Local data on its way to the provider; null when there is none. */
static enum err render_data_upload(struct ctx *ctx, struct jsonw *json, const char *job_id)
{
        struct submission data;
        enum err rc = submission_get(ctx, job_id, &data);
        double share;

        if (rc == ERR_NOT_FOUND) {
                jsonw_null(json, "data_upload");
                return OK;
        }
        if (rc != OK)
                return rc;
        share = data.bytes_total > 0 ? (double)data.bytes_done / (double)data.bytes_total : 0;
        jsonw_object(json, "data_upload");
        jsonw_string(json, "stage", submission_stage_name(data.stage));
        jsonw_int(json, "current", data.bytes_done);
        jsonw_int(json, "total", data.bytes_total);
        jsonw_number(json, "percent", 100 * share, 1);
        jsonw_string(json, "message", data.message);
        jsonw_bool(json, "done", data.stage == STAGE_COMPLETE);
        jsonw_string(json, "error", data.stage == STAGE_ERROR ? data.message : NULL);
        jsonw_time(json, "updated_at", data.updated_at_us);
        jsonw_object_end(json);
        return OK;
}

enum err jobs_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct upload_progress progress;
        struct jsonw json;
        struct job job;
        enum err rc;

        rc = job_get(ctx, request_param(request, "job_id"), &job);
        if (rc == OK)
                rc = job_upload_progress(ctx, job.job_id, &progress);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_object(&json, "job");
        render_job(&json, &job, clock_wall_us(ctx->clock));
        render_progress(&json, &progress);
        rc = render_data_upload(ctx, &json, job.job_id);
        if (rc != OK)
                return rc;
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

enum err jobs_cancel(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct jsonw json;
        struct job job;
        enum err rc;

        rc = job_cancel(ctx, request_param(request, "job_id"), &job);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "job_id", job.job_id);
        jsonw_string(&json, "status", job_status_name(job.status));
        return reply_json_end(ctx, reply, &json);
}
