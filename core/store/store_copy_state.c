#include "core/store/store_copy_state.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"

#define TIMES_MAX (64 * KiB)

enum err store_copy_state_get(struct ctx *ctx, struct copy_state *ret)
{
        static const char sql[] = "SELECT source_id, source, table_name, rows_written, "
                                  "started_at_us FROM copy_progress";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct copy_state state = { 0 };
        bool exists = false;
        enum err rc;

        rc = db_has_table(ctx, "copy_progress", &exists);
        if (rc == OK && !exists)
                return ctx_fail(ctx, ERR_NOT_FOUND, "the database is no unfinished copy");
        if (rc == OK)
                rc = db_first(ctx, &stmt, sql, "");
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, &state.source_id);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 1, &state.source);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 2, &state.table);
        if (rc != OK)
                return rc;
        state.rows = db_int(stmt, 3);
        state.started_at_us = db_int(stmt, 4);
        *ret = state;
        return OK;
}

enum err store_copy_check_finished(struct ctx *ctx)
{
        struct copy_state state;
        enum err rc = store_copy_state_get(ctx, &state);

        if (rc == ERR_NOT_FOUND)
                return OK;
        if (rc != OK)
                return rc;
        return ctx_fail(ctx, ERR_NOT_READY,
                        "the database is a copy of %s that is not finished: run the same "
                        "\"simpletuner-cloud copy\" again, it goes on where it stopped",
                        state.source);
}

enum err store_copy_state_begin(struct ctx *ctx, const struct copy_state *state)
{
        static const char create[] = "CREATE TABLE copy_progress ("
                                     " one BIGINT PRIMARY KEY CHECK (one = 1),"
                                     " source_id TEXT NOT NULL,"
                                     " source TEXT NOT NULL,"
                                     " table_name TEXT NOT NULL,"
                                     " rows_written BIGINT NOT NULL,"
                                     " started_at_us BIGINT NOT NULL)";
        static const char insert[] = "INSERT INTO copy_progress (one, source_id, source, "
                                     "table_name, rows_written, started_at_us) "
                                     "VALUES (1, $1, $2, '', 0, $3)";
        enum err rc = db_exec_script(ctx, create);

        if (rc != OK)
                return rc;
        return db_run(ctx, NULL, insert, "tti", state->source_id, state->source,
                      state->started_at_us);
}

enum err store_copy_state_note(struct ctx *ctx, const char *table, int64_t rows)
{
        static const char sql[] = "UPDATE copy_progress SET table_name = $1, "
                                  "rows_written = rows_written + $2";

        return db_run(ctx, NULL, sql, "ti", table, rows);
}

enum err store_copy_state_end(struct ctx *ctx)
{
        bool is_pgsql = strcmp(db_dialect(ctx->db), "pgsql") == 0;

        return db_exec_script(ctx, is_pgsql ? "DROP TABLE copy_progress; ANALYZE"
                                            : "DROP TABLE copy_progress");
}

enum err store_copy_source_id(struct ctx *ctx, const char **ret)
{
        static const char sql[] =
                "SELECT version, applied_at_us FROM schema_migrations ORDER BY version";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        CLEANUP(buf_done) struct buf times = { 0 };
        char hex[SHA256_HEX_SIZE];
        enum err rc;

        buf_init(&times, TIMES_MAX);
        rc = db_query(ctx, &stmt, sql, "");
        while (rc == OK && (rc = db_step(ctx, stmt)) == OK)
                buf_printf(&times, "%" PRId64 " %" PRId64 "\n", db_int(stmt, 0), db_int(stmt, 1));
        if (rc != ERR_NOT_FOUND)
                return rc;
        if (!buf_ok(&times) || !crypto_sha256_hex(buf_str(&times), times.len, hex))
                return ctx_nomem(ctx);
        return ctx_strdup(ctx, hex, ret);
}

enum err store_copy_take_times(struct ctx *from, struct ctx *to)
{
        static const char read[] =
                "SELECT version, applied_at_us FROM schema_migrations ORDER BY version";
        static const char write[] =
                "UPDATE schema_migrations SET applied_at_us = $1 WHERE version = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(from, &stmt, read, "");

        while (rc == OK && (rc = db_step(from, stmt)) == OK)
                rc = db_run(to, NULL, write, "ii", db_int(stmt, 1), db_int(stmt, 0));
        return rc == ERR_NOT_FOUND ? OK : rc;
}
