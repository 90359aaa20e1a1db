#include "core/cloud/job/job_logs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/cloud/job/job.h"
#include "core/cloud/provider/provider_jobs.h"
#include "core/cloud/storage/object_store.h"

#define ARCHIVED_LOGS "archive/logs.txt"

/* The end of a text that is too long, from the beginning of a line. */
static void keep_end(struct job_logs *logs)
{
        size_t len = strlen(logs->text);
        const char *line;

        if (len <= JOB_LOGS_MAX)
                return;
        logs->text += len - JOB_LOGS_MAX;
        logs->truncated = true;
        line = strchr(logs->text, '\n');
        if (line && line[1])
                logs->text = line + 1;
}

/* The end of the logs on its way into memory. */
struct tail {
        char *text;
        size_t len;
};

static enum err add_to_tail(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        struct tail *tail = arg;

        (void)ctx;
        memcpy(tail->text + tail->len, bytes, len);
        tail->len += len;
        return OK;
}

static enum err read_end(struct ctx *ctx, const struct object_file *file, struct job_logs *ret)
{
        const int64_t size = file->object.size_bytes, max = JOB_LOGS_MAX + 1;
        const size_t wanted = (size_t)(size < max ? size : max);
        struct tail tail = { .text = arena_alloc(ctx->arena, wanted + 1) };
        const struct object_piece piece = { size - (int64_t)wanted, (int64_t)wanted };
        enum err rc;

        if (!tail.text)
                return ctx_nomem(ctx);
        rc = object_read(ctx, file, piece, add_to_tail, &tail);
        if (rc != OK)
                return rc;
        for (size_t i = 0; i < tail.len; i++) /* no text has a NUL, a log may */
                tail.text[i] = tail.text[i] ? tail.text[i] : ' ';
        ret->text = tail.text;
        keep_end(ret);
        return OK;
}

/* ERR_NOT_FOUND: they are not archived. */
static enum err read_archived(struct ctx *ctx, const struct job *job, struct job_logs *ret)
{
        struct object_file file = { .fd = -1 };
        enum err rc;

        rc = object_open(ctx, job->job_id, ARCHIVED_LOGS, &file);
        if (rc == OK)
                rc = read_end(ctx, &file, ret);
        close_fdp(&file.fd);
        return rc;
}

static enum err ask_provider(struct ctx *ctx, const struct job *job, struct job_logs *ret)
{
        struct provider_session session;
        struct provider_job news;
        enum err rc;

        rc = provider_open_for(ctx, job->provider, job->owner, &session);
        if (rc != OK)
                return rc;
        if (provider_check_configured(ctx, &session) != OK) {
                ret->text = "(No API token configured)";
                return OK;
        }
        rc = provider_status(ctx, &session, job->external_id, &news);
        if (rc == ERR_PROVIDER || rc == ERR_NOT_FOUND || rc == ERR_NOT_READY) {
                ret->text = arena_printf(ctx->arena, "(Error fetching logs: %s)", ctx->detail);
                return ret->text ? OK : ctx_nomem(ctx);
        }
        if (rc != OK)
                return rc;
        ret->text = news.logs && *news.logs ? news.logs : "(No logs available)";
        keep_end(ret);
        return OK;
}

enum err job_logs(struct ctx *ctx, const char *job_id, struct job_logs *ret)
{
        struct job_logs logs = { .text = "(No logs available)" };
        struct job job;
        enum err rc;

        rc = job_get(ctx, job_id, &job);
        if (rc != OK)
                return rc;
        rc = job_status_is_terminal(job.status) ? read_archived(ctx, &job, &logs) : ERR_NOT_FOUND;
        if (rc == ERR_NOT_FOUND && job.external_id)
                rc = ask_provider(ctx, &job, &logs);
        else if (rc == ERR_NOT_FOUND && !job_status_is_terminal(job.status))
                logs.text = "(Job has not reached the provider yet)";
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = logs;
        return OK;
}
