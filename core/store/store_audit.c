#include "core/store/store_audit.h"

#include "core/db/db.h"

enum err store_audit_insert(struct ctx *ctx, const struct audit_row *row)
{
        static const char sql[] =
                "INSERT INTO audit_log (audit_id, created_at_us, event_type, actor, actor_ip, "
                "target_type, target_id, action, details, correlation_id) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        int64_t id;
        enum err rc;

        rc = db_next(ctx, "audit", &id);
        if (rc != OK)
                return rc;
        return db_run(ctx, NULL, sql, "iitttttttt", id, clock_wall_us(ctx->clock), row->event_type,
                      row->actor, row->actor_ip, row->target_type, row->target_id, row->action,
                      row->details, row->correlation_id);
}

enum err store_audit_recent(struct ctx *ctx, const struct audit_row *like, int64_t since_us,
                            int64_t *ret_count)
{
        static const char sql[] = "SELECT COUNT(*) FROM audit_log WHERE actor_ip = $1 "
                                  "AND event_type = $2 AND created_at_us > $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tti", like->actor_ip, like->event_type, since_us);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc == OK)
                *ret_count = db_int(stmt, 0);
        return rc;
}

enum err store_audit_each(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                          void *arg)
{
        static const char sql[] =
                "SELECT audit_id, created_at_us, event_type, actor, actor_ip, target_type, "
                "target_id, action, details, correlation_id FROM audit_log WHERE audit_id < $1 "
                "AND COALESCE($2, event_type) = event_type "
                "AND COALESCE($3, target_type, '') = COALESCE(target_type, '') "
                "AND COALESCE($4, target_id, '') = COALESCE(target_id, '') "
                "ORDER BY audit_id DESC LIMIT $5";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        int64_t before = filter->before_id ? filter->before_id : INT64_MAX;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ittti", before, filter->event_type, filter->target_type,
                      filter->target_id, (int64_t)filter->limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct audit_row read = {
                        .audit_id = db_int(stmt, 0),
                        .created_at_us = db_int(stmt, 1),
                        .event_type = db_text(stmt, 2),
                        .actor = db_text(stmt, 3),
                        .actor_ip = db_text(stmt, 4),
                        .target_type = db_text(stmt, 5),
                        .target_id = db_text(stmt, 6),
                        .action = db_text(stmt, 7),
                        .details = db_text(stmt, 8),
                        .correlation_id = db_text(stmt, 9),
                };

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
