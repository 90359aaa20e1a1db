#include "core/store/store_jobs.h"

#include <string.h>

#include "core/db/db.h"

#define JOB_COLUMNS                                                                                \
        "job_id, provider, external_id, status, config_name, hardware_profile, hardware_type, "    \
        "error_message, output_url, metadata, price_usd_nanos_per_s, "                             \
        "COALESCE(cost_usd_micros, -1), created_at_us, started_at_us, completed_at_us"

/* Where a stored status stands in the order of life; final ones are past every new one. */
#define RANK                                                                                       \
        "CASE status WHEN 'pending' THEN 0 WHEN 'uploading' THEN 1 WHEN 'queued' THEN 2 "          \
        "WHEN 'running' THEN 3 ELSE 9 END"

static const char *const status_names[JOB_STATUS_COUNT] = {
        [JOB_PENDING] = "pending",     [JOB_UPLOADING] = "uploading", [JOB_QUEUED] = "queued",
        [JOB_RUNNING] = "running",     [JOB_COMPLETED] = "completed", [JOB_FAILED] = "failed",
        [JOB_CANCELLED] = "cancelled",
};

const char *job_status_name(enum job_status status)
{
        return status_names[status];
}

bool job_status_parse(const char *name, enum job_status *ret)
{
        for (unsigned i = 0; i < JOB_STATUS_COUNT; i++) {
                if (strcmp(name, status_names[i]) == 0) {
                        *ret = (enum job_status)i;
                        return true;
                }
        }
        return false;
}

static enum err add_to_count(struct ctx *ctx, const char *provider, const char *status,
                             int64_t delta)
{
        static const char sql[] =
                "INSERT INTO job_counts (provider, status, jobs) VALUES ($1, $2, $3) "
                "ON CONFLICT (provider, status) DO UPDATE SET jobs = job_counts.jobs + $3";

        return db_run(ctx, NULL, sql, "tti", provider, status, delta);
}

enum err store_job_insert(struct ctx *ctx, const struct job *job, const char *token_sha256)
{
        static const char sql[] =
                "INSERT INTO jobs (job_id, provider, status, config_name, hardware_profile, "
                "hardware_type, metadata, price_usd_nanos_per_s, upload_token_sha256, "
                "created_at_us, updated_at_us) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";
        enum err rc;

        rc = db_run(ctx, NULL, sql, "tttttttiti", job->job_id, job->provider,
                    job_status_name(job->status), job->config_name, job->hardware_profile,
                    job->hardware_type, job->metadata, job->price_usd_nanos_per_s, token_sha256,
                    job->created_at_us);
        if (rc != OK)
                return rc;
        return add_to_count(ctx, job->provider, job_status_name(job->status), 1);
}

/* The row as it stands; texts are the statement's. */
static struct job borrow_row(struct db_stmt *stmt)
{
        struct job job = {
                .job_id = db_text(stmt, 0),
                .provider = db_text(stmt, 1),
                .external_id = db_text(stmt, 2),
                .config_name = db_text(stmt, 4),
                .hardware_profile = db_text(stmt, 5),
                .hardware_type = db_text(stmt, 6),
                .error_message = db_text(stmt, 7),
                .output_url = db_text(stmt, 8),
                .metadata = db_text(stmt, 9),
                .price_usd_nanos_per_s = db_int(stmt, 10),
                .cost_usd_micros = db_int(stmt, 11),
                .created_at_us = db_int(stmt, 12),
                .started_at_us = db_int(stmt, 13),
                .completed_at_us = db_int(stmt, 14),
        };

        if (!job_status_parse(db_text(stmt, 3), &job.status))
                job.status = JOB_FAILED; /* the table's CHECK makes this unreachable */
        return job;
}

/* A copy that outlives the statement. */
static enum err own_row(struct ctx *ctx, struct job job, struct job *ret)
{
        const char **const texts[] = {
                &job.job_id,        &job.provider,         &job.external_id,
                &job.config_name,   &job.hardware_profile, &job.hardware_type,
                &job.error_message, &job.output_url,       &job.metadata,
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                enum err rc = ctx_strdup(ctx, *texts[i], texts[i]);

                if (rc != OK)
                        return rc;
        }
        *ret = job;
        return OK;
}

static enum err read_one(struct ctx *ctx, struct db_stmt *stmt, struct job *ret)
{
        enum err rc = db_step(ctx, stmt);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Job not found");
        if (rc != OK)
                return rc;
        return own_row(ctx, borrow_row(stmt), ret);
}

enum err store_job_get(struct ctx *ctx, const char *job_id, struct job *ret_job)
{
        static const char sql[] = "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", job_id);
        if (rc != OK)
                return rc;
        return read_one(ctx, stmt, ret_job);
}

enum err store_job_by_external_id(struct ctx *ctx, const char *provider, const char *external_id,
                                  struct job *ret_job)
{
        static const char sql[] =
                "SELECT " JOB_COLUMNS " FROM jobs WHERE provider = $1 AND external_id = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tt", provider, external_id);
        if (rc != OK)
                return rc;
        return read_one(ctx, stmt, ret_job);
}

enum err store_job_by_token(struct ctx *ctx, const char *token_sha256, const char **ret_job_id)
{
        static const char sql[] = "SELECT job_id FROM jobs WHERE upload_token_sha256 = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", token_sha256);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc != OK)
                return rc;
        return db_text_dup(ctx, stmt, 0, ret_job_id);
}

/* The old status, read and changed by nobody else until the transaction ends. */
static enum err lock_status(struct ctx *ctx, const char *job_id, const char **ret_status)
{
        static const char sql[] = "UPDATE jobs SET job_id = job_id WHERE job_id = $1 "
                                  "RETURNING status";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", job_id);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc != OK)
                return rc;
        return db_text_dup(ctx, stmt, 0, ret_status);
}

enum err store_job_apply(struct ctx *ctx, const struct job *job, const struct job_news *news,
                         bool *ret_moved)
{
        static const char sql[] =
                "UPDATE jobs SET status = $2, "
                "error_message = CASE WHEN $9 > " RANK " THEN $3 "
                "ELSE COALESCE(error_message, $3) END, "
                "output_url = COALESCE(output_url, $4), "
                "started_at_us = COALESCE(started_at_us, $5), "
                "completed_at_us = COALESCE(completed_at_us, $6), "
                "cost_usd_micros = CASE WHEN CAST($7 AS BIGINT) < 0 THEN cost_usd_micros "
                "ELSE CAST($7 AS BIGINT) END, updated_at_us = $8, "
                "upload_token_sha256 = CASE WHEN $2 IN ('completed', 'failed', 'cancelled') "
                "THEN NULL ELSE upload_token_sha256 END "
                "WHERE job_id = $1 AND ($9 > " RANK " OR ($9 = " RANK " AND ("
                "(error_message IS NULL AND CAST($3 AS TEXT) IS NOT NULL) OR "
                "(output_url IS NULL AND CAST($4 AS TEXT) IS NOT NULL) OR "
                "(started_at_us IS NULL AND CAST($5 AS BIGINT) IS NOT NULL) OR "
                "(cost_usd_micros IS NULL AND CAST($7 AS BIGINT) >= 0))))";
        int64_t changed = 0;
        const char *old_status = NULL;
        const char *new_status = job_status_name(news->status);
        enum err rc;

        rc = lock_status(ctx, job->job_id, &old_status);
        if (rc != OK)
                return rc;
        rc = db_run(ctx, &changed, sql, "ttttzziii", job->job_id, new_status, news->error_message,
                    news->output_url, news->started_at_us, news->completed_at_us,
                    news->cost_usd_micros, clock_wall_us(ctx->clock), (int64_t)news->status);
        if (rc != OK)
                return rc;
        *ret_moved = changed > 0;
        if (changed == 0 || strcmp(old_status, new_status) == 0)
                return OK;
        rc = add_to_count(ctx, job->provider, old_status, -1);
        if (rc != OK)
                return rc;
        return add_to_count(ctx, job->provider, new_status, 1);
}

enum err store_job_set_external_id(struct ctx *ctx, const char *job_id, const char *external_id)
{
        static const char sql[] = "UPDATE jobs SET external_id = $2, updated_at_us = $3 "
                                  "WHERE job_id = $1 AND external_id IS NULL";

        return db_run(ctx, NULL, sql, "tti", job_id, external_id, clock_wall_us(ctx->clock));
}

enum err store_job_note(struct ctx *ctx, const char *job_id, const char *error_message,
                        int64_t at_us)
{
        static const char sql[] = "UPDATE jobs SET error_message = COALESCE($2, error_message), "
                                  "polled_at_us = COALESCE($3, polled_at_us) WHERE job_id = $1";

        return db_run(ctx, NULL, sql, "ttz", job_id, error_message, at_us);
}

/* One constant statement per combination of filters, so that each uses its index. */
static const char *const list_sql[2][2] = {
        { "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id < $1 "
          "ORDER BY job_id DESC LIMIT $2",
          "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id < $1 AND provider = $3 "
          "ORDER BY job_id DESC LIMIT $2" },
        { "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id < $1 AND status = $3 "
          "ORDER BY job_id DESC LIMIT $2",
          "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id < $1 AND status = $3 AND provider = $4 "
          "ORDER BY job_id DESC LIMIT $2" },
};

/* Sorts after every job id: ids are lower-case letters and digits. */
#define AFTER_ALL_IDS "zzzzzzzzzzzzzzzzzzzzzzzzzzz"

enum err store_jobs_each(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row,
                         void *arg)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *first = filter->status ? filter->status : filter->provider;
        const char *sql = list_sql[filter->status != NULL][filter->provider != NULL];
        const char *before = filter->before_id ? filter->before_id : AFTER_ALL_IDS;
        const char *types = filter->status && filter->provider ? "titt" : first ? "tit" : "ti";
        enum err rc;

        rc = db_query(ctx, &stmt, sql, types, before, (int64_t)filter->limit, first,
                      filter->provider);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct job job = borrow_row(stmt);

                row(arg, &job);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_jobs_count(struct ctx *ctx, const struct job_filter *filter, int64_t *ret_count)
{
        static const char sql[] =
                "SELECT COALESCE(SUM(jobs), 0) FROM job_counts "
                "WHERE COALESCE($1, status) = status AND COALESCE($2, provider) = provider";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tt", filter->status, filter->provider);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc != OK)
                return rc;
        *ret_count = db_int(stmt, 0);
        return OK;
}

enum err store_jobs_to_poll(struct ctx *ctx, unsigned limit, const char ***ret_ids,
                            size_t *ret_count)
{
        static const char sql[] = "SELECT job_id FROM jobs "
                                  "WHERE status IN ('pending', 'uploading', 'queued', 'running') "
                                  "ORDER BY polled_at_us LIMIT $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char **ids = arena_alloc(ctx->arena, limit * sizeof(*ids));
        size_t count = 0;
        enum err rc;

        if (!ids)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "i", (int64_t)limit);
        if (rc != OK)
                return rc;
        while (count < limit && (rc = db_step(ctx, stmt)) == OK) {
                rc = db_text_dup(ctx, stmt, 0, &ids[count++]);
                if (rc != OK)
                        return rc;
        }
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_ids = ids;
        *ret_count = count;
        return OK;
}
