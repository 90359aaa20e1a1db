#include "core/store/store_copy_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/utf8.h"

#define SQL_MAX (64 * KiB)

void copy_put_name(struct buf *sql, const char *name)
{
        buf_putc(sql, '"');
        for (; *name; name++) {
                if (*name == '"')
                        buf_putc(sql, '"');
                buf_putc(sql, *name);
        }
        buf_putc(sql, '"');
}

static const struct copy_column *column_at(const struct copy_table *table, unsigned at)
{
        const struct copy_column *column = table->columns;

        while (at-- > 0)
                column = column->next;
        return column;
}

/* Texts are in the order of their bytes also where the database has another one. */
static void put_order(const struct ctx *ctx, const struct copy_table *table, struct buf *sql)
{
        bool is_pgsql = strcmp(db_dialect(ctx->db), "pgsql") == 0;

        for (unsigned i = 0; i < table->key_count; i++) {
                const struct copy_column *column = column_at(table, table->key[i]);

                buf_puts(sql, i ? ", " : " ORDER BY ");
                copy_put_name(sql, column->name);
                if (is_pgsql && !column->is_integer)
                        buf_puts(sql, " COLLATE \"C\"");
        }
}

enum err copy_scan_open(struct ctx *ctx, const struct copy_table *table, struct copy_scan *ret)
{
        CLEANUP(buf_done) struct buf sql = { 0 };
        const char *text;

        *ret = (struct copy_scan){ .ctx = ctx, .table = table };
        if (table->column_count > COPY_COLUMNS_MAX)
                return ctx_fail(ctx, ERR_UNSUPPORTED, "the table %s has more than %d columns",
                                table->name, COPY_COLUMNS_MAX);
        buf_init(&sql, SQL_MAX);
        buf_puts(&sql, "SELECT ");
        for (const struct copy_column *column = table->columns; column; column = column->next) {
                if (column != table->columns)
                        buf_puts(&sql, ", ");
                copy_put_name(&sql, column->name);
        }
        buf_puts(&sql, " FROM ");
        copy_put_name(&sql, table->name);
        put_order(ctx, table, &sql);
        text = buf_ok(&sql) ? arena_strdup(ctx->arena, buf_str(&sql)) : NULL;
        return text ? bulk_scan(ctx, &ret->stmt, text) : ctx_nomem(ctx);
}

void copy_scan_close(struct copy_scan *scan)
{
        db_stmt_free(TAKE(scan->stmt));
}

void copy_key_text(const struct copy_scan *row, char ret[COPY_KEY_SIZE])
{
        CLEANUP(buf_done) struct buf text = { 0 };

        buf_init(&text, 4 * KiB);
        for (unsigned i = 0; i < row->table->key_count; i++) {
                const struct db_value *value = &row->values[row->table->key[i]];

                buf_printf(&text, "%s%s=", i ? ", " : "",
                           column_at(row->table, row->table->key[i])->name);
                if (value->type == DB_INT)
                        buf_put_int(&text, value->integer);
                else
                        buf_printf(&text, "%.100s", value->text ? value->text : "NULL");
        }
        snprintf(ret, COPY_KEY_SIZE, "%s", buf_str(&text));
}

static enum err refuse(struct copy_scan *scan, const struct copy_column *column, const char *why)
{
        char key[COPY_KEY_SIZE];

        copy_key_text(scan, key);
        return ctx_fail(scan->ctx, ERR_INVALID,
                        "table %s, %s: the value of %s %s; correct it before it is copied",
                        scan->table->name, key, column->name, why);
}

/* Bring a value into its canonical form. NULL: it is one; else why it is none. */
static const char *make_canonical(const struct copy_column *column, struct db_value *value)
{
        if (value->type == DB_NULL)
                return NULL;
        if (column->is_integer && value->type == DB_TEXT) {
                char *end;

                value->integer = strtoll(value->text, &end, 10);
                if (end == value->text || *end != '\0')
                        return "is no number";
                value->type = DB_INT;
        }
        if (column->is_integer)
                return value->type == DB_INT ? NULL : "is no 64-bit number";
        if (value->type != DB_TEXT)
                return "is no text";
        return utf8_is_valid(value->text) ? NULL : "is no UTF-8 text, or has a NUL in it";
}

enum err copy_scan_next(struct copy_scan *scan)
{
        const struct copy_column *column = scan->table->columns;
        enum err rc;

        if (scan->is_over)
                return OK;
        rc = db_step(scan->ctx, scan->stmt);
        scan->is_over = rc == ERR_NOT_FOUND;
        if (rc != OK)
                return scan->is_over ? OK : rc;
        for (unsigned i = 0; i < scan->table->column_count; i++)
                scan->values[i] = bulk_value(scan->stmt, i);
        for (unsigned i = 0; column; column = column->next, i++) {
                const char *why = make_canonical(column, &scan->values[i]);

                if (why)
                        return refuse(scan, column, why);
        }
        return OK;
}

static int value_order(const struct db_value *a, const struct db_value *b)
{
        if (a->type != b->type)
                return a->type < b->type ? -1 : 1; /* NULL comes first */
        if (a->type == DB_INT)
                return a->integer < b->integer ? -1 : a->integer > b->integer;
        return a->type == DB_TEXT ? strcmp(a->text, b->text) : 0;
}

int copy_key_order(const struct copy_scan *a, const struct copy_scan *b)
{
        int order = 0;

        for (unsigned i = 0; order == 0 && i < a->table->key_count; i++)
                order = value_order(&a->values[a->table->key[i]], &b->values[a->table->key[i]]);
        return order;
}

bool copy_rows_are_equal(const struct copy_scan *a, const struct copy_scan *b)
{
        for (unsigned i = 0; i < a->table->column_count; i++) {
                if (value_order(&a->values[i], &b->values[i]) != 0)
                        return false;
        }
        return true;
}

static bool hash_value(const struct db_value *value, struct crypto_hash *hash)
{
        size_t len = value->type == DB_TEXT ? strlen(value->text) : 0;
        char head[32];
        int head_len;

        if (value->type == DB_NULL)
                head_len = snprintf(head, sizeof(head), "n;");
        else if (value->type == DB_INT)
                head_len = snprintf(head, sizeof(head), "i%" PRId64 ";", value->integer);
        else
                head_len = snprintf(head, sizeof(head), "t%zu:", len);
        return crypto_hash_add(hash, head, (size_t)head_len) &&
               (len == 0 || crypto_hash_add(hash, value->text, len));
}

enum err copy_hash_row(const struct copy_scan *row, struct crypto_hash *hash)
{
        for (unsigned i = 0; i < row->table->column_count; i++) {
                if (!hash_value(&row->values[i], hash))
                        return ctx_fail(row->ctx, ERR_INTERNAL, "no hash can be made");
        }
        return OK;
}
