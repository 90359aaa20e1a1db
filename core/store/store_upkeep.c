#include "core/store/store_upkeep.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/db/bulk.h"
#include "core/store/store_copy_rows.h"

#define LIMITED   " LIMIT 100" /* UPKEEP_FINDINGS_MAX */
#define OF_SCHEMA "relnamespace = current_schema()::regnamespace"

struct queries {
        const char *size;       /* bytes, pages, bytes of a page, free pages, tables */
        const char *tables;     /* name, bytes */
        const char *integrity;  /* a text each */
        const char *references; /* likewise */
};

static const struct queries sqlite_queries = {
        .size = "SELECT page_count * page_size, page_count, page_size, freelist_count, "
                "(SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' "
                "AND substr(name, 1, 7) <> 'sqlite_') "
                "FROM pragma_page_count, pragma_page_size, pragma_freelist_count",
        .tables = "SELECT name, -1 FROM sqlite_master WHERE type = 'table' "
                  "AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name",
        .integrity = "SELECT integrity_check FROM pragma_integrity_check(100) "
                     "WHERE integrity_check <> 'ok'",
        .references =
                "SELECT 'Table ' || c.\"table\" || ': row ' || COALESCE(c.rowid, '?') || "
                "' references missing ' || c.parent || '.' || COALESCE((SELECT f.\"to\" "
                "FROM pragma_foreign_key_list(c.\"table\") f WHERE f.id = c.fkid AND f.seq = 0), "
                "'?') FROM pragma_foreign_key_check c" LIMITED,
};

static const struct queries pgsql_queries = {
        .size = "SELECT COALESCE(SUM(pg_total_relation_size(oid)), 0), 0, 0, 0, COUNT(*) "
                "FROM pg_class WHERE relkind = 'r' AND " OF_SCHEMA,
        .tables = "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
                  "WHERE relkind = 'r' AND " OF_SCHEMA " ORDER BY relname COLLATE \"C\"",
        .integrity = "SELECT 'Index ' || c.relname || ' is not valid' FROM pg_index i "
                     "JOIN pg_class c ON c.oid = i.indexrelid "
                     "WHERE NOT (i.indisvalid AND i.indisready) AND c." OF_SCHEMA LIMITED,
        .references = "SELECT 'Table ' || r.relname || ': constraint ' || c.conname || "
                      "' is not validated' FROM pg_constraint c "
                      "JOIN pg_class r ON r.oid = c.conrelid "
                      "WHERE NOT c.convalidated AND r." OF_SCHEMA LIMITED,
};

static const struct queries *queries_of(const struct ctx *ctx)
{
        return strcmp(db_dialect(ctx->db), "pgsql") == 0 ? &pgsql_queries : &sqlite_queries;
}

enum err store_upkeep_size(struct ctx *ctx, struct upkeep_size *ret)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, queries_of(ctx)->size, "");

        if (rc != OK)
                return rc;
        *ret = (struct upkeep_size){
                .bytes = db_int(stmt, 0),
                .page_count = db_int(stmt, 1),
                .page_size = db_int(stmt, 2),
                .free_pages = db_int(stmt, 3),
                .tables = db_int(stmt, 4),
        };
        return OK;
}

static enum err read_table(struct ctx *ctx, struct db_stmt *stmt, void *row)
{
        struct upkeep_table *table = row;

        table->bytes = db_int(stmt, 1);
        table->rows = -1;
        return db_text_dup(ctx, stmt, 0, &table->name);
}

enum err store_upkeep_tables(struct ctx *ctx, struct upkeep_table **ret)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, queries_of(ctx)->tables, "");

        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct upkeep_table, read_table), ret) : rc;
}

enum err store_upkeep_count(struct ctx *ctx, struct upkeep_table *table)
{
        CLEANUP(buf_done) struct buf text = { 0 };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *sql;
        enum err rc;

        buf_init(&text, 4 * KiB);
        buf_puts(&text, "SELECT COUNT(*) FROM ");
        copy_put_name(&text, table->name);
        sql = arena_strdup(ctx->arena, buf_str(&text));
        if (!sql)
                return ctx_nomem(ctx);
        rc = bulk_prepare(ctx, &stmt, sql);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc == OK)
                table->rows = db_int(stmt, 0);
        return rc;
}

static enum err read_finding(struct ctx *ctx, struct db_stmt *stmt, void *row)
{
        struct upkeep_finding *finding = row;

        return db_text_dup(ctx, stmt, 0, &finding->text);
}

static enum err find(struct ctx *ctx, const char *sql, struct upkeep_finding **ret)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct upkeep_finding, read_finding), ret)
                        : rc;
}

enum err store_upkeep_integrity(struct ctx *ctx, struct upkeep_finding **ret)
{
        return find(ctx, queries_of(ctx)->integrity, ret);
}

enum err store_upkeep_references(struct ctx *ctx, struct upkeep_finding **ret)
{
        return find(ctx, queries_of(ctx)->references, ret);
}
