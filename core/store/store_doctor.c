#include "core/store/store_doctor.h"

#include <string.h>

#include "core/db/db.h"

enum err store_doctor_quick_check(struct ctx *ctx, const char **ret_trouble)
{
        static const char sql[] = "PRAGMA quick_check(1)";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *trouble = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "");

        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, &trouble);
        if (rc != OK)
                return rc;
        *ret_trouble = trouble && strcmp(trouble, "ok") == 0 ? NULL : trouble;
        return OK;
}

enum err store_doctor_server(struct ctx *ctx, struct doctor_server *ret)
{
        static const char sql[] =
                "SELECT current_setting('server_version_num'), current_setting('server_encoding'), "
                "current_user, current_database(), "
                "CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN 1 ELSE 0 END, "
                "(SELECT COUNT(*) FROM pg_class WHERE relkind = 'r' AND "
                "relnamespace = to_regnamespace(current_schema()) AND NOT "
                "(has_table_privilege(oid, "
                "'SELECT') AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, "
                "'UPDATE') AND has_table_privilege(oid, 'DELETE'))), "
                "(SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
                "current_setting('max_connections'), "
                "CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct doctor_server server = { 0 };
        enum err rc = db_first(ctx, &stmt, sql, "");

        if (rc != OK)
                return rc;
        server.version = db_int(stmt, 0);
        server.may_create = db_int(stmt, 4) != 0;
        server.foreign_tables = db_int(stmt, 5);
        server.connections = db_int(stmt, 6);
        server.connections_max = db_int(stmt, 7);
        server.standby = db_int(stmt, 8) != 0;
        rc = db_text_dup(ctx, stmt, 1, &server.encoding);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 2, &server.role);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 3, &server.database);
        if (rc == OK)
                *ret = server;
        return rc;
}

enum err store_doctor_sessions(struct ctx *ctx, int64_t idle_s, doctor_session_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT a.pid, COALESCE(CAST(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start) "
                "AS "
                "BIGINT), 0), (SELECT COUNT(*) FROM pg_stat_activity w WHERE w.wait_event_type = "
                "'Lock' AND a.pid = ANY(pg_blocking_pids(w.pid))) AS waiting, COALESCE(a.usename, "
                "''), COALESCE(a.application_name, ''), COALESCE(CAST(a.client_addr AS TEXT), ''), "
                "COALESCE(a.state, '') FROM pg_stat_activity a WHERE a.datname = "
                "current_database() "
                "AND a.pid <> pg_backend_pid() AND ((a.state LIKE 'idle in transaction%' AND "
                "a.state_change < clock_timestamp() - CAST($1 AS BIGINT) * INTERVAL '1 second') OR "
                "EXISTS (SELECT 1 FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND "
                "a.pid "
                "= ANY(pg_blocking_pids(w.pid)))) ORDER BY 3 DESC, 2 DESC LIMIT 20";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", idle_s);

        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                const struct doctor_session session = {
                        .pid = db_int(stmt, 0),
                        .age_s = db_int(stmt, 1),
                        .waiting = db_int(stmt, 2),
                        .user = db_text(stmt, 3),
                        .application = db_text(stmt, 4),
                        .client = db_text(stmt, 5),
                        .state = db_text(stmt, 6),
                };

                row(arg, &session);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
