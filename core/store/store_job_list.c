#include "core/store/store_job_list.h"

#include "core/db/db.h"
#include "core/store/job_row.h"

#define LIST(conditions)                                                                           \
        "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id < $1" conditions                            \
        " ORDER BY job_id DESC LIMIT $2 OFFSET $3"

/* SQL: the status of the filter; of those that wait for approval the row says "queued". */
#define STATUS_IS                                                                                  \
        " AND status = CASE WHEN $4 = 'blocked' THEN 'queued' ELSE $4 END "                        \
        "AND requires_approval = CASE WHEN $4 = 'blocked' THEN 1 ELSE 0 END"

/* One constant statement per combination of filters (status, provider, owner), so that each uses
 * its index. */
static const char *const list_sql[2][2][2] = {
        { { LIST(""), LIST(" AND owner = $4") },
          { LIST(" AND provider = $4"), LIST(" AND provider = $4 AND owner = $5") } },
        { { LIST(STATUS_IS), LIST(STATUS_IS " AND owner = $5") },
          { LIST(STATUS_IS " AND provider = $5"),
            LIST(STATUS_IS " AND provider = $5 AND owner = $6") } },
};

/* Sorts after every job id: ids are lower-case letters and digits. */
#define AFTER_ALL_IDS "zzzzzzzzzzzzzzzzzzzzzzzzzzz"

enum err store_jobs_each(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row,
                         void *arg)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *const given[] = { filter->status, filter->provider, filter->owner };
        const char *values[ARRAY_SIZE(given)] = { 0 };
        const char *before = filter->before_id ? filter->before_id : AFTER_ALL_IDS;
        char types[] = "tiittt";
        size_t count = 0;
        enum err rc;

        for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
                if (given[i])
                        values[count++] = given[i];
        }
        types[3 + count] = '\0';
        rc = db_query(ctx, &stmt, list_sql[!!given[0]][!!given[1]][!!given[2]], types, before,
                      (int64_t)filter->limit, (int64_t)filter->offset, values[0], values[1],
                      values[2]);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct job job = job_row_borrow(stmt);

                row(arg, &job);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_jobs_count(struct ctx *ctx, const struct job_filter *filter, int64_t *ret_count)
{
        static const char sql[] =
                "SELECT COALESCE(SUM(jobs), 0) FROM job_counts "
                "WHERE COALESCE($1, status) = status AND COALESCE($2, provider) = provider "
                "AND COALESCE($3, owner) = owner";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ttt", filter->status, filter->provider, filter->owner);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc != OK)
                return rc;
        *ret_count = db_int(stmt, 0);
        return OK;
}

enum err store_jobs_waiting(struct ctx *ctx, unsigned limit, struct waiting_job **ret_jobs,
                            size_t *ret_count)
{
        static const char sql[] = "SELECT job_id, provider FROM jobs "
                                  "WHERE status IN ('pending', 'queued') "
                                  "AND requires_approval = 0 ORDER BY job_id LIMIT $1";
        struct waiting_job *jobs = arena_alloc(ctx->arena, limit * sizeof(*jobs));
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        size_t count = 0;
        enum err rc;

        if (!jobs)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "i", (int64_t)limit);
        if (rc != OK)
                return rc;
        while (count < limit && (rc = db_step(ctx, stmt)) == OK) {
                rc = db_text_dup(ctx, stmt, 0, &jobs[count].job_id);
                if (rc == OK)
                        rc = db_text_dup(ctx, stmt, 1, &jobs[count].provider);
                if (rc != OK)
                        return rc;
                count++;
        }
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_jobs = jobs;
        *ret_count = count;
        return OK;
}
