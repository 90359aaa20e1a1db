#include "core/db/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/db/db_private.h"

/* Where SQLite's readers lock a file: SHARED_FIRST and SHARED_SIZE of its file format. */
#define SQLITE_SHARED_FIRST 0x40000002
#define SQLITE_SHARED_SIZE  510

enum err bulk_begin_snapshot(struct ctx *ctx, struct db_tx *ret_tx)
{
        struct db *db = ctx->db;
        enum err rc;

        if (db->in_tx || db->database->group)
                return ctx_fail(ctx, ERR_INTERNAL, "database: no snapshot can be had here");
        rc = link_ready(ctx, &db->link);
        if (rc == OK)
                rc = link_exec(ctx, &db->link, db->link.driver->begin_snapshot);
        if (rc != OK)
                return rc;
        db->in_tx = true;
        ret_tx->ctx = ctx;
        return OK;
}

static enum err prepare(struct ctx *ctx, struct db_stmt **ret, const char *sql)
{
        struct link *link = &ctx->db->link;
        struct db_stmt *stmt = arena_alloc(ctx->arena, sizeof(*stmt));
        enum err rc = OK;

        if (!stmt)
                return ctx_nomem(ctx);
        if (!ctx->db->in_tx)
                rc = link_ready(ctx, link);
        if (rc == OK)
                rc = link_prepare_once(ctx, link, sql, &stmt->prepared);
        if (rc != OK)
                return rc;
        stmt->link = link;
        stmt->generation = link->generation;
        *ret = stmt;
        return OK;
}

enum err bulk_scan(struct ctx *ctx, struct db_stmt **ret, const char *sql)
{
        struct db_stmt *stmt = NULL;
        enum err rc = prepare(ctx, &stmt, sql);

        if (rc != OK)
                return rc;
        if (stmt->link->driver->stream)
                stmt->link->driver->stream(stmt->prepared->native);
        *ret = stmt;
        return OK;
}

struct db_value bulk_value(struct db_stmt *stmt, unsigned column)
{
        struct db_value value = { .type = DB_NULL };

        if (!db_stmt_is_alive(stmt) ||
            stmt->link->driver->column(stmt->prepared->native, column, &value) != OK)
                value.type = DB_NULL;
        return value;
}

enum err bulk_prepare(struct ctx *ctx, struct db_stmt **ret, const char *sql)
{
        return prepare(ctx, ret, sql);
}

enum err bulk_run(struct ctx *ctx, struct db_stmt *stmt, const struct db_value *values,
                  size_t count)
{
        const struct db_driver *driver = stmt->link->driver;
        enum err rc = OK;

        if (!db_stmt_is_alive(stmt))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: the connection was lost");
        driver->reset(stmt->prepared->native);
        for (size_t i = 0; rc == OK && i < count; i++)
                rc = driver->bind(stmt->prepared->native, (unsigned)i + 1, &values[i]);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        else
                rc = link_fail(ctx, stmt->link, rc, "bind");
        return rc == ERR_NOT_FOUND ? OK : rc;
}

bool bulk_can_load(const struct ctx *ctx)
{
        return ctx->db->link.driver->load;
}

enum err bulk_load(struct ctx *ctx, const char *sql, const char *bytes, size_t len)
{
        struct link *link = &ctx->db->link;
        enum err rc = link->driver->load(link->conn, sql, bytes, len);

        return rc == OK ? OK : link_fail(ctx, link, rc, "load");
}

static enum err who_has_file(struct ctx *ctx, const char *path, char ret_who[BULK_WHO_SIZE])
{
        struct flock lock = {
                .l_type = F_WRLCK,
                .l_whence = SEEK_SET,
                .l_start = SQLITE_SHARED_FIRST,
                .l_len = SQLITE_SHARED_SIZE,
        };
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);

        *ret_who = '\0';
        if (fd < 0 && errno == ENOENT)
                return OK;
        if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be looked at: %m", path);
        if (lock.l_type != F_UNLCK)
                snprintf(ret_who, BULK_WHO_SIZE, "process %ld has it open", (long)lock.l_pid);
        return OK;
}

enum err bulk_who_else(struct ctx *ctx, char ret_who[BULK_WHO_SIZE])
{
        static const char sql[] =
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'simpletuner-cloud' AND pid <> pg_backend_pid()";
        const char *path = database_path(ctx->db->database);
        int64_t sessions = 0;
        enum err rc;

        if (path)
                return who_has_file(ctx, path, ret_who);
        rc = db_number(ctx, &sessions, sql, "");
        if (rc != OK)
                return rc;
        *ret_who = '\0';
        if (sessions > 0)
                snprintf(ret_who, BULK_WHO_SIZE,
                         "%" PRId64 " session%s of the service %s connected to it", sessions,
                         sessions == 1 ? "" : "s", sessions == 1 ? "is" : "are");
        return OK;
}
