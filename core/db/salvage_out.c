#include "core/db/salvage_out.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"

#define COLUMNS_MAX  200
#define STRAY_FIELDS 60
#define SQL_MAX      (64 * KiB)

struct salvage_target {
        struct salvage_target *next;
        struct salvage_out *out;
        const char *table;
        const char *columns[COLUMNS_MAX];
        uint32_t count;
        int rowid_column;     /* that is the rowid itself; -1: none */
        sqlite3_stmt *insert; /* for that many fields: */
        uint32_t insert_fields;
};

struct salvage_out {
        sqlite3 *db, *strays;
        sqlite3_stmt *stray;
        char *path, *strays_path;
        struct salvage_target *targets;
        bool ended;
};

static enum err fail(struct ctx *ctx, sqlite3 *db)
{
        if ((sqlite3_errcode(db) & 0xff) == SQLITE_FULL)
                return ctx_fail(ctx, ERR_NO_SPACE, "no space left for the new file");
        return ctx_fail(ctx, ERR_UNAVAILABLE, "the new file: %s", sqlite3_errmsg(db));
}

static enum err open_new(struct ctx *ctx, const char *path, sqlite3 **ret)
{
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                return ctx_fail(ctx, ERR_CONFLICT, "%s cannot be made: %m", path);
        close(fd);
        if (sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK)
                return fail(ctx, *ret);
        return OK;
}

enum err salvage_out_open(struct ctx *ctx, const char *path, const char *strays, uint32_t page_size,
                          struct salvage_out **ret)
{
        CLEANUP(salvage_out_freep) struct salvage_out *out = calloc(1, sizeof(*out));
        char sql[200];
        enum err rc;

        if (!out)
                return ctx_nomem(ctx);
        if (access(strays, F_OK) == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "%s is there already", strays);
        rc = open_new(ctx, path, &out->db);
        if (rc != OK)
                return rc;
        out->path = strdup(path);
        out->strays_path = strdup(strays);
        if (!out->path || !out->strays_path)
                return ctx_nomem(ctx);
        snprintf(sql, sizeof(sql),
                 "PRAGMA page_size = %u; PRAGMA journal_mode = OFF; PRAGMA foreign_keys = OFF; "
                 "BEGIN",
                 page_size);
        if (sqlite3_exec(out->db, sql, NULL, NULL, NULL) != SQLITE_OK)
                return fail(ctx, out->db);
        *ret = TAKE(out);
        return OK;
}

void salvage_out_free(struct salvage_out *out)
{
        if (!out)
                return;
        for (struct salvage_target *target = out->targets; target; target = target->next)
                sqlite3_finalize(target->insert);
        sqlite3_finalize(out->stray);
        sqlite3_close(out->db);
        sqlite3_close(out->strays);
        if (!out->ended && out->path)
                unlink(out->path);
        if (!out->ended && out->strays)
                unlink(out->strays_path);
        free(out->path);
        free(out->strays_path);
        free(out);
}

enum err salvage_out_end(struct ctx *ctx, struct salvage_out *out)
{
        if (sqlite3_exec(out->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
                return fail(ctx, out->db);
        if (out->strays && sqlite3_exec(out->strays, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
                return fail(ctx, out->strays);
        out->ended = true;
        return OK;
}

bool salvage_out_make(struct salvage_out *out, const char *sql)
{
        return sqlite3_exec(out->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

const char *salvage_out_message(const struct salvage_out *out)
{
        return sqlite3_errmsg(out->db);
}

/* ---- tables ---- */

static enum err read_columns(struct ctx *ctx, struct salvage_target *target)
{
        static const char sql[] = "SELECT name, type, pk, (SELECT COUNT(*) FROM "
                                  "pragma_table_info(?1) WHERE pk > 0) FROM pragma_table_info(?1) "
                                  "ORDER BY cid";
        sqlite3_stmt *stmt = NULL;

        target->rowid_column = -1;
        if (sqlite3_prepare_v2(target->out->db, sql, -1, &stmt, NULL) != SQLITE_OK)
                return fail(ctx, target->out->db);
        sqlite3_bind_text(stmt, 1, target->table, -1, SQLITE_STATIC);
        while (sqlite3_step(stmt) == SQLITE_ROW && target->count < COLUMNS_MAX) {
                const char *type = (const char *)sqlite3_column_text(stmt, 1);
                const char *name = (const char *)sqlite3_column_text(stmt, 0);

                if (type && sqlite3_stricmp(type, "INTEGER") == 0 &&
                    sqlite3_column_int(stmt, 2) == 1 && sqlite3_column_int(stmt, 3) == 1)
                        target->rowid_column = (int)target->count;
                target->columns[target->count++] = arena_strdup(ctx->arena, name ? name : "");
        }
        sqlite3_finalize(stmt);
        return target->count > 0 ? OK : ctx_fail(ctx, ERR_NOT_FOUND, "there is no such table");
}

enum err salvage_target_new(struct ctx *ctx, struct salvage_out *out, const char *table,
                            struct salvage_target **ret, uint32_t *ret_columns)
{
        struct salvage_target *target = arena_alloc(ctx->arena, sizeof(*target));
        enum err rc;

        if (!target)
                return ctx_nomem(ctx);
        target->out = out;
        target->table = table;
        rc = read_columns(ctx, target);
        if (rc != OK)
                return rc;
        target->next = out->targets;
        out->targets = target;
        *ret = target;
        *ret_columns = target->count;
        return OK;
}

static void put_name(struct buf *sql, const char *name)
{
        buf_putc(sql, '"');
        for (; *name; name++) {
                if (*name == '"')
                        buf_putc(sql, '"');
                buf_putc(sql, *name);
        }
        buf_putc(sql, '"');
}

/* Rows of before a column was added have fewer fields: the others get their defaults. */
static enum err prepare_insert(struct ctx *ctx, struct salvage_target *target, uint32_t fields)
{
        CLEANUP(buf_done) struct buf sql;
        const char *comma = "";

        buf_init(&sql, SQL_MAX);
        sqlite3_finalize(target->insert);
        target->insert = NULL;
        buf_puts(&sql, "INSERT INTO ");
        put_name(&sql, target->table);
        buf_puts(&sql, " (");
        if (target->rowid_column < 0) {
                buf_puts(&sql, "_rowid_");
                comma = ", ";
        }
        for (uint32_t i = 0; i < fields; i++, comma = ", ") {
                buf_puts(&sql, comma);
                put_name(&sql, target->columns[i]);
        }
        buf_puts(&sql, ") VALUES (");
        comma = "";
        for (uint32_t i = target->rowid_column < 0 ? 0 : 1; i <= fields; i++, comma = ", ")
                buf_printf(&sql, "%s?%u", comma, i + 1);
        buf_puts(&sql, ")");
        if (!buf_ok(&sql))
                return ctx_nomem(ctx);
        if (sqlite3_prepare_v2(target->out->db, buf_str(&sql), -1, &target->insert, NULL) !=
            SQLITE_OK)
                return fail(ctx, target->out->db);
        target->insert_fields = fields;
        return OK;
}

static void bind_field(sqlite3_stmt *stmt, int at, const struct sqlite_field *field)
{
        switch (field->type) {
        case SQLITE_FIELD_NULL:
                sqlite3_bind_null(stmt, at);
                break;
        case SQLITE_FIELD_INT:
                sqlite3_bind_int64(stmt, at, field->integer);
                break;
        case SQLITE_FIELD_REAL:
                sqlite3_bind_double(stmt, at, field->real);
                break;
        case SQLITE_FIELD_TEXT:
                sqlite3_bind_text64(stmt, at, (const char *)field->bytes, field->len, SQLITE_STATIC,
                                    SQLITE_UTF8);
                break;
        case SQLITE_FIELD_BLOB:
                sqlite3_bind_blob64(stmt, at, field->bytes, field->len, SQLITE_STATIC);
                break;
        }
}

static enum err run_insert(struct ctx *ctx, sqlite3_stmt *stmt)
{
        int code = sqlite3_step(stmt);

        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
        if (code == SQLITE_DONE)
                return OK;
        if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISMATCH)
                return ctx_fail(ctx, ERR_CONFLICT, "the table does not take the row");
        return fail(ctx, sqlite3_db_handle(stmt));
}

enum err salvage_target_add(struct ctx *ctx, struct salvage_target *target,
                            const struct salvage_row *row)
{
        enum err rc = OK;

        if (row->count > target->count || row->count == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "the table does not take the row");
        if (!target->insert || target->insert_fields != row->count)
                rc = prepare_insert(ctx, target, row->count);
        if (rc != OK)
                return rc;
        for (uint32_t i = 0; i < row->count; i++)
                bind_field(target->insert, (int)i + 2, &row->fields[i]);
        sqlite3_bind_int64(target->insert, target->rowid_column < 0 ? 1 : target->rowid_column + 2,
                           row->rowid);
        return run_insert(ctx, target->insert);
}

/* ---- strays ---- */

static enum err open_strays(struct ctx *ctx, struct salvage_out *out)
{
        CLEANUP(buf_done) struct buf make, insert;
        enum err rc = open_new(ctx, out->strays_path, &out->strays);

        buf_init(&make, SQL_MAX);
        buf_init(&insert, SQL_MAX);
        buf_puts(&make, "PRAGMA journal_mode = OFF; BEGIN; CREATE TABLE lost_and_found (page "
                        "INTEGER, id INTEGER, nfield INTEGER");
        buf_puts(&insert, "INSERT INTO lost_and_found VALUES (?1, ?2, ?3");
        for (int i = 0; i < STRAY_FIELDS; i++) {
                buf_printf(&make, ", c%d", i);
                buf_printf(&insert, ", ?%d", i + 4);
        }
        buf_puts(&make, ")");
        buf_puts(&insert, ")");
        if (rc != OK)
                return rc;
        if (sqlite3_exec(out->strays, buf_str(&make), NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(out->strays, buf_str(&insert), -1, &out->stray, NULL) != SQLITE_OK)
                return fail(ctx, out->strays);
        return OK;
}

enum err salvage_out_stray(struct ctx *ctx, struct salvage_out *out, const struct salvage_row *row)
{
        enum err rc = out->strays ? OK : open_strays(ctx, out);

        if (rc != OK)
                return rc;
        sqlite3_bind_int64(out->stray, 1, row->page);
        sqlite3_bind_int64(out->stray, 2, row->rowid);
        sqlite3_bind_int64(out->stray, 3, row->count);
        for (uint32_t i = 0; i < row->count && i < STRAY_FIELDS; i++)
                bind_field(out->stray, (int)i + 4, &row->fields[i]);
        return run_insert(ctx, out->stray);
}
