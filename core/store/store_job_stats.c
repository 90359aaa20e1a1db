#include "core/store/store_job_stats.h"

#include "core/db/db.h"

#define MICROS_MAX 1e18 /* sums beyond are no money; int64_t holds it */

/* One number of a statement that always has one row. */
static enum err read_number(struct ctx *ctx, struct db_stmt *stmt, int64_t *ret)
{
        enum err rc = db_step(ctx, stmt);
        double number;

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_INTERNAL : rc;
        number = db_real(stmt, 0);
        *ret = number < MICROS_MAX ? (int64_t)number : (int64_t)MICROS_MAX;
        return OK;
}

/* The spans that costs are kept by, shortest first. */
static const int64_t spans_s[] = { 3600, 86400 };

enum err store_cost_add(struct ctx *ctx, const struct job *job, int64_t usd_micros)
{
        static const char sql[] =
                "INSERT INTO provider_costs (provider, span_s, slot, cost_usd_micros) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT (provider, span_s, slot) "
                "DO UPDATE SET cost_usd_micros = provider_costs.cost_usd_micros + $4";
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(spans_s); i++)
                rc = db_run(ctx, NULL, sql, "tiii", job->provider, spans_s[i],
                            job->created_at_us / (spans_s[i] * US_PER_S), usd_micros);
        return rc;
}

enum err store_cost_since(struct ctx *ctx, const char *provider, int64_t since_us,
                          int64_t *ret_usd_micros)
{
        static const char sql[] = "SELECT COALESCE(SUM(cost_usd_micros), 0) FROM provider_costs "
                                  "WHERE provider = $1 AND span_s = $2 AND slot >= $3";
        const int64_t age_us = clock_wall_us(ctx->clock) - since_us;
        const int64_t span_s = spans_s[age_us > US_PER_DAY];
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tii", provider, span_s, since_us / (span_s * US_PER_S));
        return rc == OK ? read_number(ctx, stmt, ret_usd_micros) : rc;
}

/* SQL, in floating point because prices are free: how long a job has run, in seconds, at most its
 * limit; and what that costs in USD micros. $2 is now. */
#define ELAPSED_S                                                                                  \
        "CAST(CASE WHEN started_at_us IS NULL OR started_at_us > $2 THEN 0 "                       \
        "WHEN $2 - started_at_us > max_runtime_s * 1000000 THEN max_runtime_s * 1000000 "          \
        "ELSE $2 - started_at_us END AS DOUBLE PRECISION) / 1000000"
#define ELAPSED_COST ELAPSED_S " * price_usd_nanos_per_s / 1000"

#define COST_OF_ACTIVE                                                                             \
        "SELECT COALESCE(SUM(CASE WHEN " ELAPSED_COST " > estimated_cost_usd_micros "              \
        "THEN " ELAPSED_COST " ELSE estimated_cost_usd_micros END), 0) FROM jobs "                 \
        "WHERE status IN ('pending', 'uploading', 'queued', 'running') AND "

enum err store_cost_of_active(struct ctx *ctx, const char *provider, int64_t *ret_usd_micros)
{
        static const char sql[] = COST_OF_ACTIVE "provider = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ti", provider, clock_wall_us(ctx->clock));
        return rc == OK ? read_number(ctx, stmt, ret_usd_micros) : rc;
}

enum err store_cost_of_active_of(struct ctx *ctx, const char *owner, int64_t *ret_usd_micros)
{
        static const char sql[] = COST_OF_ACTIVE "owner = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ti", owner, clock_wall_us(ctx->clock));
        return rc == OK ? read_number(ctx, stmt, ret_usd_micros) : rc;
}

enum err store_cost_of_owner_since(struct ctx *ctx, const char *owner, int64_t since_us,
                                   int64_t *ret_usd_micros)
{
        static const char sql[] = "SELECT COALESCE(SUM(cost_usd_micros), 0) FROM job_hours "
                                  "WHERE owner = $1 AND hour >= $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ti", owner, since_us / US_PER_HOUR);
        return rc == OK ? read_number(ctx, stmt, ret_usd_micros) : rc;
}

static enum err active_cost_of(struct ctx *ctx, const struct job_history *of,
                               int64_t *ret_usd_micros)
{
        static const char sql[] = COST_OF_ACTIVE "provider = $1 AND owner = $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tit", of->provider, clock_wall_us(ctx->clock), of->owner);
        return rc == OK ? read_number(ctx, stmt, ret_usd_micros) : rc;
}

enum err store_cost_of_owner(struct ctx *ctx, const struct job_history *of, struct cost_share *ret)
{
        static const char sql[] = "SELECT COALESCE(SUM(cost_usd_micros), 0) FROM job_hours "
                                  "WHERE provider = $1 AND owner = $2 AND hour >= $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct cost_share share;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tti", of->provider, of->owner, of->since_us / US_PER_HOUR);
        if (rc == OK)
                rc = read_number(ctx, stmt, &share.spent_usd_micros);
        if (rc == OK)
                rc = active_cost_of(ctx, of, &share.running_usd_micros);
        if (rc == OK)
                *ret = share;
        return rc;
}

enum err store_job_runs(struct ctx *ctx, const struct job_history *history, struct job_runs *ret)
{
        static const char sql[] =
                "SELECT COALESCE(SUM(completed), 0), COALESCE(SUM(run_us), 0) FROM job_hours "
                "WHERE provider = $1 AND hour >= $2 AND owner = $3 AND hardware_profile = $4";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "titt", history->provider, history->since_us / US_PER_HOUR,
                      history->owner, history->hardware_profile);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_INTERNAL : rc;
        *ret = (struct job_runs){ .completed = db_int(stmt, 0), .run_us = db_int(stmt, 1) };
        return OK;
}

enum err store_job_days_each(struct ctx *ctx, const struct job_days *days, job_day_fn *row,
                             void *arg)
{
        static const char sql[] =
                "SELECT hour / 24, SUM(jobs), SUM(completed), SUM(failed), SUM(cancelled), "
                "SUM(run_us), SUM(cost_usd_micros) FROM job_hours "
                "WHERE provider = $1 AND hour >= $2 AND COALESCE($3, owner) = owner "
                "GROUP BY hour / 24 ORDER BY hour / 24";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tit", days->provider, days->first_day * 24, days->owner);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct job_day day = {
                        .day = db_int(stmt, 0),
                        .jobs = db_int(stmt, 1),
                        .completed = db_int(stmt, 2),
                        .failed = db_int(stmt, 3),
                        .cancelled = db_int(stmt, 4),
                        .run_us = db_int(stmt, 5),
                        .cost_usd_micros = db_int(stmt, 6),
                };

                row(arg, &day);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
