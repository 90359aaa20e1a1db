#include "core/store/store_retention.h"

#include "core/db/db.h"
#include "core/store/store_approvals.h"

enum err store_jobs_ended(struct ctx *ctx, int64_t before_us, unsigned limit, const char ***ret_ids,
                          size_t *ret_count)
{
        static const char sql[] =
                "SELECT job_id FROM jobs WHERE completed_at_us < $1 AND poll_at_us IS NULL "
                "ORDER BY completed_at_us LIMIT $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char **ids = arena_alloc(ctx->arena, (limit + 1) * sizeof(*ids));
        size_t count = 0;
        enum err rc;

        if (!ids)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "ii", before_us, (int64_t)limit);
        while (rc == OK && count < limit && (rc = db_step(ctx, stmt)) == OK)
                rc = db_text_dup(ctx, stmt, 0, &ids[count++]);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_ids = ids;
        *ret_count = count;
        return OK;
}

enum err store_job_traces_delete(struct ctx *ctx, const char *job_id)
{
        static const char *const sql[] = {
                "DELETE FROM idempotency_keys WHERE job_id = $1",
                "DELETE FROM submissions WHERE job_id = $1",
                "DELETE FROM archive_files WHERE job_id = $1",
                "DELETE FROM archives WHERE job_id = $1",
        };
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(sql); i++)
                rc = db_run(ctx, NULL, sql[i], "t", job_id);
        return rc == OK ? store_approval_delete(ctx, job_id) : rc;
}

enum err store_idempotency_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                 int64_t *ret_pruned)
{
        static const char sql[] =
                "DELETE FROM idempotency_keys WHERE (owner, idempotency_key) IN "
                "(SELECT owner, idempotency_key FROM idempotency_keys WHERE expires_at_us < $1 "
                "ORDER BY expires_at_us LIMIT $2)";

        return db_run(ctx, ret_pruned, sql, "ii", before_us, (int64_t)limit);
}
