#include "core/store/store_backup.h"

#include <inttypes.h>

#include "core/base/buf.h"
#include "core/db/db.h"
#include "core/store/store_totals.h"

#define UNTOLD "restore_untold"

enum err store_restores(struct ctx *ctx, int64_t *ret)
{
        return db_number(ctx, ret, "SELECT value FROM counters WHERE name = 'restore'", "");
}

enum err store_restore_untold(struct ctx *ctx, int64_t *ret_us)
{
        enum err rc =
                db_number(ctx, ret_us, "SELECT value FROM counters WHERE name = '" UNTOLD "'", "");

        if (rc != ERR_NOT_FOUND)
                return rc;
        *ret_us = 0;
        return OK;
}

enum err store_database_since(struct ctx *ctx, int64_t *ret_us)
{
        return db_number(ctx, ret_us, "SELECT MIN(applied_at_us) FROM schema_migrations", "");
}

static enum err take_total(struct ctx *ctx, void *arg, const struct total *total)
{
        struct store_continuity *into = arg;

        (void)ctx;
        if (total->kind == TOTAL_BACKUP_SUCCESS_US)
                into->success_us = total->value;
        else if (total->kind == TOTAL_BACKUP_VERIFIED_US)
                into->verified_us = total->value;
        else if (total->kind == TOTAL_BACKUP_BYTES)
                into->bytes = total->value;
        else if (total->kind == TOTAL_BACKUP_TOOK_US)
                into->took_us = total->value;
        else if (total->kind == TOTAL_BACKUPS_FAILED)
                into->failed = total->value;
        return OK;
}

enum err store_continuity_get(struct ctx *ctx, struct store_continuity *ret)
{
        struct store_continuity found = { 0 };
        enum err rc = store_restores(ctx, &found.restores);

        if (rc == ERR_NOT_FOUND) /* of an older schema */
                rc = OK;
        if (rc == OK)
                rc = db_number(ctx, &found.event, "SELECT value FROM counters WHERE name = 'event'",
                               "");
        if (rc == OK)
                rc = store_totals_each(ctx, take_total, &found);
        if (rc == OK)
                *ret = found;
        return rc;
}

static enum err raise_counter(struct ctx *ctx, const char *name, int64_t value)
{
        static const char sql[] = "UPDATE counters SET value = $2 WHERE name = $1 AND value < $2";

        return db_run(ctx, NULL, sql, "ti", name, value);
}

enum err store_continuity_put(struct ctx *ctx, const struct store_continuity *from)
{
        const struct {
                enum total_kind kind;
                int64_t value;
        } totals[] = {
                { TOTAL_BACKUP_SUCCESS_US, from->success_us },
                { TOTAL_BACKUP_VERIFIED_US, from->verified_us },
                { TOTAL_BACKUP_BYTES, from->bytes },
                { TOTAL_BACKUP_TOOK_US, from->took_us },
                { TOTAL_BACKUPS_FAILED, from->failed },
        };
        int64_t count;
        enum err rc = raise_counter(ctx, "restore", from->restores);

        if (rc == OK)
                rc = db_next(ctx, "restore", &count);
        if (rc == OK)
                rc = db_run(ctx, NULL, "DELETE FROM counters WHERE name = '" UNTOLD "'", "");
        if (rc == OK)
                rc = raise_counter(ctx, "event", from->event);
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(totals); i++) {
                if (totals[i].value)
                        rc = store_total_set(ctx, totals[i].kind, totals[i].value);
        }
        return rc;
}

/* ---- PostgreSQL ---- */

enum err store_snapshot_begin(struct ctx *ctx, const char **ret_name)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        bool exists;
        enum err rc = db_has_table(ctx, "schema_migrations", &exists); /* it connects */

        if (rc == OK)
                rc = db_exec_script(ctx, "SET idle_in_transaction_session_timeout = 0;"
                                         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        if (rc == OK)
                rc = db_first(ctx, &stmt, "SELECT pg_export_snapshot()", "");
        return rc == OK ? db_text_dup(ctx, stmt, 0, ret_name) : rc;
}

void store_snapshot_end(struct ctx *ctx)
{
        db_disconnect(ctx);
}

/* Counting needs the name of a table as part of a statement, which the server makes itself. */
enum err store_tables_each(struct ctx *ctx, store_table_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT relname, (xpath('/row/c/text()', query_to_xml(format("
                "'SELECT count(*) AS c FROM %I.%I', current_schema(), relname), false, true, "
                "'')))[1]::text FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' "
                "AND relnamespace = current_schema()::regnamespace ORDER BY relname";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        while (rc == OK && (rc = db_step(ctx, stmt)) == OK)
                rc = row(ctx, arg, db_text(stmt, 0), db_int(stmt, 1));
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_server_get(struct ctx *ctx, struct store_server *ret)
{
        static const char sql[] =
                "SELECT current_setting('server_version_num')::int / 10000, current_schema(), "
                "pg_database_size(current_database())";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "");

        if (rc != OK)
                return rc;
        ret->major = db_int(stmt, 0);
        ret->bytes = db_int(stmt, 2);
        return db_text_dup(ctx, stmt, 1, &ret->schema);
}

#define SCRIPT_MAX (256 * KiB)

/* An identifier of the server's, quoted. */
static void put_name(struct buf *out, const char *name)
{
        buf_putc(out, '"');
        for (; *name; name++) {
                if (*name == '"')
                        buf_putc(out, '"');
                buf_putc(out, *name);
        }
        buf_putc(out, '"');
}

struct script {
        struct buf *out;
        const char *schema;
};

static enum err put_drop(struct ctx *ctx, void *arg, const char *table, int64_t rows)
{
        const struct script *script = arg;

        (void)rows;
        buf_puts(script->out, "DROP TABLE ");
        put_name(script->out, script->schema);
        buf_putc(script->out, '.');
        put_name(script->out, table);
        return buf_puts(script->out, " CASCADE;\n") ? OK : ctx_nomem(ctx);
}

static enum err keep(struct ctx *ctx, const struct buf *out, const char **ret)
{
        *ret = buf_ok(out) ? arena_strdup(ctx->arena, buf_str(out)) : NULL;
        return *ret ? OK : ctx_nomem(ctx);
}

enum err store_restore_head(struct ctx *ctx, const char **ret)
{
        CLEANUP(buf_done) struct buf out = { 0 };
        struct store_server server;
        struct script script = { &out, NULL };
        enum err rc;

        buf_init(&out, SCRIPT_MAX);
        buf_puts(&out, "BEGIN;\nSET LOCAL lock_timeout = '60s';\n");
        rc = store_server_get(ctx, &server);
        script.schema = server.schema;
        if (rc == OK)
                rc = store_tables_each(ctx, put_drop, &script);
        return rc == OK ? keep(ctx, &out, ret) : rc;
}

enum err store_restore_tail(struct ctx *ctx, const struct store_continuity *from,
                            int64_t begun_at_us, const char **ret)
{
        CLEANUP(buf_done) struct buf out = { 0 };
        struct store_server server;
        enum err rc = store_server_get(ctx, &server);

        if (rc != OK)
                return rc;
        buf_init(&out, SCRIPT_MAX);
        buf_puts(&out, "\nUPDATE ");
        put_name(&out, server.schema);
        buf_printf(&out,
                   ".counters SET value = CASE name WHEN 'restore' THEN greatest(value, %" PRId64
                   ") + 1 ELSE greatest(value, %" PRId64
                   ") END WHERE name IN ('restore', 'event');\nINSERT INTO ",
                   from->restores, from->event);
        put_name(&out, server.schema);
        buf_printf(&out,
                   ".counters (name, value) VALUES ('" UNTOLD "', %" PRId64
                   ") ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value;\nCOMMIT;\n",
                   begun_at_us);
        return keep(ctx, &out, ret);
}

enum err store_rehearsal_make(struct ctx *ctx, const char *database, const char **ret)
{
        CLEANUP(buf_done) struct buf out = { 0 };

        buf_init(&out, SCRIPT_MAX);
        buf_puts(&out, "CREATE DATABASE ");
        put_name(&out, database);
        buf_puts(&out, " TEMPLATE template0;\n");
        return keep(ctx, &out, ret);
}

enum err store_rehearsal_head(struct ctx *ctx, const char **ret)
{
        CLEANUP(buf_done) struct buf out = { 0 };
        struct store_server server;
        enum err rc = store_server_get(ctx, &server);

        if (rc != OK)
                return rc;
        buf_init(&out, SCRIPT_MAX);
        buf_puts(&out, "CREATE SCHEMA IF NOT EXISTS ");
        put_name(&out, server.schema);
        buf_puts(&out, ";\n");
        return keep(ctx, &out, ret);
}

enum err store_rehearsal_drop(struct ctx *ctx, const char *database, const char **ret)
{
        CLEANUP(buf_done) struct buf out = { 0 };

        buf_init(&out, SCRIPT_MAX);
        buf_puts(&out, "DROP DATABASE IF EXISTS ");
        put_name(&out, database);
        buf_puts(&out, " WITH (FORCE);\n");
        return keep(ctx, &out, ret);
}
