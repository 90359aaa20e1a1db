#include "core/db/wal_source.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US   5000000
#define ASK_AGAIN_US  100   /* writers leave short gaps only */
#define SHM_REGION    32768 /* walformat 2: the size of the index's first block */
#define INDEX_TRIES   1000
#define INDEX_WAIT_MS 1

/* The two readers take turns; the third connection writes nothing, but keeps others from it. */
struct wal_source {
        sqlite3 *reader[2];
        sqlite3 *stopper;
        unsigned held; /* which of the readers */
        bool is_held;
};

static enum err fail(struct ctx *ctx, sqlite3 *conn, const char *what)
{
        return ctx_fail(ctx, ERR_UNAVAILABLE, "database: %s: %s", what, sqlite3_errmsg(conn));
}

static enum err run(struct ctx *ctx, sqlite3 *conn, const char *sql)
{
        return sqlite3_exec(conn, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : fail(ctx, conn, sql);
}

static void end(sqlite3 *conn)
{
        if (conn && !sqlite3_get_autocommit(conn))
                sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL);
}

static int wait_a_little(void *arg, int times)
{
        (void)arg;
        if (times >= PATIENCE_US / ASK_AGAIN_US)
                return 0;
        clock_sleep_us(&clock_system, ASK_AGAIN_US);
        return 1;
}

static enum err connect(struct ctx *ctx, const char *path, sqlite3 **ret)
{
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
        int code = sqlite3_open_v2(path, ret, flags, NULL);

        if (code != SQLITE_OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: cannot connect: %s",
                                *ret ? sqlite3_errmsg(*ret) : sqlite3_errstr(code));
        sqlite3_busy_handler(*ret, wait_a_little, NULL);
        sqlite3_wal_autocheckpoint(*ret, 0);
        sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return OK;
}

enum err wal_source_open(struct ctx *ctx, const char *path, struct wal_source **ret)
{
        CLEANUP(wal_source_closep) struct wal_source *source = calloc(1, sizeof(*source));
        enum err rc;

        if (!source)
                return ctx_nomem(ctx);
        if (access(path, F_OK) != 0 && errno == ENOENT)
                return ctx_fail(ctx, ERR_NOT_FOUND, "there is no database yet");
        rc = connect(ctx, path, &source->reader[0]);
        if (rc == OK)
                rc = connect(ctx, path, &source->reader[1]);
        if (rc == OK)
                rc = connect(ctx, path, &source->stopper);
        if (rc != OK)
                return rc;
        *ret = TAKE(source);
        return OK;
}

void wal_source_close(struct wal_source *source)
{
        if (!source)
                return;
        sqlite3_close_v2(source->reader[0]);
        sqlite3_close_v2(source->reader[1]);
        sqlite3_close_v2(source->stopper);
        free(source);
}

static sqlite3 *other(const struct wal_source *source)
{
        return source->reader[1 - source->held];
}

/* One that has the log open, for it is reading. */
static sqlite3 *reading(const struct wal_source *source)
{
        sqlite3 *conn = other(source);

        return sqlite3_get_autocommit(conn) ? source->reader[source->held] : conn;
}

bool wal_source_is_in_place(struct wal_source *source)
{
        int moved = 1;

        return sqlite3_file_control(source->reader[0], "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
                       SQLITE_OK &&
               !moved;
}

static sqlite3_file *file_of(sqlite3 *conn, int which)
{
        sqlite3_file *file = NULL;

        if (sqlite3_file_control(conn, "main", which, &file) != SQLITE_OK || !file ||
            !file->pMethods)
                return NULL;
        return file;
}

/* Others may be writing the index: both its copies and its sum must agree. */
static enum err read_index(struct ctx *ctx, sqlite3 *conn, struct wal_index *ret)
{
        sqlite3_file *file = file_of(conn, SQLITE_FCNTL_FILE_POINTER);
        unsigned char copy[WAL_INDEX_SIZE];
        void volatile *map = NULL;

        if (!file || file->pMethods->iVersion < 2 ||
            file->pMethods->xShmMap(file, 0, SHM_REGION, 0, &map) != SQLITE_OK || !map)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: it has no write-ahead log");
        for (unsigned tries = 0; tries < INDEX_TRIES; tries++) {
                for (size_t i = 0; i < sizeof(copy); i++)
                        copy[i] = ((const unsigned char volatile *)map)[i];
                file->pMethods->xShmBarrier(file);
                if (wal_index_parse(copy, ret))
                        return OK;
                sqlite3_sleep(INDEX_WAIT_MS);
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "database: the index of its log is damaged");
}

enum err wal_source_begin(struct ctx *ctx, struct wal_source *source, struct wal_index *ret)
{
        sqlite3 *conn = other(source);
        const int64_t before_us = clock_wall_us(ctx->clock);
        enum err rc;

        end(conn);
        rc = run(ctx, conn, "BEGIN");
        if (rc == OK)
                rc = run(ctx, conn, "SELECT 1 FROM sqlite_master LIMIT 1");
        if (rc == OK)
                rc = read_index(ctx, conn, ret);
        if (rc != OK) {
                end(conn);
                return rc;
        }
        ret->before_us = before_us;
        ret->after_us = clock_wall_us(ctx->clock);
        return OK;
}

enum err wal_source_peek(struct ctx *ctx, struct wal_source *source, struct wal_index *ret)
{
        return read_index(ctx, reading(source), ret);
}

void wal_source_keep(struct wal_source *source)
{
        end(source->reader[source->held]);
        source->held = 1 - source->held;
        source->is_held = true;
}

void wal_source_give_up(struct wal_source *source)
{
        end(other(source));
}

bool wal_source_is_held(struct wal_source *source)
{
        return source->is_held && !sqlite3_get_autocommit(source->reader[source->held]) &&
               wal_source_is_in_place(source);
}

static enum err read_file(struct ctx *ctx, sqlite3_file *file, int64_t at, void *ret, size_t len)
{
        int code;

        if (!file)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: it has no write-ahead log");
        code = file->pMethods->xRead(file, ret, (int)len, at);
        if (code == SQLITE_IOERR_SHORT_READ)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "database: the file is shorter than it should be");
        if (code != SQLITE_OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: %s", sqlite3_errstr(code));
        return OK;
}

enum err wal_source_read_log(struct ctx *ctx, struct wal_source *source, int64_t at, void *ret,
                             size_t len)
{
        return read_file(ctx, file_of(reading(source), SQLITE_FCNTL_JOURNAL_POINTER), at, ret, len);
}

enum err wal_source_read_file(struct ctx *ctx, struct wal_source *source, int64_t at, void *ret,
                              size_t len)
{
        return read_file(ctx, file_of(reading(source), SQLITE_FCNTL_FILE_POINTER), at, ret, len);
}

enum err wal_source_file_size(struct ctx *ctx, struct wal_source *source, int64_t *ret)
{
        sqlite3_file *file = file_of(reading(source), SQLITE_FCNTL_FILE_POINTER);
        sqlite3_int64 size;

        if (!file || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "database: its size is not known");
        *ret = size;
        return OK;
}

enum err wal_source_stop_writers(struct ctx *ctx, struct wal_source *source)
{
        return run(ctx, source->stopper, "BEGIN IMMEDIATE");
}

void wal_source_let_write(struct wal_source *source)
{
        end(source->stopper);
}

enum err wal_source_backfill(struct ctx *ctx, struct wal_source *source, bool *ret_all)
{
        int frames = 0, done = 0;
        int code = sqlite3_wal_checkpoint_v2(other(source), NULL, SQLITE_CHECKPOINT_PASSIVE,
                                             &frames, &done);

        if (code != SQLITE_OK && code != SQLITE_BUSY)
                return fail(ctx, other(source), "checkpoint");
        *ret_all = code == SQLITE_OK && frames > 0 && frames == done;
        return OK;
}
