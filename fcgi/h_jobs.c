/* Jobs: show, cancel, delete, and what they say. How they begin is h_job_submit.c. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/archive/archive.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/job/job.h"
#include "core/cloud/job/job_logs.h"
#include "core/cloud/job/job_sync.h"
#include "fcgi/handlers.h"
#include "fcgi/render_job.h"

static void render_progress(struct jsonw *json, const struct upload_progress *progress)
{
        jsonw_object(json, "upload_progress");
        jsonw_int(json, "files", progress->files);
        jsonw_int(json, "bytes", progress->bytes);
        jsonw_int(json, "in_flight", progress->in_flight);
        jsonw_int(json, "in_flight_bytes", progress->part_bytes);
        jsonw_time(json, "last_upload_at", progress->last_upload_at_us);
        jsonw_object_end(json);
}

/* NULL: nothing is fetched. */
static void render_archive(struct jsonw *json, const struct archive *archive)
{
        if (!archive) {
                jsonw_null(json, "archive");
                return;
        }
        jsonw_object(json, "archive");
        jsonw_string(json, "state", archive_state_name(archive->state));
        jsonw_int(json, "files", archive->files);
        jsonw_int(json, "bytes", archive->bytes);
        jsonw_string(json, "error", archive->error);
        jsonw_time(json, "finished_at", archive->finished_at_us);
        jsonw_object_end(json);
}

/* Local data on its way to the provider; NULL: there is none. */
static void render_data_upload(struct jsonw *json, const struct submission *data)
{
        double share = 0;

        if (!data) {
                jsonw_null(json, "data_upload");
                return;
        }
        if (data->bytes_total > 0)
                share = (double)data->bytes_done / (double)data->bytes_total;
        jsonw_object(json, "data_upload");
        jsonw_string(json, "stage", submission_stage_name(data->stage));
        jsonw_int(json, "current", data->bytes_done);
        jsonw_int(json, "total", data->bytes_total);
        jsonw_number(json, "percent", 100 * share, 1);
        jsonw_string(json, "message", data->message);
        jsonw_bool(json, "done", data->stage == STAGE_COMPLETE);
        jsonw_string(json, "error", data->stage == STAGE_ERROR ? data->message : NULL);
        jsonw_time(json, "updated_at", data->updated_at_us);
        jsonw_object_end(json);
}

static enum err jobs_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct upload_progress progress;
        struct job_rendering rendering;
        struct submission data;
        struct archive archive;
        struct jsonw json;
        struct job job;
        enum err rc, archived, sent;

        rc = job_get(ctx, request_param(request, "job_id"), &job);
        if (rc == OK)
                rc = job_upload_progress(ctx, job.job_id, &progress);
        if (rc == OK)
                rc = job_rendering_init(ctx, &rendering);
        if (rc != OK)
                return rc;
        archived = archive_of(ctx, job.job_id, &archive);
        if (archived != OK && archived != ERR_NOT_FOUND)
                return archived;
        sent = submission_get(ctx, job.job_id, &data);
        if (sent != OK && sent != ERR_NOT_FOUND)
                return sent;

        json = reply_json(reply);
        jsonw_object(&json, "job");
        render_job(&json, &job, &rendering);
        render_progress(&json, &progress);
        render_archive(&json, archived == OK ? &archive : NULL);
        render_data_upload(&json, sent == OK ? &data : NULL);
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation jobs_show = {
        OPERATION(jobs_show),
        .summary = "Show a job",
};

static enum err jobs_cancel_run(struct ctx *ctx, const struct request *request, struct reply *reply)
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

const struct operation jobs_cancel = {
        OPERATION(jobs_cancel),
        .summary = "Cancel a job, at its provider too",
};

static enum err jobs_delete_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *job_id = request_param(request, "job_id");
        struct jsonw json;
        enum err rc = job_delete(ctx, job_id);

        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "job_id", job_id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation jobs_delete = {
        OPERATION(jobs_delete),
        .summary = "Forget a job that has ended",
};

static enum err jobs_logs_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *job_id = request_param(request, "job_id");
        struct job_logs logs;
        struct jsonw json;
        enum err rc = job_logs(ctx, job_id, &logs);

        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_string(&json, "job_id", job_id);
        jsonw_string(&json, "logs", logs.text);
        jsonw_bool(&json, "truncated", logs.truncated);
        return reply_json_end(ctx, reply, &json);
}

const struct operation jobs_logs = {
        OPERATION(jobs_logs),
        .summary = "Logs of a job",
};

static enum err jobs_progress_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct jsonw json;
        struct job job;
        bool runs;
        enum err rc;

        rc = job_get(ctx, request_param(request, "job_id"), &job);
        if (rc != OK)
                return rc;

        runs = job.status == JOB_RUNNING;
        json = reply_json(reply);
        jsonw_string(&json, "job_id", job.job_id);
        jsonw_string(&json, "stage", runs ? job.progress_stage : NULL);
        jsonw_string(&json, "last_log", runs ? job.progress_line : NULL);
        if (runs && job.progress_permille >= 0)
                jsonw_number(&json, "progress", (double)job.progress_permille / 10, 1);
        else
                jsonw_null(&json, "progress");
        return reply_json_end(ctx, reply, &json);
}

const struct operation jobs_progress = {
        OPERATION(jobs_progress),
        .summary = "Progress of a job",
};

static const struct query sync_query[] = {
        QUERY(TEXT, "provider"),
        { 0 },
};

static enum err jobs_sync_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct sync_report report;
        const char *provider;
        struct jsonw json;
        enum err rc;

        rc = request_query(ctx, request, "provider", &provider);
        if (rc == OK)
                rc = job_sync(ctx, provider ? provider : ctx->config->default_provider, &report);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_int(&json, "synced", report.adopted);
        jsonw_int(&json, "updated", report.updated);
        jsonw_bool(&json, "complete", report.is_complete);
        jsonw_string(&json, "message",
                     arena_printf(ctx->arena, "Discovered %u new jobs from %s", report.adopted,
                                  report.provider_name));
        return reply_json_end(ctx, reply, &json);
}

const struct operation jobs_sync = {
        OPERATION(jobs_sync),
        .summary = "Take in jobs that were submitted elsewhere",
        .query = sync_query,
};

static enum err jobs_archive_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        const char *job_id = request_param(request, "job_id");
        struct archive archive;
        struct jsonw json;
        enum err rc;

        rc = archive_ask_again(ctx, job_id, &archive);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "job_id", job_id);
        render_archive(&json, &archive);
        return reply_json_end(ctx, reply, &json);
}

const struct operation jobs_archive = {
        OPERATION(jobs_archive),
        .summary = "Fetch what is missing of the results of a job",
};
