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
        return db_run(ctx, NULL, sql, "iitttt", id, clock_wall_us(ctx->clock), event->event,
                      event->owner, event->job_id, event->data);
}

enum err store_events_each(struct ctx *ctx, const struct event_range *range, event_row_fn *row,
                           void *arg)
{
        static const char sql[] = "SELECT event_id, created_at_us, event, owner, job_id, data "
                                  "FROM events WHERE event_id > $1 AND COALESCE($2, owner) = owner "
                                  "ORDER BY event_id LIMIT $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "iti", range->after_id, range->owner, (int64_t)range->limit);
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

                row(arg, &event);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_events_bounds(struct ctx *ctx, int64_t *ret_oldest, int64_t *ret_newest)
{
        static const char sql[] = "SELECT (SELECT MIN(event_id) FROM events), value "
                                  "FROM counters WHERE name = 'event'";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "");
        if (rc == OK)
                rc = db_step(ctx, stmt);
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
                "WHERE created_at_us < $1 ORDER BY created_at_us LIMIT $2)";

        return db_run(ctx, ret_pruned, sql, "ii", before_us, (int64_t)limit);
}
