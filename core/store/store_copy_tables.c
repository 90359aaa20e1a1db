#include "core/store/store_copy_tables.h"

#include <string.h>

#define TABLES_MAX  200 /* deeper than that it is a circle */
#define NOT_OF_ROWS "('schema_migrations', 'copy_progress', 'limit_windows')"

struct queries {
        const char *dialect;
        const char *tables, *columns, *references;
};

/* columns: name, type, place in the primary key. */
static const struct queries queries[] = {
        {
                .dialect = "sqlite",
                .tables = "SELECT name FROM sqlite_master WHERE type = 'table' "
                          "AND substr(name, 1, 7) <> 'sqlite_' AND name NOT IN " NOT_OF_ROWS
                          " ORDER BY name",
                .columns = "SELECT name, lower(type), pk FROM pragma_table_info($1) ORDER BY cid",
                .references = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)",
        },
        {
                .dialect = "pgsql",
                .tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
                          "AND relnamespace = current_schema()::regnamespace "
                          "AND relname NOT IN " NOT_OF_ROWS " ORDER BY relname COLLATE \"C\"",
                .columns = "SELECT a.attname, format_type(a.atttypid, NULL), "
                           "COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0) "
                           "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                           "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
                           "WHERE c.relnamespace = current_schema()::regnamespace "
                           "AND c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped "
                           "ORDER BY a.attnum",
                .references = "SELECT DISTINCT p.relname FROM pg_constraint f "
                              "JOIN pg_class c ON c.oid = f.conrelid "
                              "JOIN pg_class p ON p.oid = f.confrelid "
                              "WHERE f.contype = 'f' AND c.relname = $1 "
                              "AND c.relnamespace = current_schema()::regnamespace",
        },
};

static const struct queries *queries_of(const struct ctx *ctx)
{
        return &queries[strcmp(db_dialect(ctx->db), queries[0].dialect) == 0 ? 0 : 1];
}

static enum err read_table(struct ctx *ctx, struct db_stmt *stmt, void *row)
{
        struct copy_table *table = row;

        return db_text_dup(ctx, stmt, 0, &table->name);
}

static enum err read_column(struct ctx *ctx, struct db_stmt *stmt, void *row)
{
        struct copy_column *column = row;
        const char *type = db_text(stmt, 1);

        column->is_integer = strcmp(type, "bigint") == 0 || strcmp(type, "integer") == 0;
        column->key = (unsigned)db_int(stmt, 2);
        if (!column->is_integer && strcmp(type, "text") != 0)
                return ctx_fail(ctx, ERR_UNSUPPORTED, "column %s is a %s, which is not copied",
                                db_text(stmt, 0), type);
        return db_text_dup(ctx, stmt, 0, &column->name);
}

static enum err find_key(struct ctx *ctx, struct copy_table *table)
{
        unsigned at = 0;

        for (struct copy_column *column = table->columns; column; column = column->next) {
                table->column_count++;
                table->key_count += column->key > 0;
        }
        if (table->key_count == 0)
                return ctx_fail(ctx, ERR_UNSUPPORTED, "the table has no primary key");
        table->key = arena_alloc(ctx->arena, table->key_count * sizeof(*table->key));
        if (!table->key)
                return ctx_nomem(ctx);
        for (struct copy_column *column = table->columns; column; column = column->next, at++) {
                if (column->key > 0)
                        table->key[column->key - 1] = at;
        }
        return OK;
}

static enum err read_columns(struct ctx *ctx, struct copy_table *table)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, queries_of(ctx)->columns, "t", table->name);
        if (rc == OK)
                rc = db_collect(ctx, stmt, DB_LIST(struct copy_column, read_column),
                                &table->columns);
        return rc == OK ? find_key(ctx, table) : rc;
}

static struct copy_table *find_table(struct copy_table *tables, const char *name)
{
        while (tables && strcmp(tables->name, name) != 0)
                tables = tables->next;
        return tables;
}

/* Put the table below all that it refers to. *ret_moved: it was not there yet. */
static enum err settle(struct ctx *ctx, struct copy_table *tables, struct copy_table *table,
                       bool *ret_moved)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, queries_of(ctx)->references, "t", table->name);
        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                struct copy_table *parent = find_table(tables, db_text(stmt, 0));

                if (!parent || parent == table)
                        continue;
                parent->is_referenced = true;
                if (table->depth > parent->depth)
                        continue;
                table->depth = parent->depth + 1;
                *ret_moved = true;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* By depth; within one as they were, by name. */
static struct copy_table *in_order(struct copy_table *tables)
{
        struct copy_table *sorted = NULL;

        for (struct copy_table *table = tables, *next; table; table = next) {
                struct copy_table **at = &sorted;

                next = table->next;
                while (*at && (*at)->depth <= table->depth)
                        at = &(*at)->next;
                table->next = *at;
                *at = table;
        }
        return sorted;
}

enum err store_copy_tables(struct ctx *ctx, struct copy_table **ret)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct copy_table *tables = NULL;
        bool moved = true;
        enum err rc;

        rc = db_query(ctx, &stmt, queries_of(ctx)->tables, "");
        if (rc == OK)
                rc = db_collect(ctx, stmt, DB_LIST(struct copy_table, read_table), &tables);
        for (struct copy_table *table = tables; rc == OK && table; table = table->next) {
                rc = read_columns(ctx, table);
                if (rc == ERR_UNSUPPORTED)
                        return ctx_prefix(ctx, rc, table->name);
        }
        for (unsigned turn = 0; rc == OK && moved; turn++) {
                if (turn > TABLES_MAX)
                        return ctx_fail(ctx, ERR_UNSUPPORTED, "tables refer to each other");
                moved = false;
                for (struct copy_table *table = tables; rc == OK && table; table = table->next)
                        rc = settle(ctx, tables, table, &moved);
        }
        if (rc == OK)
                *ret = in_order(tables);
        return rc;
}

static bool is_same_column(const struct copy_column *a, const struct copy_column *b)
{
        return strcmp(a->name, b->name) == 0 && a->is_integer == b->is_integer && a->key == b->key;
}

static enum err same_columns(struct ctx *ctx, const struct copy_table *from,
                             const struct copy_table *to)
{
        const struct copy_column *a = from->columns, *b = to->columns;

        for (; a && b; a = a->next, b = b->next) {
                if (!is_same_column(a, b))
                        break;
        }
        if (a || b)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "the table %s has other columns in the one database than in the "
                                "other: %s",
                                from->name, a ? a->name : b->name);
        return OK;
}

enum err store_copy_same_tables(struct ctx *ctx, const struct copy_table *from,
                                const struct copy_table *to)
{
        for (; from && to; from = from->next, to = to->next) {
                enum err rc;

                if (strcmp(from->name, to->name) != 0)
                        break;
                rc = same_columns(ctx, from, to);
                if (rc != OK)
                        return rc;
        }
        if (from || to)
                return ctx_fail(ctx, ERR_CONFLICT, "the table %s is in one database only",
                                from ? from->name : to->name);
        return OK;
}
