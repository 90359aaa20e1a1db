#include "core/store/job_row.h"

#include <string.h>

static const char *const status_names[JOB_STATUS_COUNT] = {
        [JOB_BLOCKED] = "blocked", [JOB_PENDING] = "pending",     [JOB_UPLOADING] = "uploading",
        [JOB_QUEUED] = "queued",   [JOB_RUNNING] = "running",     [JOB_COMPLETED] = "completed",
        [JOB_FAILED] = "failed",   [JOB_CANCELLED] = "cancelled",
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

struct job job_row_borrow(struct db_stmt *stmt)
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
                .owner = db_text(stmt, 15),
                .retry_of = db_text(stmt, 16),
                .attempt = db_int(stmt, 17),
                .estimated_cost_usd_micros = db_int(stmt, 18),
                .max_runtime_s = db_int(stmt, 19),
                .progress_stage = db_text(stmt, 20),
                .progress_line = db_text(stmt, 21),
                .progress_permille = db_int(stmt, 22),
                .poll_at_us = db_int(stmt, 23),
                .poll_failures = db_int(stmt, 24),
                .missing_count = db_int(stmt, 25),
                .approval_id = db_int(stmt, 26),
                .correlation_id = db_text(stmt, 27),
        };

        if (!job_status_parse(db_text(stmt, 3), &job.status))
                job.status = JOB_FAILED; /* the table's CHECK makes this unreachable */
        return job;
}

enum err job_row_own(struct ctx *ctx, struct job job, struct job *ret)
{
        const char **const texts[] = {
                &job.job_id,           &job.provider,       &job.external_id,   &job.config_name,
                &job.hardware_profile, &job.hardware_type,  &job.error_message, &job.output_url,
                &job.metadata,         &job.owner,          &job.retry_of,      &job.progress_stage,
                &job.progress_line,    &job.correlation_id,
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                enum err rc = ctx_strdup(ctx, *texts[i], texts[i]);

                if (rc != OK)
                        return rc;
        }
        *ret = job;
        return OK;
}
