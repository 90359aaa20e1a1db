#include "core/store/store_copy_write.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/store/store_copy_state.h"

#define SQL_MAX     (64 * KiB)
#define LOAD_MAX    (512 * MiB) /* of one batch: a row has to fit in */
#define BATCH_ROWS  20000
#define BATCH_BYTES (4 * MiB)

static void put_names(struct buf *sql, const struct copy_table *table)
{
        for (const struct copy_column *column = table->columns; column; column = column->next) {
                if (column != table->columns)
                        buf_puts(sql, ", ");
                copy_put_name(sql, column->name);
        }
}

static void put_insert(struct buf *sql, const struct copy_table *table)
{
        buf_puts(sql, "INSERT INTO ");
        copy_put_name(sql, table->name);
        buf_puts(sql, " (");
        put_names(sql, table);
        buf_puts(sql, ") VALUES (");
        for (unsigned i = 1; i <= table->column_count; i++)
                buf_printf(sql, "%s$%u", i > 1 ? ", " : "", i);
        buf_puts(sql, ")");
}

static void put_replace(struct buf *sql, const struct copy_table *table)
{
        bool is_first = true;

        put_insert(sql, table);
        buf_puts(sql, " ON CONFLICT (");
        for (unsigned i = 0; i < table->key_count; i++) {
                const struct copy_column *column = table->columns;

                for (unsigned at = 0; at < table->key[i]; at++)
                        column = column->next;
                if (i > 0)
                        buf_puts(sql, ", ");
                copy_put_name(sql, column->name);
        }
        buf_puts(sql, ") DO UPDATE SET ");
        for (const struct copy_column *column = table->columns; column; column = column->next) {
                if (column->key > 0)
                        continue;
                if (!is_first)
                        buf_puts(sql, ", ");
                is_first = false;
                copy_put_name(sql, column->name);
                buf_puts(sql, " = excluded.");
                copy_put_name(sql, column->name);
        }
}

static void put_delete(struct buf *sql, const struct copy_table *table)
{
        buf_puts(sql, "DELETE FROM ");
        copy_put_name(sql, table->name);
        for (const struct copy_column *column = table->columns; column; column = column->next) {
                if (column->key == 0)
                        continue;
                buf_puts(sql, strstr(buf_str(sql), " WHERE ") ? " AND " : " WHERE ");
                copy_put_name(sql, column->name);
                buf_printf(sql, " = $%u", column->key);
        }
}

static void put_load(struct buf *sql, const struct copy_table *table)
{
        buf_puts(sql, "COPY ");
        copy_put_name(sql, table->name);
        buf_puts(sql, " (");
        put_names(sql, table);
        buf_puts(sql, ") FROM STDIN");
}

static enum err make_sql(struct copy_writer *writer, const char **ret,
                         void (*put)(struct buf *sql, const struct copy_table *table))
{
        CLEANUP(buf_done) struct buf sql = { 0 };

        buf_init(&sql, SQL_MAX);
        put(&sql, writer->table);
        *ret = buf_ok(&sql) ? arena_strdup(writer->ctx->arena, buf_str(&sql)) : NULL;
        return *ret ? OK : ctx_nomem(writer->ctx);
}

enum err copy_writer_open(struct ctx *ctx, const struct copy_table *table, struct copy_writer *ret)
{
        enum err rc;

        *ret = (struct copy_writer){ .ctx = ctx, .table = table };
        buf_init(&ret->rows, LOAD_MAX);
        rc = make_sql(ret, &ret->sql[COPY_INSERT], put_insert);
        if (rc == OK)
                rc = make_sql(ret, &ret->sql[COPY_REPLACE], put_replace);
        if (rc == OK)
                rc = make_sql(ret, &ret->sql[COPY_DELETE], put_delete);
        if (rc == OK && bulk_can_load(ctx))
                rc = make_sql(ret, &ret->load, put_load);
        return rc;
}

void copy_writer_close(struct copy_writer *writer)
{
        for (size_t i = 0; i < COPY_CHANGE_COUNT; i++)
                db_stmt_free(TAKE(writer->stmts[i]));
        db_rollback_unless_committed(&writer->tx);
        buf_done(&writer->rows);
}

/* COPY's text format: a line a row, a tab between columns. */
static void put_text(struct buf *out, const char *text)
{
        while (*text) {
                size_t plain = strcspn(text, "\\\t\n\r");

                buf_add(out, text, plain);
                text += plain;
                if (!*text)
                        break;
                buf_putc(out, '\\');
                buf_putc(out, *text == '\t'   ? 't'
                              : *text == '\n' ? 'n'
                              : *text == '\r' ? 'r'
                                              : '\\');
                text++;
        }
}

static enum err put_row(struct copy_writer *writer, const struct copy_scan *row)
{
        struct buf *out = &writer->rows;

        for (unsigned i = 0; i < row->table->column_count; i++) {
                const struct db_value *value = &row->values[i];

                if (i > 0)
                        buf_putc(out, '\t');
                if (value->type == DB_NULL)
                        buf_puts(out, "\\N");
                else if (value->type == DB_INT)
                        buf_put_int(out, value->integer);
                else
                        put_text(out, value->text);
        }
        buf_putc(out, '\n');
        return buf_ok(out) ? OK : ctx_nomem(writer->ctx);
}

static size_t bytes_of(const struct copy_scan *row)
{
        size_t bytes = 0;

        for (unsigned i = 0; i < row->table->column_count; i++)
                bytes += row->values[i].type == DB_TEXT ? strlen(row->values[i].text) : 8;
        return bytes;
}

static enum err run(struct copy_writer *writer, enum copy_change change,
                    const struct copy_scan *row)
{
        struct db_value key[COPY_COLUMNS_MAX];
        enum err rc = OK;

        if (!writer->stmts[change])
                rc = bulk_prepare(writer->ctx, &writer->stmts[change], writer->sql[change]);
        if (rc != OK)
                return rc;
        if (change != COPY_DELETE)
                return bulk_run(writer->ctx, writer->stmts[change], row->values,
                                row->table->column_count);
        for (unsigned i = 0; i < row->table->key_count; i++)
                key[i] = row->values[row->table->key[i]];
        return bulk_run(writer->ctx, writer->stmts[change], key, row->table->key_count);
}

enum err copy_writer_add(struct copy_writer *writer, enum copy_change change,
                         const struct copy_scan *row)
{
        enum err rc = OK;

        if (!writer->tx.ctx)
                rc = db_begin(writer->ctx, &writer->tx);
        if (rc != OK)
                return rc;
        rc = change == COPY_INSERT && writer->load ? put_row(writer, row)
                                                   : run(writer, change, row);
        if (rc != OK)
                return rc;
        writer->batch_rows++;
        writer->batch_bytes += bytes_of(row);
        if (writer->batch_rows >= BATCH_ROWS || writer->batch_bytes >= BATCH_BYTES)
                return copy_writer_flush(writer);
        return OK;
}

enum err copy_writer_flush(struct copy_writer *writer)
{
        enum err rc = OK;

        if (!writer->tx.ctx)
                return OK;
        if (writer->rows.len > 0)
                rc = bulk_load(writer->ctx, writer->load, buf_str(&writer->rows), writer->rows.len);
        buf_reset(&writer->rows);
        if (rc == OK)
                rc = store_copy_state_note(writer->ctx, writer->table->name, writer->batch_rows);
        if (rc != OK)
                return rc;
        FAULT_POINT("copy.written");
        writer->batch_rows = 0;
        writer->batch_bytes = 0;
        rc = db_commit(&writer->tx);
        FAULT_POINT("copy.committed");
        return rc;
}
