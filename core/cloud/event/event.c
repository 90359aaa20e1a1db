#include "core/cloud/event/event.h"

#include "core/base/json.h"
#include "core/store/store_objects.h"

/* Takes the reference to data; NULL: out of memory. */
static enum err insert(struct ctx *ctx, const char *name, const struct job *job, json_t *data)
{
        CLEANUP(json_decrefp) json_t *owned = data;
        struct event event = { .event = name, .owner = job->owner, .job_id = job->job_id };
        enum err rc;

        if (!owned)
                return ctx_nomem(ctx);
        if (*ctx->correlation_id &&
            json_object_set_new(owned, "correlation_id", json_string(ctx->correlation_id)) != 0)
                return ctx_nomem(ctx);
        rc = json_text(ctx, owned, &event.data);
        return rc == OK ? store_event_insert(ctx, &event) : rc;
}

/* Is the move from job->status to status one that people are told of? */
static bool is_notable(const struct job *job, enum job_status status, enum event_notice *ret)
{
        switch (status) {
        case JOB_COMPLETED:
                *ret = NOTICE_JOB_COMPLETED;
                return true;
        case JOB_FAILED:
                *ret = NOTICE_JOB_FAILED;
                return true;
        case JOB_CANCELLED:
                *ret = NOTICE_JOB_CANCELLED;
                return true;
        case JOB_QUEUED:
        case JOB_RUNNING:
                *ret = NOTICE_JOB_SUBMITTED;
                return job->status < JOB_QUEUED;
        case JOB_BLOCKED:
        case JOB_PENDING:
        case JOB_UPLOADING:
        case JOB_STATUS_COUNT:
                break;
        }
        return false;
}

enum err event_job_status(struct ctx *ctx, const struct job *job, enum job_status status,
                          const char *error_message)
{
        enum event_notice notice;
        enum err rc;

        rc = insert(ctx, "job_status_changed", job,
                    json_pack("{s:s, s:s, s:s, s:s*}", "type", "job_status_changed", "job_id",
                              job->job_id, "status", job_status_name(status), "error_message",
                              error_message));
        if (rc != OK || !is_notable(job, status, &notice))
                return rc;
        return event_notification(ctx, job, notice, error_message);
}

enum err event_job_progress(struct ctx *ctx, const struct job *job,
                            const struct job_progress *progress)
{
        json_t *percent =
                progress->permille >= 0 ? json_real((double)progress->permille / 10) : json_null();

        return insert(ctx, "job_progress", job,
                      json_pack("{s:s, s:s, s:s*, s:s*, s:o}", "type", "job_progress", "job_id",
                                job->job_id, "stage", progress->stage, "last_log", progress->line,
                                "progress", percent));
}

enum err event_job_file(struct ctx *ctx, const struct bucket *bucket, const struct object *object)
{
        struct job job;
        enum err rc;

        if (bucket->owner && *bucket->owner)
                return OK;
        rc = store_job_get(ctx, bucket->bucket, &job);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? OK : rc;
        return insert(ctx, "job_file_received", &job,
                      json_pack("{s:s, s:s, s:s, s:I, s:s}", "type", "job_file_received", "job_id",
                                job.job_id, "key", object->key, "size",
                                (json_int_t)object->size_bytes, "etag", object->etag));
}

enum err event_notification(struct ctx *ctx, const struct job *job, enum event_notice notice,
                            const char *error_message)
{
        static const struct {
                const char *type, *severity, *verb;
        } words[] = {
                [NOTICE_JOB_SUBMITTED] = { "cloud.job.submitted", "info", "was submitted" },
                [NOTICE_JOB_COMPLETED] = { "cloud.job.completed", "success", "has completed" },
                [NOTICE_JOB_FAILED] = { "cloud.job.failed", "error", "has failed" },
                [NOTICE_JOB_CANCELLED] = { "cloud.job.cancelled", "warning", "was cancelled" },
        };
        const char *message = arena_printf(
                ctx->arena, "Job %s %s%s%s", job->config_name ? job->config_name : job->job_id,
                words[notice].verb, error_message ? ": " : "", error_message ? error_message : "");

        if (!message)
                return ctx_nomem(ctx);
        return insert(ctx, "notification", job,
                      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s}", "type", "notification",
                                "message_type", words[notice].type, "message", message, "severity",
                                words[notice].severity, "job_id", job->job_id, "source", "cloud",
                                "config_name", job->config_name, "provider", job->provider));
}
