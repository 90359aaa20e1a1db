/* A row of the table jobs as a struct job: its columns and how they are read. Private to
 * core/store. */
#ifndef CORE_STORE_JOB_ROW_H
#define CORE_STORE_JOB_ROW_H

#include "core/db/db.h"
#include "core/store/store_jobs.h"

/* SQL: the name of an enum job_status. */
#define JOB_STATUS "CASE WHEN requires_approval = 1 THEN 'blocked' ELSE status END"

#define JOB_COLUMNS                                                                                \
        "job_id, provider, external_id, " JOB_STATUS ", config_name, hardware_profile, "           \
        "hardware_type, "                                                                          \
        "error_message, output_url, metadata, price_usd_nanos_per_s, "                             \
        "COALESCE(cost_usd_micros, -1), created_at_us, started_at_us, completed_at_us, owner, "    \
        "retry_of, attempt, estimated_cost_usd_micros, max_runtime_s, progress_stage, "            \
        "progress_line, COALESCE(progress_permille, -1), poll_at_us, poll_failures, "              \
        "missing_count, approval_id, correlation_id"

/* SQL: where a stored status stands in the order of life; final ones are past every new one. */
#define JOB_RANK                                                                                   \
        "CASE " JOB_STATUS " WHEN 'blocked' THEN 0 WHEN 'pending' THEN 1 WHEN 'uploading' THEN 2 " \
        "WHEN 'queued' THEN 3 WHEN 'running' THEN 4 ELSE 9 END"

/* The current row of a statement over JOB_COLUMNS; texts are the statement's. */
struct job job_row_borrow(struct db_stmt *stmt);
/* A copy in the arena, which outlives the statement. ERR_NOMEM. */
NODISCARD enum err job_row_own(struct ctx *ctx, struct job job, struct job *ret);

#endif
