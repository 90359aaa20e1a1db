#include "core/store/store_audit.h"

#include "core/db/db.h"
#include "core/store/audit_row.h"

static enum err read_head(struct ctx *ctx, struct db_stmt *stmt, struct audit_head *ret)
{
        struct audit_head head = { .audit_id = db_int(stmt, 0), .entries = db_int(stmt, 1) };
        enum err rc;

        rc = db_text_dup(ctx, stmt, 2, &head.entry_hash);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 3, &head.mac);
        if (rc == OK)
                *ret = head;
        return rc;
}

enum err store_audit_head_lock(struct ctx *ctx, struct audit_head *ret)
{
        static const char sql[] = "UPDATE audit_head SET audit_id = audit_id WHERE one = 1 "
                                  "RETURNING audit_id, entries, entry_hash, mac";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "");
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_INTERNAL,
                                "the head of the audit log is gone from the database: run "
                                "\"simpletuner-cloud audit verify\"");
        return rc == OK ? read_head(ctx, stmt, ret) : rc;
}

enum err store_audit_head_get(struct ctx *ctx, struct audit_head *ret)
{
        static const char sql[] =
                "SELECT audit_id, entries, entry_hash, mac FROM audit_head WHERE one = 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "");
        return rc == OK ? read_head(ctx, stmt, ret) : rc;
}

enum err store_audit_head_put(struct ctx *ctx, const struct audit_head *head)
{
        static const char sql[] = "UPDATE audit_head SET audit_id = $1, entries = $2, "
                                  "entry_hash = $3, mac = $4 WHERE one = 1";

        return db_run(ctx, NULL, sql, "iitt", head->audit_id, head->entries, head->entry_hash,
                      head->mac);
}

/* From column first on. */
static enum err read_anchor(struct ctx *ctx, struct db_stmt *stmt, unsigned first,
                            struct audit_anchor *ret)
{
        struct audit_anchor anchor = {
                .first_id = db_int(stmt, first),
                .pruned = db_int(stmt, first + 2),
                .unchained = db_int(stmt, first + 3),
        };
        enum err rc;

        rc = db_text_dup(ctx, stmt, first + 1, &anchor.previous_hash);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, first + 4, &anchor.mac);
        if (rc == OK)
                *ret = anchor;
        return rc;
}

enum err store_audit_anchor_get(struct ctx *ctx, struct audit_anchor *ret)
{
        static const char sql[] = "SELECT first_id, previous_hash, pruned, unchained, mac "
                                  "FROM audit_anchor WHERE one = 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "");
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_INTERNAL,
                                "the anchor of the audit log is gone from the database: run "
                                "\"simpletuner-cloud audit verify\"");
        return rc == OK ? read_anchor(ctx, stmt, 0, ret) : rc;
}

enum err store_audit_anchor_put(struct ctx *ctx, const struct audit_anchor *anchor)
{
        static const char sql[] = "UPDATE audit_anchor SET first_id = $1, previous_hash = $2, "
                                  "pruned = $3, unchained = $4, mac = $5 WHERE one = 1";

        return db_run(ctx, NULL, sql, "itiit", anchor->first_id, anchor->previous_hash,
                      anchor->pruned, anchor->unchained, anchor->mac);
}

enum err store_audit_rows_restore(struct ctx *ctx)
{
        static const char head[] = "INSERT INTO audit_head (one, audit_id, entries) "
                                   "VALUES (1, 0, 0) ON CONFLICT (one) DO NOTHING";
        static const char anchor[] =
                "INSERT INTO audit_anchor (one, first_id, pruned, unchained) "
                "VALUES (1, 9223372036854775807, 0, 0) ON CONFLICT (one) DO NOTHING";
        enum err rc = db_run(ctx, NULL, head, "");

        return rc == OK ? db_run(ctx, NULL, anchor, "") : rc;
}

enum err store_audit_insert(struct ctx *ctx, const struct audit_row *row)
{
        static const char insert[] = "INSERT INTO audit_log (" AUDIT_COLUMNS ") "
                                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
                                     "$13)";
        static const char count[] =
                "INSERT INTO audit_counts (event_type, entries, written) VALUES ($1, 1, 1) "
                "ON CONFLICT (event_type) DO UPDATE SET entries = audit_counts.entries + 1, "
                "written = audit_counts.written + 1";
        enum err rc;

        rc = db_run(ctx, NULL, insert, "iiztttttttttt", row->audit_id, row->created_at_us,
                    row->actor_id, row->event_type, row->actor, row->actor_ip, row->target_type,
                    row->target_id, row->action, row->details, row->correlation_id,
                    row->previous_hash, row->entry_hash);
        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, ERR_INTERNAL,
                                "the audit log has an entry %lld that is not its own: run "
                                "\"simpletuner-cloud audit verify\"",
                                (long long)row->audit_id);
        return rc == OK ? db_run(ctx, NULL, count, "t", row->event_type) : rc;
}

enum err store_audit_state(struct ctx *ctx, struct audit_state *ret)
{
        static const char sql[] =
                "SELECT h.audit_id, h.entries, h.entry_hash, h.mac, a.first_id, a.previous_hash, "
                "a.pruned, a.unchained, a.mac, (SELECT MAX(audit_id) FROM audit_log), "
                "(SELECT COUNT(*) FROM audit_log WHERE audit_id < a.first_id) "
                "FROM audit_head h CROSS JOIN audit_anchor a";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct audit_state state;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "");
        if (rc == OK)
                rc = read_head(ctx, stmt, &state.head);
        if (rc == OK)
                rc = read_anchor(ctx, stmt, 4, &state.anchor);
        if (rc != OK)
                return rc;
        state.newest_id = db_int(stmt, 9);
        state.older = db_int(stmt, 10);
        *ret = state;
        return OK;
}

enum err store_audit_scan(struct ctx *ctx, int64_t first_id, unsigned limit, audit_scan_fn *row,
                          void *arg)
{
        static const char sql[] = "SELECT " AUDIT_COLUMNS " FROM audit_log WHERE audit_id >= $1 "
                                  "ORDER BY audit_id LIMIT $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ii", first_id, (int64_t)limit);
        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                struct audit_row read = audit_row_borrow(stmt);

                rc = row(ctx, arg, &read);
                if (rc != OK)
                        return rc;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_audit_hash(struct ctx *ctx, int64_t audit_id, const char **ret_hash)
{
        static const char sql[] = "SELECT entry_hash FROM audit_log WHERE audit_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "i", audit_id);
        return rc == OK ? db_text_dup(ctx, stmt, 0, ret_hash) : rc;
}

static enum err count(struct ctx *ctx, struct db_stmt *stmt, int64_t *ret_count)
{
        enum err rc = db_step(ctx, stmt);

        if (rc == OK)
                *ret_count = db_int(stmt, 0);
        return rc;
}

enum err store_audit_hashed(struct ctx *ctx, int64_t *ret_count)
{
        static const char sql[] = "SELECT COUNT(*) FROM audit_log WHERE entry_hash IS NOT NULL";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        return rc == OK ? count(ctx, stmt, ret_count) : rc;
}

enum err store_audit_prune(struct ctx *ctx, int64_t from_id, int64_t to_id)
{
        static const char uncount[] =
                "UPDATE audit_counts SET entries = entries - "
                "(SELECT COUNT(*) FROM audit_log l WHERE l.audit_id >= $1 AND l.audit_id <= $2 "
                "AND l.event_type = audit_counts.event_type)";
        static const char forget[] = "DELETE FROM audit_log WHERE audit_id >= $1 AND audit_id <= "
                                     "$2";
        enum err rc;

        rc = db_run(ctx, NULL, uncount, "ii", from_id, to_id);
        return rc == OK ? db_run(ctx, NULL, forget, "ii", from_id, to_id) : rc;
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
        return rc == OK ? count(ctx, stmt, ret_count) : rc;
}
