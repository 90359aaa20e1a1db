#include "core/store/store_events.h"

#include "core/db/db.h"

enum err store_event_insert(struct ctx *ctx, const struct event *event)
{
        static const char sql[] =
                "INSERT INTO events (event_id, created_at_us, event, owner, job_id, data) "
                "VALUES ($1, $2, $3, $4, $5, $6)";
        int64_t id;
        enum err rc;

        rc = db_next(ctx, "event", &id);
        if (rc != OK)
                return rc;
        rc = db_run(ctx, NULL, sql, "iitttt", id, clock_wall_us(ctx->clock), event->event,
                    event->owner, event->job_id, event->data);
        return rc == OK ? db_notify(ctx) : rc;
}

#define SELECT_RANGE                                                                               \
        "SELECT event_id, created_at_us, event, owner, job_id, data FROM events "                  \
        "WHERE event_id > $1 AND event_id <= $2 AND COALESCE($3, owner) = owner "                  \
        "AND COALESCE($4, job_id, '') = COALESCE(job_id, '') "

static enum err each(struct ctx *ctx, const char *sql, const struct event_range *range,
                     event_row_fn *row, void *arg)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "iitti", range->after_id, range->until_id, range->owner,
                      range->job_id, (int64_t)range->limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct event event = {
                        .event_id = db_int(stmt, 0),
                        .created_at_us = db_int(stmt, 1),
                        .event = db_text(stmt, 2),
                        .owner = db_text(stmt, 3),
                        .job_id = db_text(stmt, 4),
                        .data = db_text(stmt, 5),
                };

                if (!row(arg, &event))
                        return OK;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_events_each(struct ctx *ctx, const struct event_range *range, event_row_fn *row,
                           void *arg)
{
        static const char sql[] = SELECT_RANGE "ORDER BY event_id LIMIT $5";

        return each(ctx, sql, range, row, arg);
}

enum err store_events_each_back(struct ctx *ctx, const struct event_range *range, event_row_fn *row,
                                void *arg)
{
        static const char sql[] = SELECT_RANGE "ORDER BY event_id DESC LIMIT $5";

        return each(ctx, sql, range, row, arg);
}

enum err store_events_bounds(struct ctx *ctx, int64_t *ret_oldest, int64_t *ret_newest)
{
        static const char sql[] = "SELECT (SELECT MIN(event_id) FROM events), value "
                                  "FROM counters WHERE name = 'event'";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "");
        if (rc != OK)
                return rc;
        *ret_oldest = db_int(stmt, 0);
        *ret_newest = db_int(stmt, 1);
        return OK;
}

enum err store_events_prune(struct ctx *ctx, int64_t before_us, unsigned limit, int64_t *ret_pruned)
{
        static const char sql[] =
                "DELETE FROM events WHERE event_id IN (SELECT event_id FROM events "
                "WHERE event_id < COALESCE((SELECT MIN(event_id) FROM events "
                "WHERE created_at_us >= $1), (SELECT MAX(event_id) + 1 FROM events)) "
                "ORDER BY event_id LIMIT $2)";

        return db_run(ctx, ret_pruned, sql, "ii", before_us, (int64_t)limit);
}
