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
        static const char from_one[] =
                "SELECT COUNT(*) FROM (SELECT 1 FROM audit_log WHERE event_type = $1 "
                "AND created_at_us > $2 AND actor_ip = $3 LIMIT 100) AS recent";
        static const char from_all[] =
                "SELECT COUNT(*) FROM (SELECT created_at_us FROM audit_log WHERE event_type = $1 "
                "ORDER BY audit_id DESC LIMIT 100) AS newest WHERE created_at_us > $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, like->actor_ip ? from_one : from_all,
                      like->actor_ip ? "tit" : "ti", like->event_type, since_us, like->actor_ip);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc == OK)
                *ret_count = db_int(stmt, 0);
        return rc;
}

/* The type has an index of its own, so it has statements of its own. */
#define WHERE                                                                                      \
        " FROM audit_log WHERE COALESCE($1, created_at_us) <= created_at_us "                      \
        "AND COALESCE($2, created_at_us) >= created_at_us AND COALESCE($3, actor) = actor "        \
        "AND COALESCE($4, target_type, '') = COALESCE(target_type, '') "                           \
        "AND COALESCE($5, target_id, '') = COALESCE(target_id, '')"
#define EACH(conditions)                                                                           \
        "SELECT audit_id, created_at_us, event_type, actor, actor_ip, target_type, target_id, "    \
        "action, details, correlation_id" WHERE " AND audit_id < $6" conditions                    \
        " ORDER BY audit_id DESC LIMIT $7 OFFSET $8"

static struct audit_row borrow(struct db_stmt *stmt)
{
        return (struct audit_row){
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
}

enum err store_audit_each(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                          void *arg)
{
        static const char any_type[] = EACH(""), one_type[] = EACH(" AND event_type = $9");
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const int64_t before = filter->before_id ? filter->before_id : INT64_MAX;
        enum err rc;

        rc = db_query(ctx, &stmt, filter->event_type ? one_type : any_type,
                      filter->event_type ? "zztttiiit" : "zztttiii", filter->since_us,
                      filter->until_us, filter->actor, filter->target_type, filter->target_id,
                      before, (int64_t)filter->limit, (int64_t)filter->offset, filter->event_type);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct audit_row read = borrow(stmt);

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_audit_count(struct ctx *ctx, const struct audit_filter *filter, int64_t *ret_count)
{
        static const char any_type[] = "SELECT COUNT(*)" WHERE;
        static const char one_type[] = "SELECT COUNT(*)" WHERE " AND event_type = $6";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, filter->event_type ? one_type : any_type,
                      filter->event_type ? "zztttt" : "zzttt", filter->since_us, filter->until_us,
                      filter->actor, filter->target_type, filter->target_id, filter->event_type);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc == OK)
                *ret_count = db_int(stmt, 0);
        return rc;
}
