/* Jobs: list, show, cancel, delete, and what they say. How they begin is h_job_submit.c. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/archive.h"
#include "core/cloud/job.h"
#include "core/cloud/job_logs.h"
#include "core/cloud/job_poll.h"
#include "core/cloud/job_sync.h"
#include "core/cloud/submission.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500
#define OFFSET_MAX   10000
#define SEARCH_MAX   200
#define POLL_MAX     50 /* active jobs asked about before a list */

/* What is the same for all jobs of an answer. */
struct rendering {
        struct job_queue queue;
        int64_t now_us;
};

static enum err rendering_init(struct ctx *ctx, struct rendering *ret)
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

/* The members of a job, in the order the original has them. */
static void render_job(struct jsonw *json, const struct job *job, const struct rendering *rendering)
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

struct list_rendering {
        struct jsonw json;
        struct rendering rendering;
        unsigned count;
        char last_id[CTX_ID_SIZE];
};

static void render_list_row(void *arg, const struct job *job)
{
        struct list_rendering *list = arg;

        jsonw_object(&list->json, NULL);
        render_job(&list->json, job, &list->rendering);
        jsonw_object_end(&list->json);
        list->count++;
        memcpy(list->last_id, job->job_id, strnlen(job->job_id, CTX_ID_SIZE - 1) + 1);
}

/* What a list is asked for beside the filter. */
struct list_query {
        struct job_filter filter;
        bool is_empty; /* by its filter: there are no local jobs */
        bool sync_active, counts;
};

static enum err read_range(struct ctx *ctx, const struct request *request,
                           struct job_filter *filter)
{
        int64_t limit = LIST_DEFAULT, offset = 0;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", (struct int_range){ 1, LIST_MAX }, &limit);
        if (rc == OK)
                rc = request_query_int(ctx, request, "offset", (struct int_range){ 0, OFFSET_MAX },
                                       &offset);
        if (rc == OK)
                rc = request_query(ctx, request, "before", &filter->before_id);
        if (rc == OK)
                rc = request_query(ctx, request, "after", &filter->after_id);
        if (rc != OK)
                return rc;
        if (filter->before_id && !job_id_is_valid(filter->before_id))
                return ctx_fail(ctx, ERR_INVALID, "before must be a job id");
        if (filter->after_id && !job_id_is_valid(filter->after_id))
                return ctx_fail(ctx, ERR_INVALID, "after must be a job id");
        filter->limit = (unsigned)limit;
        filter->offset = (unsigned)offset;
        return OK;
}

static enum err read_job_type(struct ctx *ctx, const struct request *request, bool *ret_is_local)
{
        const char *type;
        enum err rc = request_query(ctx, request, "job_type", &type);

        if (rc != OK || !type)
                return rc;
        *ret_is_local = strcmp(type, "local") == 0;
        if (!*ret_is_local && strcmp(type, "cloud") != 0)
                return ctx_fail(ctx, ERR_INVALID, "job_type must be one of cloud, local");
        return OK;
}

/* What is looked for, and in which order it is shown. */
static enum err read_search(struct ctx *ctx, const struct request *request,
                            struct job_filter *filter)
{
        const char *order = NULL;
        enum err rc = request_query(ctx, request, "search", &filter->search);

        if (rc == OK)
                rc = request_query(ctx, request, "order", &order);
        if (rc != OK)
                return rc;
        if (filter->search && strlen(filter->search) > SEARCH_MAX)
                return ctx_fail(ctx, ERR_INVALID, "search must be of at most %d bytes", SEARCH_MAX);
        if (filter->search && !*filter->search)
                filter->search = NULL;
        filter->oldest_first = order && strcmp(order, "asc") == 0;
        if (order && !filter->oldest_first && strcmp(order, "desc") != 0)
                return ctx_fail(ctx, ERR_INVALID, "order must be one of asc, desc");
        if (filter->oldest_first ? filter->before_id : filter->after_id)
                return ctx_fail(ctx, ERR_INVALID, "%s goes with order=%s",
                                filter->oldest_first ? "before" : "after",
                                filter->oldest_first ? "desc" : "asc");
        return OK;
}

static enum err read_query(struct ctx *ctx, const struct request *request, struct list_query *query)
{
        struct job_filter *filter = &query->filter;
        enum job_status status;
        enum err rc;

        rc = read_range(ctx, request, filter);
        if (rc == OK)
                rc = read_search(ctx, request, filter);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "counts", &query->counts);
        if (rc == OK)
                rc = read_job_type(ctx, request, &query->is_empty);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "sync_active", &query->sync_active);
        if (rc == OK)
                rc = request_query(ctx, request, "status", &filter->status);
        if (rc == OK)
                rc = request_query(ctx, request, "provider", &filter->provider);
        if (rc == OK)
                rc = request_query(ctx, request, "owner", &filter->owner);
        if (rc == OK && filter->status && !job_status_parse(filter->status, &status))
                return ctx_fail(ctx, ERR_INVALID,
                                "status must be one of blocked, pending, uploading, queued, "
                                "running, completed, failed, cancelled");
        return rc;
}

/* Asking providers is work that others pay for, hence the permission. */
static enum err sync_active(struct ctx *ctx)
{
        struct poll_round round = poll_round_begin(ctx);
        enum err rc = auth_require(ctx, PERM_ADMIN_CONFIG);

        return rc == OK ? job_poll(ctx, &round, POLL_MAX) : rc;
}

static void ignore_row(void *arg, const struct job *job)
{
        (void)arg;
        (void)job;
}

/* How many jobs there are of each status, whichever one the list is of. */
static enum err render_counts(struct ctx *ctx, struct jsonw *json, const struct job_filter *filter)
{
        struct job_filter one = { .provider = filter->provider, .owner = filter->owner };
        enum err rc = OK;

        jsonw_object(json, "counts");
        for (int status = 0; rc == OK && status < JOB_STATUS_COUNT; status++) {
                int64_t count = 0;

                one.status = job_status_name((enum job_status)status);
                rc = job_list(ctx, &one, ignore_row, NULL, &count);
                jsonw_int(json, one.status, count);
        }
        jsonw_object_end(json);
        return rc;
}

/* What follows the rows: how many there are, and how to ask for the next ones. */
static enum err render_list_end(struct ctx *ctx, const struct list_query *query, int64_t total,
                                struct list_rendering *list)
{
        bool more = list->count > 0 && list->count == query->filter.limit;
        bool up = query->filter.oldest_first;

        jsonw_array_end(&list->json);
        if (query->filter.search)
                jsonw_null(&list->json, "total");
        else
                jsonw_int(&list->json, "total", total);
        jsonw_string(&list->json, "next_before", more && !up ? list->last_id : NULL);
        if (up)
                jsonw_string(&list->json, "next_after", more ? list->last_id : NULL);
        return query->counts ? render_counts(ctx, &list->json, &query->filter) : OK;
}

enum err jobs_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct list_rendering list = { .count = 0 };
        struct list_query query = { .is_empty = false };
        int64_t total = 0;
        enum err rc;

        rc = read_query(ctx, request, &query);
        if (rc == OK && query.sync_active)
                rc = sync_active(ctx);
        if (rc == OK)
                rc = rendering_init(ctx, &list.rendering);
        if (rc != OK)
                return rc;

        list.json = reply_json(reply);
        jsonw_array(&list.json, "jobs");
        if (!query.is_empty)
                rc = job_list(ctx, &query.filter, render_list_row, &list, &total);
        if (rc == OK)
                rc = render_list_end(ctx, &query, total, &list);
        return rc == OK ? reply_json_end(ctx, reply, &list.json) : rc;
}

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

enum err jobs_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct upload_progress progress;
        struct rendering rendering;
        struct submission data;
        struct archive archive;
        struct jsonw json;
        struct job job;
        enum err rc, archived, sent;

        rc = job_get(ctx, request_param(request, "job_id"), &job);
        if (rc == OK)
                rc = job_upload_progress(ctx, job.job_id, &progress);
        if (rc == OK)
                rc = rendering_init(ctx, &rendering);
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

enum err jobs_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
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

enum err jobs_logs(struct ctx *ctx, const struct request *request, struct reply *reply)
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

enum err jobs_progress(struct ctx *ctx, const struct request *request, struct reply *reply)
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

enum err jobs_sync(struct ctx *ctx, const struct request *request, struct reply *reply)
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

enum err jobs_archive(struct ctx *ctx, const struct request *request, struct reply *reply)
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
