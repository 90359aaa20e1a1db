#include "core/store/store_submissions.h"

#include <string.h>

#include "core/db/db.h"
#include "core/store/store_jobs.h"

#define COLUMNS                                                                                    \
        "job_id, run_at_us, claimed_until_us, stage, bytes_done, bytes_total, message, "           \
        "updated_at_us, added_at_us"

static const char *const stage_names[STAGE_COUNT] = {
        [STAGE_SCANNING] = "scanning",   [STAGE_PACKAGING] = "packaging",
        [STAGE_UPLOADING] = "uploading", [STAGE_SUBMITTING] = "submitting",
        [STAGE_COMPLETE] = "complete",   [STAGE_ERROR] = "error",
};

const char *submission_stage_name(enum submission_stage stage)
{
        return stage_names[stage];
}

/* An unknown word is none that may be started again. */
static enum submission_stage parse_stage(const char *name)
{
        for (unsigned i = 0; i < STAGE_COUNT; i++) {
                if (strcmp(stage_names[i], name) == 0)
                        return (enum submission_stage)i;
        }
        return STAGE_SUBMITTING;
}

enum err store_submission_insert(struct ctx *ctx, const struct submission *submission)
{
        static const char sql[] = "INSERT INTO submissions (" COLUMNS ") "
                                  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

        return db_run(ctx, NULL, sql, "tzitiitiz", submission->job_id, submission->run_at_us,
                      submission->claimed_until_us, stage_names[submission->stage],
                      submission->bytes_done, submission->bytes_total, submission->message,
                      submission->updated_at_us, submission->added_at_us);
}

enum err store_submission_delete(struct ctx *ctx, const char *job_id)
{
        static const char sql[] = "DELETE FROM submissions WHERE job_id = $1";

        return db_run(ctx, NULL, sql, "t", job_id);
}

static enum err read_one(struct ctx *ctx, struct db_stmt *stmt, struct submission *ret)
{
        struct submission row;
        enum err rc = db_step(ctx, stmt);

        if (rc != OK)
                return rc;
        row = (struct submission){
                .run_at_us = db_int(stmt, 1),
                .claimed_until_us = db_int(stmt, 2),
                .stage = parse_stage(db_text(stmt, 3)),
                .bytes_done = db_int(stmt, 4),
                .bytes_total = db_int(stmt, 5),
                .updated_at_us = db_int(stmt, 7),
                .added_at_us = db_int(stmt, 8),
        };
        rc = db_text_dup(ctx, stmt, 0, &row.job_id);
        if (rc == OK)
                rc = ctx_strdup(ctx, db_text(stmt, 6), &row.message);
        if (rc == OK)
                *ret = row;
        return rc;
}

enum err store_submission_get(struct ctx *ctx, const char *job_id, struct submission *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM submissions WHERE job_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "t", job_id);

        return rc == OK ? read_one(ctx, stmt, ret) : rc;
}

enum err store_submission_due(struct ctx *ctx, const struct due *due, struct submission *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM submissions WHERE " CLAIMABLE_SQL
                                  " ORDER BY run_at_us LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "ii", due->now_us, due->horizon_us);

        return rc == OK ? read_one(ctx, stmt, ret) : rc;
}

enum err store_submission_update(struct ctx *ctx, const struct submission *now,
                                 int64_t claimed_until_us, bool *ret_held)
{
        static const char sql[] =
                "UPDATE submissions SET run_at_us = $3, claimed_until_us = $4, stage = $5, "
                "bytes_done = $6, bytes_total = $7, message = $8, updated_at_us = $9 "
                "WHERE job_id = $1 AND claimed_until_us = $2";
        int64_t changed = 0;
        enum err rc;

        rc = db_run(ctx, &changed, sql, "tizitiiti", now->job_id, claimed_until_us, now->run_at_us,
                    now->claimed_until_us, stage_names[now->stage], now->bytes_done,
                    now->bytes_total, now->message, now->updated_at_us);
        if (rc == OK)
                *ret_held = changed > 0;
        return rc;
}

enum err store_submissions_touch(struct ctx *ctx, int64_t now_us)
{
        static const char sql[] =
                "UPDATE submissions SET updated_at_us = $1 WHERE run_at_us IS NOT NULL "
                "AND claimed_until_us <= $1 AND updated_at_us < $2 "
                "AND stage IN ('scanning', 'packaging', 'uploading')";

        return db_run(ctx, NULL, sql, "ii", now_us, now_us - 60 * US_PER_S);
}

enum err store_submission_stop(struct ctx *ctx, const char *job_id, const char *message,
                               bool *ret_stopped)
{
        static const char sql[] =
                "UPDATE submissions SET stage = 'error', run_at_us = NULL, claimed_until_us = 0, "
                "message = $2, updated_at_us = $3 "
                "WHERE job_id = $1 AND stage IN ('scanning', 'packaging', 'uploading')";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "tti", job_id, message, clock_wall_us(ctx->clock));

        if (rc == OK)
                *ret_stopped = changed > 0;
        return rc;
}

enum err store_submission_give_token(struct ctx *ctx, const char *job_id,
                                     const struct job_secrets *secrets, bool *ret_given)
{
        static const char sql[] = "UPDATE jobs SET upload_token_sha256 = $2, upload_key_id = $3 "
                                  "WHERE job_id = $1 AND status = 'uploading'";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ttt", job_id, secrets->token_sha256,
                             secrets->token_key_id);

        if (rc == OK)
                *ret_given = changed > 0;
        return rc;
}
