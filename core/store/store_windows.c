#include "core/store/store_windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/db/db.h"

/* A packed time: microseconds since 1970 in hexadecimal, enough for the year 2112. */
#define TIME_DIGITS 13

#define TABLE "limit_windows"

#define PGSQL_NOW "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
#define MYSQL_NOW "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)"
#define ROW_OF    " FROM limit_windows WHERE name = $1"

/* What differs between databases. */
struct dialect {
        const char *name;
        bool locks; /* making a table twice at once is an error: it takes a lock */
        const char *create;
        const char *now;  /* NULL: the host's clock */
        const char *get;  /* the time, and the row */
        const char *lock; /* likewise, once nobody else is at it */
        const char *insert;
        const char *sweep;
};

/* Rows lose nothing that must outlive a crash, and are rewritten all the time: room is left for
 * that in their pages, and nothing is compressed. On PostgreSQL the time is asked for outside of
 * what waits for the lock, so that it is not the time from before the wait; on MySQL SYSDATE, other
 * than NOW, does that. */
static const struct dialect dialects[] = {
        {
                .name = "sqlite",
                .locks = true,
                .create = "CREATE TABLE IF NOT EXISTS limit_windows (name TEXT PRIMARY KEY, "
                          "calls TEXT NOT NULL, expires_at_us BIGINT NOT NULL)",
                .get = "SELECT NULL, calls, expires_at_us" ROW_OF,
                .lock = "SELECT NULL, calls, expires_at_us" ROW_OF,
                .insert = "INSERT INTO limit_windows VALUES ($1, '', 0) ON CONFLICT DO NOTHING",
                .sweep = "DELETE FROM limit_windows WHERE name IN (SELECT name FROM limit_windows "
                         "WHERE expires_at_us <= $1 LIMIT $2)",
        },
        {
                .name = "pgsql",
                .locks = true,
                .create = "CREATE UNLOGGED TABLE IF NOT EXISTS limit_windows ("
                          "name TEXT COLLATE \"C\" PRIMARY KEY, calls TEXT NOT NULL, "
                          "expires_at_us BIGINT NOT NULL) WITH (fillfactor = 50);"
                          "ALTER TABLE limit_windows ALTER calls SET STORAGE EXTERNAL",
                .now = "SELECT " PGSQL_NOW,
                .get = "SELECT " PGSQL_NOW ", calls, expires_at_us" ROW_OF,
                .lock = "SELECT " PGSQL_NOW ", calls, expires_at_us FROM (SELECT calls, "
                        "expires_at_us" ROW_OF " FOR UPDATE) AS held",
                .insert = "INSERT INTO limit_windows VALUES ($1, '', 0) ON CONFLICT DO NOTHING",
                .sweep = "DELETE FROM limit_windows WHERE name IN (SELECT name FROM limit_windows "
                         "WHERE expires_at_us <= $1 LIMIT $2) AND expires_at_us <= $1",
        },
        {
                .name = "mysql",
                .create = "CREATE TABLE IF NOT EXISTS limit_windows (name VARBINARY(255) NOT NULL "
                          "PRIMARY KEY, calls MEDIUMTEXT CHARACTER SET ascii NOT NULL, "
                          "expires_at_us BIGINT NOT NULL) ENGINE=InnoDB",
                .now = "SELECT " MYSQL_NOW,
                .get = "SELECT " MYSQL_NOW ", calls, expires_at_us" ROW_OF,
                .lock = "SELECT " MYSQL_NOW ", calls, expires_at_us" ROW_OF " FOR UPDATE",
                .insert = "INSERT INTO limit_windows VALUES ($1, '', 0) "
                          "ON DUPLICATE KEY UPDATE expires_at_us = expires_at_us",
                .sweep = "DELETE FROM limit_windows WHERE expires_at_us <= $1 LIMIT $2",
        },
};

static const struct dialect *dialect_of(const struct ctx *ctx)
{
        size_t i = 0;

        while (strcmp(dialects[i].name, db_dialect(ctx->db)) != 0)
                i++;
        return &dialects[i];
}

int64_t store_window_time(const struct store_window *window, size_t index)
{
        int64_t time_us = 0;

        for (size_t i = 0; i < TIME_DIGITS; i++) {
                char c = window->packed[index * TIME_DIGITS + i];

                time_us = time_us << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
        }
        return time_us;
}

static enum err make_table(struct ctx *ctx, const struct dialect *dialect)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK && dialect->locks)
                rc = db_lock(ctx, TABLE);
        if (rc == OK)
                rc = db_exec_script(ctx, dialect->create);
        return rc == OK ? db_commit(&tx) : rc;
}

/* A look first: who may use the table need not have the right to make one. */
enum err store_windows_prepare(struct ctx *ctx)
{
        bool exists;
        enum err rc;

        rc = db_has_table(ctx, TABLE, &exists);
        return rc == OK && !exists ? make_table(ctx, dialect_of(ctx)) : rc;
}

/* The time of the database. */
static enum err read_now(struct ctx *ctx, int64_t *ret_us)
{
        const struct dialect *dialect = dialect_of(ctx);

        if (dialect->now)
                return db_number(ctx, ret_us, dialect->now, "");
        *ret_us = clock_wall_us(ctx->clock);
        return OK;
}

/* From a row's columns calls and expires_at_us, which are this one and the next. */
static enum err read_calls(struct ctx *ctx, struct db_stmt *stmt, unsigned column,
                           struct store_window *window)
{
        enum err rc = db_text_dup(ctx, stmt, column, &window->packed);

        if (rc != OK)
                return rc;
        window->call_count = window->packed ? strlen(window->packed) / TIME_DIGITS : 0;
        window->expires_at_us = db_int(stmt, column + 1);
        return OK;
}

/* OK: there is a row | ERR_NOT_FOUND | faults. */
static enum err read_window(struct ctx *ctx, const char *sql, const char *name,
                            struct store_window *ret)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct store_window window = { .name = name };
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", name);
        if (rc != OK)
                return rc;
        window.now_us = db_int(stmt, 0);
        if (window.now_us == 0)
                window.now_us = clock_wall_us(ctx->clock);
        rc = read_calls(ctx, stmt, 1, &window);
        if (rc == OK)
                *ret = window;
        return rc;
}

enum err store_window_get(struct ctx *ctx, const char *name, struct store_window *ret)
{
        enum err rc = read_window(ctx, dialect_of(ctx)->get, name, ret);

        if (rc != ERR_NOT_FOUND)
                return rc;
        *ret = (struct store_window){ .name = name, .packed = "" };
        return read_now(ctx, &ret->now_us);
}

/* There is nothing to lock before there is a row. A sweep may take the new one away at once. */
enum err store_window_lock(struct ctx *ctx, const char *name, struct store_window *ret)
{
        const struct dialect *dialect = dialect_of(ctx);
        enum err rc;

        do {
                rc = read_window(ctx, dialect->lock, name, ret);
                if (rc != ERR_NOT_FOUND)
                        return rc;
                rc = db_run(ctx, NULL, dialect->insert, "t", name);
        } while (rc == OK);
        return rc;
}

enum err store_window_add(struct ctx *ctx, const char *name, size_t drop, int64_t at_us,
                          int64_t expires_at_us)
{
        static const char sql[] = "UPDATE limit_windows SET calls = substr(calls, $2) || $3, "
                                  "expires_at_us = $4 WHERE name = $1";
        char packed[TIME_DIGITS + 4];

        snprintf(packed, sizeof(packed), "%0*" PRIx64, TIME_DIGITS, (uint64_t)at_us);
        return db_run(ctx, NULL, sql, "titi", name, (int64_t)(drop * TIME_DIGITS + 1), packed,
                      expires_at_us);
}

enum err store_window_remove(struct ctx *ctx, const char *name)
{
        return db_run(ctx, NULL, "DELETE FROM limit_windows WHERE name = $1", "t", name);
}

enum err store_windows_list(struct ctx *ctx, const char *after, size_t max,
                            struct store_window *ret, size_t *ret_count)
{
        static const char sql[] = "SELECT name, calls, expires_at_us FROM limit_windows "
                                  "WHERE name > $1 AND expires_at_us > $2 ORDER BY name LIMIT $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        int64_t now_us = 0;
        size_t count = 0;
        enum err rc;

        rc = read_now(ctx, &now_us);
        if (rc == OK)
                rc = db_query(ctx, &stmt, sql, "tii", after, now_us, (int64_t)max);
        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                ret[count] = (struct store_window){ .now_us = now_us };
                rc = db_text_dup(ctx, stmt, 0, &ret[count].name);
                if (rc == OK)
                        rc = read_calls(ctx, stmt, 1, &ret[count]);
                count++;
        }
        *ret_count = count;
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_windows_sweep(struct ctx *ctx, int64_t max, int64_t *ret_removed)
{
        int64_t now_us = 0;
        enum err rc = read_now(ctx, &now_us);

        return rc == OK ? db_run(ctx, ret_removed, dialect_of(ctx)->sweep, "ii", now_us, max) : rc;
}
