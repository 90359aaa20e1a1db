#include "core/db/sqlite_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fault.h"
#include "core/base/give_way.h"

#define STEP_PAGES  1024 /* that are copied at once */
#define PATIENCE_MS 60000
#define RETRY_MS    5

static void close_db(sqlite3 **db)
{
        sqlite3_close_v2(*db);
}

static void finish_copy(sqlite3_backup **copy)
{
        if (*copy)
                sqlite3_backup_finish(*copy);
}

static void finalize(sqlite3_stmt **stmt)
{
        sqlite3_finalize(*stmt);
}

static enum err fail_code(struct ctx *ctx, int code, const char *path, const char *message)
{
        enum err rc = ERR_UNAVAILABLE;

        switch (code & 0xff) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
                rc = ERR_CONFLICT;
                break;
        case SQLITE_FULL:
                rc = ERR_NO_SPACE;
                break;
        case SQLITE_NOMEM:
                rc = ERR_NOMEM;
                break;
        default:
                break;
        }
        return ctx_fail(ctx, rc, "%s: %s", path, message);
}

static enum err fail(struct ctx *ctx, sqlite3 *db, const char *path)
{
        return fail_code(ctx, sqlite3_extended_errcode(db), path, sqlite3_errmsg(db));
}

static enum err open_db(struct ctx *ctx, const char *path, int flags, sqlite3 **ret)
{
        int code = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX, NULL);

        if (code != SQLITE_OK)
                return fail_code(ctx, code, path, *ret ? sqlite3_errmsg(*ret) : "out of memory");
        sqlite3_extended_result_codes(*ret, 1);
        sqlite3_busy_timeout(*ret, PATIENCE_MS);
        return OK;
}

static enum err exec(struct ctx *ctx, sqlite3 *db, const char *path, const char *sql)
{
        return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : fail(ctx, db, path);
}

/* The first column of the first row. */
static enum err number(struct ctx *ctx, sqlite3 *db, const char *path, const char *sql,
                       int64_t *ret)
{
        CLEANUP(finalize) sqlite3_stmt *stmt = NULL;

        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
            sqlite3_step(stmt) != SQLITE_ROW)
                return fail(ctx, db, path);
        *ret = sqlite3_column_int64(stmt, 0);
        return OK;
}

/* Between two steps. Tests kill here. */
static void after_step_out(struct give_way *way)
{
        FAULT_POINT("backup.half");
        give_way_rest(way);
}

static void after_step_into(struct give_way *way)
{
        (void)way; /* others wait for this */
        FAULT_POINT("restore.half");
}

/* Page after page; others who are in the way are waited for. */
static enum err run_copy(struct ctx *ctx, sqlite3_backup *copy, const char *path,
                         void (*after_step)(struct give_way *way))
{
        CLEANUP(give_way_end) struct give_way way = give_way_begin();
        int code, pages = 1, waited_ms = 0;

        for (; (code = sqlite3_backup_step(copy, pages)) != SQLITE_DONE; pages = STEP_PAGES) {
                if (code == SQLITE_OK) {
                        after_step(&way);
                        continue;
                }
                if ((code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_LOCKED)
                        return fail_code(ctx, code, path, sqlite3_errstr(code));
                if (waited_ms >= PATIENCE_MS)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s is held by others", path);
                sqlite3_sleep(RETRY_MS);
                waited_ms += RETRY_MS;
        }
        return OK;
}

/* ---- a copy of what others write to ---- */

/* In a transaction of the source's own connection: without one the copy would begin anew whenever
 * another process has written. */
static enum err copy_pages(struct ctx *ctx, const char *from, const char *to)
{
        CLEANUP(close_db) sqlite3 *source = NULL;
        CLEANUP(close_db) sqlite3 *target = NULL;
        CLEANUP(finish_copy) sqlite3_backup *copy = NULL;
        int64_t version;
        enum err rc;

        rc = open_db(ctx, from, SQLITE_OPEN_READWRITE, &source);
        if (rc == OK)
                rc = exec(ctx, source, from, "PRAGMA wal_autocheckpoint = 0; BEGIN");
        if (rc == OK)
                rc = number(ctx, source, from, "SELECT count(*) FROM sqlite_master", &version);
        if (rc == OK)
                rc = open_db(ctx, to, SQLITE_OPEN_READWRITE, &target);
        if (rc == OK)
                rc = exec(ctx, target, to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
        if (rc != OK)
                return rc;
        copy = sqlite3_backup_init(target, "main", source, "main");
        return copy ? run_copy(ctx, copy, from, after_step_out) : fail(ctx, target, to);
}

/* The copy says of itself that it has a write-ahead log, as the source has; as a file that is
 * carried about it should have none. */
enum err sqlite_copy_settle(struct ctx *ctx, const char *path)
{
        CLEANUP(close_db) sqlite3 *db = NULL;
        enum err rc = open_db(ctx, path, SQLITE_OPEN_READWRITE, &db);

        if (rc == OK)
                rc = exec(ctx, db, path, "PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE");
        return rc;
}

enum err sqlite_copy_out(struct ctx *ctx, const char *from, const char *to)
{
        CLEANUP(close_fdp) int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        enum err rc;

        if (fd < 0)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE, "%s: %m",
                                to);
        rc = copy_pages(ctx, from, to);
        return rc == OK ? sqlite_copy_settle(ctx, to) : rc;
}

/* ---- looking at one ---- */

static enum err open_to_read(struct ctx *ctx, const char *path, sqlite3 **ret)
{
        enum err rc = open_db(ctx, path, SQLITE_OPEN_READWRITE, ret);

        if (rc == OK)
                rc = exec(ctx, *ret, path,
                          "PRAGMA query_only = ON; PRAGMA cache_size = -16384;"
                          "PRAGMA mmap_size = 1099511627776");
        return rc;
}

static enum err check_integrity(struct ctx *ctx, sqlite3 *db, const char *path)
{
        CLEANUP(finalize) sqlite3_stmt *stmt = NULL;
        const char *word;

        if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
            sqlite3_step(stmt) != SQLITE_ROW)
                return fail(ctx, db, path);
        word = (const char *)sqlite3_column_text(stmt, 0);
        if (word && strcmp(word, "ok") == 0)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT, "the database is damaged: %s",
                        word ? word : "out of memory");
}

static enum err check_foreign_keys(struct ctx *ctx, sqlite3 *db, const char *path)
{
        CLEANUP(finalize) sqlite3_stmt *stmt = NULL;
        int code = sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &stmt, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_step(stmt);
        if (code == SQLITE_DONE)
                return OK;
        if (code != SQLITE_ROW)
                return fail(ctx, db, path);
        return ctx_fail(ctx, ERR_CONFLICT,
                        "the database is damaged: row %lld of %s refers to one of %s that is not "
                        "there",
                        (long long)sqlite3_column_int64(stmt, 1), sqlite3_column_text(stmt, 0),
                        sqlite3_column_text(stmt, 2));
}

enum err sqlite_copy_check(struct ctx *ctx, const char *path)
{
        CLEANUP(close_db) sqlite3 *db = NULL;
        enum err rc = open_to_read(ctx, path, &db);

        if (rc == OK)
                rc = check_integrity(ctx, db, path);
        if (rc == OK)
                rc = check_foreign_keys(ctx, db, path);
        return rc;
}

static enum err count_rows(struct ctx *ctx, sqlite3 *db, const char *path, const char *table,
                           int64_t *ret)
{
        char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
        enum err rc = sql ? number(ctx, db, path, sql, ret) : ctx_nomem(ctx);

        sqlite3_free(sql);
        return rc;
}

enum err sqlite_copy_tables(struct ctx *ctx, const char *path, sqlite_table_fn *row, void *arg)
{
        static const char sql[] = "SELECT name FROM sqlite_master WHERE type = 'table' AND "
                                  "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
        CLEANUP(close_db) sqlite3 *db = NULL;
        CLEANUP(finalize) sqlite3_stmt *stmt = NULL;
        enum err rc = open_to_read(ctx, path, &db);
        int code = SQLITE_DONE;

        if (rc == OK && sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
                rc = fail(ctx, db, path);
        while (rc == OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
                const char *table = (const char *)sqlite3_column_text(stmt, 0);
                int64_t rows = 0;

                rc = count_rows(ctx, db, path, table, &rows);
                if (rc == OK)
                        rc = row(ctx, arg, table, rows);
        }
        return rc == OK && code != SQLITE_DONE ? fail(ctx, db, path) : rc;
}

/* By SQLite, because whoever opens a database by itself and closes it again takes away the locks of
 * all connections of the process (POSIX locks go with any descriptor of the file). */
enum err sqlite_copy_is_database(struct ctx *ctx, const char *path)
{
        CLEANUP(close_db) sqlite3 *db = NULL;
        int64_t version;
        enum err rc;

        if (access(path, F_OK) != 0)
                return ctx_fail(ctx, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "%s: %m",
                                path);
        rc = open_db(ctx, path, SQLITE_OPEN_READWRITE, &db);
        if (rc == OK)
                rc = number(ctx, db, path, "PRAGMA schema_version", &version);
        if (rc == ERR_CONFLICT && (sqlite3_errcode(db) & 0xff) != SQLITE_NOTADB)
                return OK; /* damaged, but one */
        return rc;
}

/* ---- in another's place ---- */

/* A database in WAL mode keeps its page size. */
static enum err match_page_size(struct ctx *ctx, sqlite3 *live, const char *live_path,
                                sqlite3 *source, const char *path)
{
        int64_t wanted = 0, size = 0;
        char sql[128];
        enum err rc;

        rc = number(ctx, live, live_path, "PRAGMA page_size", &wanted);
        if (rc == OK)
                rc = number(ctx, source, path, "PRAGMA page_size", &size);
        if (rc != OK || size == wanted)
                return rc;
        snprintf(sql, sizeof(sql), "PRAGMA journal_mode = DELETE; PRAGMA page_size = %lld; VACUUM",
                 (long long)wanted);
        return exec(ctx, source, path, sql);
}

enum err sqlite_copy_into(struct ctx *ctx, const char *from, const char *live_path)
{
        CLEANUP(close_db) sqlite3 *source = NULL;
        CLEANUP(close_db) sqlite3 *live = NULL;
        sqlite3_backup *copy;
        int64_t count;
        enum err rc;

        rc = open_db(ctx, from, SQLITE_OPEN_READWRITE, &source);
        if (rc == OK)
                rc = open_db(ctx, live_path, SQLITE_OPEN_READWRITE, &live);
        if (rc == OK)
                rc = exec(ctx, live, live_path,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA journal_size_limit = 67108864");
        if (rc == OK)
                rc = match_page_size(ctx, live, live_path, source, from);
        if (rc == OK)
                rc = exec(ctx, source, from, "BEGIN");
        if (rc == OK)
                rc = number(ctx, source, from, "SELECT count(*) FROM sqlite_master", &count);
        if (rc != OK)
                return rc;
        copy = sqlite3_backup_init(live, "main", source, "main");
        if (!copy)
                return fail(ctx, live, live_path);
        rc = run_copy(ctx, copy, live_path, after_step_into);
        if (sqlite3_backup_finish(copy) != SQLITE_OK && rc == OK)
                rc = fail(ctx, live, live_path);
        FAULT_POINT("restore.committed");
        if (rc == OK) /* the log is as long as the database now; who reads may be in the way */
                sqlite3_wal_checkpoint_v2(live, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        return rc;
}
