#include "core/db/db.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/db/db_private.h"
#include "core/db/group.h"

/* When something begins that is watched; 0: nobody watches. */
static int64_t watch_from(const struct ctx *ctx)
{
        return ctx->db->database->watch ? clock_mono_us(ctx->clock) : 0;
}

/* Tell the watcher, and pass rc on. */
static enum err watched(const struct ctx *ctx, enum db_op op, int64_t start_us, enum err rc)
{
        if (start_us)
                ctx->db->database->watch(ctx, op, clock_mono_us(ctx->clock) - start_us, rc);
        return rc;
}

struct db *db_new(struct database *database)
{
        struct db *db = calloc(1, sizeof(*db));

        if (!db)
                return NULL;
        db->database = database;
        db->link = (struct link){ .driver = database->driver, .target = database->target };
        return db;
}

void db_free(struct db *db)
{
        if (!db)
                return;
        link_close(&db->link);
        free(db);
}

const char *db_dialect(const struct db *db)
{
        return db->link.driver->dialect;
}

/* The connection a statement of this thread runs on now. */
static struct link *current_link(struct db *db)
{
        return db->in_tx && db->database->group ? group_link(db->database->group) : &db->link;
}

static enum err bind_all(struct ctx *ctx, struct db_stmt *stmt, const char *types, va_list ap)
{
        for (unsigned number = 1; types[number - 1]; number++) {
                struct db_value value = { .type = DB_NULL };
                enum err rc;

                switch (types[number - 1]) {
                case 't':
                        value.text = va_arg(ap, const char *);
                        value.type = value.text ? DB_TEXT : DB_NULL;
                        break;
                case 'i':
                        value.integer = va_arg(ap, int64_t);
                        value.type = DB_INT;
                        break;
                case 'z':
                        value.integer = va_arg(ap, int64_t);
                        value.type = value.integer ? DB_INT : DB_NULL;
                        break;
                case 'd':
                        value.real = va_arg(ap, double);
                        value.type = DB_REAL;
                        break;
                default:
                        return ctx_fail(ctx, ERR_INTERNAL, "database: no bind letter '%c'",
                                        types[number - 1]);
                }
                rc = stmt->link->driver->bind(stmt->prepared->native, number, &value);
                if (rc != OK)
                        return link_fail(ctx, stmt->link, rc, "bind");
        }
        return OK;
}

static enum err start(struct ctx *ctx, struct db_stmt **ret, const char *sql, const char *types,
                      va_list ap)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const int64_t start_us = watch_from(ctx);
        struct link *link = current_link(ctx->db);
        enum err rc;

        if (!ctx->db->in_tx) {
                rc = link_ready(ctx, link);
                if (rc != OK)
                        return watched(ctx, DB_OP_READ, start_us, rc);
        }
        stmt = arena_alloc(ctx->arena, sizeof(*stmt));
        if (!stmt)
                return ctx_nomem(ctx);
        stmt->link = link;
        stmt->generation = link->generation;
        stmt->start_us = start_us;
        rc = link_prepare(ctx, link, sql, &stmt->prepared);
        if (rc != OK)
                return rc;
        rc = bind_all(ctx, stmt, types, ap);
        if (rc != OK)
                return rc;
        *ret = TAKE(stmt);
        return OK;
}

enum err db_query(struct ctx *ctx, struct db_stmt **ret, const char *sql, const char *types, ...)
{
        va_list ap;
        enum err rc;

        va_start(ap, types);
        rc = start(ctx, ret, sql, types, ap);
        va_end(ap);
        return rc;
}

void db_stmt_free(struct db_stmt *stmt)
{
        if (stmt && stmt->prepared && db_stmt_is_alive(stmt))
                link_release(stmt->link, stmt->prepared);
        if (stmt)
                stmt->prepared = NULL;
}

enum err db_step(struct ctx *ctx, struct db_stmt *stmt)
{
        enum err rc;

        if (!db_stmt_is_alive(stmt))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: the connection was lost");
        rc = stmt->link->driver->step(stmt->prepared->native);
        if (stmt->start_us)
                watched(ctx, ctx->db->in_tx ? DB_OP_WRITE : DB_OP_READ, stmt->start_us, rc);
        stmt->start_us = 0;
        if (rc == OK || rc == ERR_NOT_FOUND)
                return rc;
        if (rc == ERR_CONFLICT) /* may be shown to callers: no text of the database in it */
                return ctx_fail(ctx, rc, "it is in conflict with what is stored already");
        return link_fail(ctx, stmt->link, rc, "step");
}

static struct db_value column(struct db_stmt *stmt, unsigned index)
{
        struct db_value value = { .type = DB_NULL };

        if (!db_stmt_is_alive(stmt) ||
            stmt->link->driver->column(stmt->prepared->native, index, &value) != OK)
                value.type = DB_NULL;
        return value;
}

const char *db_text(struct db_stmt *stmt, unsigned index)
{
        return column(stmt, index).text;
}

int64_t db_int(struct db_stmt *stmt, unsigned index)
{
        struct db_value value = column(stmt, index);

        return value.type == DB_INT ? value.integer
               : value.text         ? strtoll(value.text, NULL, 10)
                                    : 0;
}

double db_real(struct db_stmt *stmt, unsigned index)
{
        struct db_value value = column(stmt, index);

        if (value.type == DB_REAL)
                return value.real;
        if (value.type == DB_INT)
                return (double)value.integer;
        return value.text ? strtod(value.text, NULL) : 0;
}

enum err db_text_dup(struct ctx *ctx, struct db_stmt *stmt, unsigned index, const char **ret)
{
        return ctx_strdup(ctx, db_text(stmt, index), ret);
}

enum err db_first(struct ctx *ctx, struct db_stmt **ret, const char *sql, const char *types, ...)
{
        va_list ap;
        enum err rc;

        va_start(ap, types);
        rc = start(ctx, ret, sql, types, ap);
        va_end(ap);
        return rc == OK ? db_step(ctx, *ret) : rc;
}

enum err db_number(struct ctx *ctx, int64_t *ret, const char *sql, const char *types, ...)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        va_list ap;
        enum err rc;

        va_start(ap, types);
        rc = start(ctx, &stmt, sql, types, ap);
        va_end(ap);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc == OK)
                *ret = db_int(stmt, 0);
        return rc;
}

enum err db_collect(struct ctx *ctx, struct db_stmt *stmt, struct db_list list, void *ret)
{
        char *first = NULL, *last = NULL;
        enum err rc;

        while ((rc = db_step(ctx, stmt)) == OK) {
                char *row = arena_alloc(ctx->arena, list.size);

                rc = row ? list.copy(ctx, stmt, row) : ctx_nomem(ctx);
                if (rc != OK)
                        return rc;
                if (last)
                        memcpy(last + list.next, &row, sizeof(row));
                else
                        first = row;
                last = row;
        }
        if (rc != ERR_NOT_FOUND)
                return rc;
        memcpy(ret, &first, sizeof(first));
        return OK;
}

enum err db_run(struct ctx *ctx, int64_t *ret_changed, const char *sql, const char *types, ...)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        va_list ap;
        enum err rc;

        va_start(ap, types);
        rc = start(ctx, &stmt, sql, types, ap);
        va_end(ap);
        if (rc != OK)
                return rc;

        rc = db_step(ctx, stmt);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (ret_changed)
                *ret_changed = stmt->link->driver->changes(stmt->prepared->native);
        return OK;
}

enum err db_begin(struct ctx *ctx, struct db_tx *ret_tx)
{
        const int64_t start_us = watch_from(ctx);
        struct db *db = ctx->db;
        enum err rc;

        if (db->in_tx)
                return ctx_fail(ctx, ERR_INTERNAL, "database: transactions do not nest");
        if (db->database->group) {
                rc = group_begin(ctx, db->database->group);
        } else {
                rc = link_ready(ctx, &db->link);
                if (rc == OK)
                        rc = link_exec(ctx, &db->link, db->link.driver->begin);
        }
        if (rc != OK)
                return watched(ctx, DB_OP_WRITE, start_us, rc);
        db->in_tx = true;
        ret_tx->ctx = ctx;
        return OK;
}

enum err db_commit(struct db_tx *tx)
{
        struct ctx *ctx = TAKE(tx->ctx);
        const int64_t start_us = watch_from(ctx);
        struct db *db = ctx->db;
        enum err rc;

        db->in_tx = false;
        rc = db->database->group ? group_commit(ctx, db->database->group)
                                 : link_exec(ctx, &db->link, "COMMIT");
        return watched(ctx, DB_OP_COMMIT, start_us, rc);
}

void db_rollback_unless_committed(struct db_tx *tx)
{
        struct ctx *ctx = TAKE(tx->ctx);

        if (!ctx)
                return;
        ctx->db->in_tx = false;
        if (ctx->db->database->group)
                group_rollback(ctx, ctx->db->database->group);
        else
                ctx->db->link.driver->exec(ctx->db->link.conn, "ROLLBACK");
}

bool db_in_transaction(const struct ctx *ctx)
{
        return ctx->db->in_tx;
}

enum err db_lock(struct ctx *ctx, const char *name)
{
        struct link *link = current_link(ctx->db);
        enum err rc = link->driver->lock(link->conn, name);

        return rc == OK ? OK : link_fail(ctx, link, rc, "lock");
}

enum err db_notify(struct ctx *ctx)
{
        struct link *link = current_link(ctx->db);
        enum err rc = link->driver->notify(link->conn);

        return rc == OK ? OK : link_fail(ctx, link, rc, "notify");
}

enum err db_wait(struct ctx *ctx, unsigned timeout_ms, bool *ret_changed)
{
        struct db *db = ctx->db;
        struct link *link = &db->link;
        int64_t before, seen;
        enum err rc;

        rc = link_ready(ctx, link);
        if (rc != OK)
                return rc;
        before = db->seen_generation == link->generation ? db->seen : 0;
        seen = before;
        rc = link->driver->wait(link->conn, timeout_ms, &seen);
        if (rc != OK)
                return link_fail(ctx, link, rc, "wait");
        db->seen = seen;
        db->seen_generation = link->generation;
        *ret_changed = seen != before;
        return OK;
}

void db_set_timeout(struct ctx *ctx, unsigned timeout_ms)
{
        int64_t now_us = clock_mono_us(&clock_system);

        link_set_deadline(&ctx->db->link, timeout_ms ? now_us + timeout_ms * US_PER_MS : 0);
}

void db_disconnect(struct ctx *ctx)
{
        link_close(&ctx->db->link);
}

enum err db_next(struct ctx *ctx, const char *counter, int64_t *ret)
{
        static const char sql[] = "UPDATE counters SET value = value + 1 WHERE name = $1 "
                                  "RETURNING value";
        enum err rc = db_number(ctx, ret, sql, "t", counter);

        return rc == ERR_NOT_FOUND ? ctx_fail(ctx, ERR_INTERNAL, "database: no counter %s", counter)
                                   : rc;
}

enum err db_exec_script(struct ctx *ctx, const char *sql)
{
        return link_exec(ctx, current_link(ctx->db), sql);
}

enum err db_has_table(struct ctx *ctx, const char *table, bool *ret_exists)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, ctx->db->link.driver->find_table, "t", table);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_exists = rc == OK;
        return OK;
}

enum err db_copy_to(struct ctx *ctx, const char *path)
{
        const struct db_value target = { .type = DB_TEXT, .text = path };
        CLEANUP(link_close)
        struct link link = {
                .driver = ctx->db->link.driver,
                .target = ctx->db->link.target,
        };
        struct link_stmt *stmt;
        enum err rc;

        link.target.mode = DB_READ_WRITE; /* a connection that may not write may not copy either */

        rc = link_ready(ctx, &link);
        if (rc == OK)
                rc = link_prepare(ctx, &link, "VACUUM INTO $1", &stmt);
        if (rc != OK)
                return rc;
        rc = link.driver->bind(stmt->native, 1, &target);
        if (rc == OK)
                rc = link.driver->step(stmt->native);
        return rc == ERR_NOT_FOUND ? OK : link_fail(ctx, &link, rc, "copy");
}
