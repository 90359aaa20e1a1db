#include "core/store/store_job_list.h"

#include <string.h>

#include "core/db/db.h"
#include "core/store/job_row.h"

/* SQL: newest first, and oldest first. */
#define LIST(conditions)                                                                           \
        {                                                                                          \
                "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id < $1" conditions                    \
                " ORDER BY job_id DESC LIMIT $2 OFFSET $3",                                        \
                        "SELECT " JOB_COLUMNS " FROM jobs WHERE job_id > $1" conditions            \
                        " ORDER BY job_id LIMIT $2 OFFSET $3",                                     \
        }

/* SQL: the status of the filter; of those that wait for approval the row says "queued". */
#define STATUS_IS                                                                                  \
        " AND status = CASE WHEN $4 = 'blocked' THEN 'queued' ELSE $4 END "                        \
        "AND requires_approval = CASE WHEN $4 = 'blocked' THEN 1 ELSE 0 END"

/* One constant statement per combination of filters (status, provider, owner), so that each uses
 * its index. */
static const char *const list_sql[2][2][2][2] = {
        { { LIST(""), LIST(" AND owner = $4") },
          { LIST(" AND provider = $4"), LIST(" AND provider = $4 AND owner = $5") } },
        { { LIST(STATUS_IS), LIST(STATUS_IS " AND owner = $5") },
          { LIST(STATUS_IS " AND provider = $5"),
            LIST(STATUS_IS " AND provider = $5 AND owner = $6") } },
};

/* Sorts after every job id: ids are lower-case letters and digits. */
#define AFTER_ALL_IDS "zzzzzzzzzzzzzzzzzzzzzzzzzzz"

static const char *const search_sql[2] = LIST(
        " AND (job_id LIKE lower($4) ESCAPE '!' OR lower(config_name) LIKE lower($4) ESCAPE '!')"
        " AND COALESCE($5, 'any') IN ('any', CASE WHEN status = 'queued' "
        "AND requires_approval = 1 THEN 'blocked' ELSE status END)"
        " AND COALESCE($6, provider) = provider AND COALESCE($7, owner) = owner");

/* Where a list begins. */
static const char *bound_of(const struct job_filter *filter)
{
        if (filter->oldest_first)
                return filter->after_id ? filter->after_id : "";
        return filter->before_id ? filter->before_id : AFTER_ALL_IDS;
}

/* A pattern of LIKE that finds a text anywhere. */
static const char *pattern_of(struct ctx *ctx, const char *text)
{
        char *pattern = arena_alloc(ctx->arena, 2 * strlen(text) + sizeof("%%"));
        char *out = pattern;

        if (!pattern)
                return NULL;
        *out++ = '%';
        for (; *text; text++) {
                if (strchr("%_!", *text))
                        *out++ = '!';
                *out++ = *text;
        }
        memcpy(out, "%", sizeof("%"));
        return pattern;
}

static enum err query_search(struct ctx *ctx, const struct job_filter *filter,
                             struct db_stmt **ret_stmt)
{
        const char *pattern = pattern_of(ctx, filter->search);

        if (!pattern)
                return ctx_nomem(ctx);
        return db_query(ctx, ret_stmt, search_sql[filter->oldest_first], "tiitttt",
                        bound_of(filter), (int64_t)filter->limit, (int64_t)filter->offset, pattern,
                        filter->status, filter->provider, filter->owner);
}

static enum err query_list(struct ctx *ctx, const struct job_filter *filter,
                           struct db_stmt **ret_stmt)
{
        const char *const given[] = { filter->status, filter->provider, filter->owner };
        const char *values[ARRAY_SIZE(given)] = { 0 };
        char types[] = "tiittt";
        size_t count = 0;

        for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
                if (given[i])
                        values[count++] = given[i];
        }
        types[3 + count] = '\0';
        return db_query(ctx, ret_stmt,
                        list_sql[!!given[0]][!!given[1]][!!given[2]][filter->oldest_first], types,
                        bound_of(filter), (int64_t)filter->limit, (int64_t)filter->offset,
                        values[0], values[1], values[2]);
}

enum err store_jobs_each(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row,
                         void *arg)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc =
                filter->search ? query_search(ctx, filter, &stmt) : query_list(ctx, filter, &stmt);

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

        return db_number(ctx, ret_count, sql, "ttt", filter->status, filter->provider,
                         filter->owner);
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
