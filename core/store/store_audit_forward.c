#include "core/store/store_audit_forward.h"

#include "core/db/db.h"

#define FAR_US US_PER_HOUR

enum err store_audit_cursor_get(struct ctx *ctx, const char *target, struct audit_cursor *ret)
{
        static const char sql[] =
                "SELECT f.last_id, h.audit_id, f.claimed_until_us, f.next_at_us, f.failures, "
                "f.last_error, f.forwarded_at_us FROM audit_forward f CROSS JOIN audit_head h "
                "WHERE f.target = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct audit_cursor cursor = { .target = target };
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", target);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 5, &cursor.last_error);
        if (rc != OK)
                return rc;
        cursor.last_id = db_int(stmt, 0);
        cursor.newest_id = db_int(stmt, 1);
        cursor.claimed_until_us = db_int(stmt, 2);
        cursor.next_at_us = db_int(stmt, 3);
        cursor.failures = db_int(stmt, 4);
        cursor.forwarded_at_us = db_int(stmt, 6);
        *ret = cursor;
        return OK;
}

enum err store_audit_cursor_begin(struct ctx *ctx, const char *target)
{
        static const char sql[] =
                "INSERT INTO audit_forward (target, last_id) SELECT $1, audit_id FROM audit_head "
                "WHERE one = 1 "
                "ON CONFLICT (target) DO UPDATE SET next_at_us = 0, failures = 0, last_error = "
                "NULL";

        return db_run(ctx, NULL, sql, "t", target);
}

enum err store_audit_cursor_end(struct ctx *ctx, const char *target)
{
        static const char sql[] = "DELETE FROM audit_forward WHERE target = $1";

        return db_run(ctx, NULL, sql, "t", target);
}

enum err store_audit_cursor_claim(struct ctx *ctx, const char *target, int64_t now_us,
                                  int64_t until_us)
{
        static const char sql[] =
                "UPDATE audit_forward SET claimed_until_us = $3 WHERE target = $1 "
                "AND (claimed_until_us <= $2 OR claimed_until_us > $4) "
                "AND (next_at_us <= $2 OR next_at_us > $4)";
        int64_t claimed = 0;
        enum err rc;

        rc = db_run(ctx, &claimed, sql, "tiii", target, now_us, until_us, now_us + FAR_US);
        if (rc == OK && claimed == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "another forwards the audit log");
        return rc;
}

enum err store_audit_cursor_put(struct ctx *ctx, const struct audit_cursor *cursor)
{
        static const char sql[] =
                "UPDATE audit_forward SET last_id = $2, claimed_until_us = 0, next_at_us = $4, "
                "failures = $5, last_error = $6, forwarded_at_us = $7 "
                "WHERE target = $1 AND claimed_until_us = $3";

        return db_run(ctx, NULL, sql, "tiiiitz", cursor->target, cursor->last_id,
                      cursor->claimed_until_us, cursor->next_at_us, cursor->failures,
                      cursor->last_error, cursor->forwarded_at_us);
}

enum err store_audit_forwarded(struct ctx *ctx, int64_t *ret_id)
{
        static const char sql[] = "SELECT COALESCE(MIN(last_id), 9223372036854775807) "
                                  "FROM audit_forward";

        return db_number(ctx, ret_id, sql, "");
}
