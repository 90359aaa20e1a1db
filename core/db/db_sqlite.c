/* The SQLite driver, and the only user of sqlite3.h. WAL, synchronous=FULL: a COMMIT that returned
 * is on the disk, unless what is stored is forgettable. Readers never wait for the writer; the
 * writer waits at most BUSY_TIMEOUT_MS for another process. */
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/scope.h"
#include "core/db/driver.h"

#define BUSY_TIMEOUT_MS 30000
#define WAL_RETRY_MS    20
#define WAIT_STEP_MS    100
#define KEPT_LOG_PAGES  16384 /* of a log that is kept, when nobody keeps it: 64 MiB */
#define STEPS_UNWATCHED 10000

static const char pragmas[] = "PRAGMA journal_mode = WAL;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA journal_size_limit = 67108864;";

static enum err result(int code)
{
        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
                return OK;
        case SQLITE_DONE:
                return ERR_NOT_FOUND;
        case SQLITE_CONSTRAINT:
                return ERR_CONFLICT;
        case SQLITE_NOMEM:
                return ERR_NOMEM;
        case SQLITE_ERROR:
        case SQLITE_MISUSE:
        case SQLITE_RANGE:
        case SQLITE_READONLY:
                return ERR_INTERNAL;
        }
        return ERR_UNAVAILABLE; /* busy, full, I/O, corrupt, cannot open */
}

static void free_text(char *text)
{
        free(text);
}
DEFINE_CLEANUP(char *, free_text)

/* Make the directories above the file; those we make are ours alone. */
static bool make_parents(const char *path)
{
        CLEANUP(free_textp) char *copy = strdup(path);

        if (!copy)
                return false;
        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(copy, 0700) != 0 && errno != EEXIST)
                        return false;
                *slash = '/';
        }
        return true;
}

/* Counting every allocation would take one lock for all threads of the process. */
static void configure_library(void)
{
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int left_ms(int64_t deadline_us)
{
        int64_t left_us = deadline_us - clock_mono_us(&clock_system);

        return left_us > 0 ? (int)(left_us / US_PER_MS) : 0;
}

/* SQLite asks again after short sleeps, until this time has gone by. */
static void driver_set_deadline(void *conn, int64_t deadline_us)
{
        sqlite3_busy_timeout(conn, deadline_us ? left_ms(deadline_us) : BUSY_TIMEOUT_MS);
}

/* The switch to WAL, which only a new file needs, does not wait for others that make it too. */
static int set_up(sqlite3 *conn, int64_t deadline_us)
{
        const int patience_ms = deadline_us ? left_ms(deadline_us) : BUSY_TIMEOUT_MS;
        int code = SQLITE_BUSY;

        for (int waited_ms = 0; code == SQLITE_BUSY && waited_ms <= patience_ms;
             waited_ms += WAL_RETRY_MS) {
                code = sqlite3_exec(conn, pragmas, NULL, NULL, NULL) & 0xff;
                if (code == SQLITE_BUSY)
                        sqlite3_sleep(WAL_RETRY_MS);
        }
        return code;
}

/* Who keeps the log lets it begin anew long before that. */
static void leave_log(sqlite3 *conn)
{
        sqlite3_wal_autocheckpoint(conn, KEPT_LOG_PAGES);
        sqlite3_db_config(conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static int set_mode(sqlite3 *conn, const struct db_target *target)
{
        const char *sync =
                target->forgettable ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL";
        int code = sqlite3_exec(conn, sync, NULL, NULL, NULL);

        if (code == SQLITE_OK && target->mode == DB_READ_ONLY)
                code = sqlite3_exec(conn, "PRAGMA query_only = ON", NULL, NULL, NULL);
        return code;
}

/* Every so many steps of a statement: is its time up? */
static int is_late(void *arg)
{
        const struct db_target *target = arg;

        return target->stop_at_us && clock_mono_us(&clock_system) > target->stop_at_us;
}

/* What is written anew may be larger than the memory. */
static int set_up_upkeep(sqlite3 *conn, const struct db_target *target)
{
        sqlite3_progress_handler(conn, STEPS_UNWATCHED, is_late, (void *)(uintptr_t)target);
        return sqlite3_exec(conn, "PRAGMA temp_store = FILE", NULL, NULL, NULL);
}

/* Another file is at its path. While there is none, this one is still the best there is. */
static bool is_replaced(sqlite3 *conn)
{
        const char *path = sqlite3_db_filename(conn, "main");
        int moved = 0;

        return sqlite3_file_control(conn, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
               moved && path && access(path, F_OK) == 0;
}

static int connect(const struct db_target *target, int64_t deadline_us, sqlite3 **ret_conn)
{
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                          (target->existing ? 0 : SQLITE_OPEN_CREATE);
        int code = sqlite3_open_v2(target->dsn, ret_conn, flags, NULL);

        if (code != SQLITE_OK)
                return code;
        sqlite3_extended_result_codes(*ret_conn, 1);
        driver_set_deadline(*ret_conn, deadline_us);
        return set_up(*ret_conn, deadline_us);
}

/* The log is opened after the file, by its name: if the file was replaced in between, it is
 * another's. */
static int connect_to_one(const struct db_target *target, int64_t deadline_us, sqlite3 **ret_conn)
{
        int code = connect(target, deadline_us, ret_conn);

        while (code == SQLITE_OK && is_replaced(*ret_conn)) {
                sqlite3_close_v2(*ret_conn);
                code = connect(target, deadline_us, ret_conn);
        }
        return code;
}

static enum err driver_open(const struct db_target *target, int64_t deadline_us, void **ret_conn,
                            char detail[DB_DETAIL_SIZE])
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        const char *dsn = target->dsn;
        sqlite3 *conn = NULL;
        int code;

        pthread_once(&once, configure_library);
        if (!target->existing && !make_parents(dsn)) {
                snprintf(detail, DB_DETAIL_SIZE, "%s: %s", dsn, strerror(errno));
                return ERR_UNAVAILABLE;
        }
        code = connect_to_one(target, deadline_us, &conn);
        if (code == SQLITE_OK && target->keep_log)
                leave_log(conn);
        if (code == SQLITE_OK)
                code = set_mode(conn, target);
        if (code == SQLITE_OK && target->upkeep)
                code = set_up_upkeep(conn, target);
        if (code != SQLITE_OK) {
                snprintf(detail, DB_DETAIL_SIZE, "%s: %s", dsn,
                         conn ? sqlite3_errmsg(conn) : sqlite3_errstr(code));
                sqlite3_close_v2(conn);
                return ERR_UNAVAILABLE;
        }
        *ret_conn = conn;
        return OK;
}

static void driver_close(void *conn)
{
        sqlite3_close_v2(conn);
}

static const char *driver_message(void *conn)
{
        return sqlite3_errmsg(conn);
}

/* The file was replaced or damaged under us; anything else heals by itself. */
static bool driver_broken(void *conn)
{
        int code = sqlite3_errcode(conn);

        return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || (code & 0xff) == SQLITE_IOERR ||
               code == SQLITE_READONLY_DBMOVED || is_replaced(conn);
}

static enum err driver_prepare(void *conn, const char *sql, void **ret_stmt)
{
        sqlite3_stmt *stmt = NULL;
        enum err rc;

        rc = result(sqlite3_prepare_v3(conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
        if (rc == OK)
                *ret_stmt = stmt;
        return rc;
}

/* "$1" is a name to SQLite: its position depends on where it first appears in the text. */
static enum err driver_bind(void *stmt, unsigned number, const struct db_value *value)
{
        char name[16];
        const char *usual;
        int at = (int)number;

        snprintf(name, sizeof(name), "$%u", number);
        usual = sqlite3_bind_parameter_name(stmt, at);
        if (!usual || strcmp(usual, name) != 0)
                at = sqlite3_bind_parameter_index(stmt, name);
        if (at == 0)
                return ERR_INTERNAL;
        switch (value->type) {
        case DB_NULL:
                return result(sqlite3_bind_null(stmt, at));
        case DB_INT:
                return result(sqlite3_bind_int64(stmt, at, value->integer));
        case DB_REAL:
                return result(sqlite3_bind_double(stmt, at, value->real));
        case DB_TEXT:
        case DB_BLOB:
                return result(sqlite3_bind_text(stmt, at, value->text, -1, SQLITE_TRANSIENT));
        }
        return ERR_INTERNAL;
}

static enum err driver_step(void *stmt)
{
        return result(sqlite3_step(stmt));
}

/* A text with a NUL inside, which we never write, reads as what is no text: nothing that comes
 * after a NUL goes by unseen. */
static const char *read_text(sqlite3_value *value)
{
        const char *text = (const char *)sqlite3_value_text(value);
        size_t len = (size_t)sqlite3_value_bytes(value);

        return text && strlen(text) != len ? "\xff" : text;
}

/* A connection opened with SQLITE_OPEN_NOMUTEX knows no unprotected values (sqlite3_value). */
static enum err driver_column(void *stmt, unsigned index, struct db_value *ret)
{
        sqlite3_value *value = sqlite3_column_value(stmt, (int)index);
        const int type = sqlite3_value_type(value);

        *ret = (struct db_value){ .type = DB_NULL };
        switch (type) {
        case SQLITE_INTEGER:
                ret->type = DB_INT;
                ret->integer = sqlite3_value_int64(value);
                break;
        case SQLITE_FLOAT:
                ret->type = DB_REAL;
                ret->real = sqlite3_value_double(value);
                break;
        case SQLITE_TEXT:
        case SQLITE_BLOB: /* we write none, but one is not the same as nothing */
                ret->type = type == SQLITE_BLOB ? DB_BLOB : DB_TEXT;
                ret->text = read_text(value);
                break;
        default:
                break;
        }
        return OK;
}

static int64_t driver_changes(void *stmt)
{
        return sqlite3_changes64(sqlite3_db_handle(stmt));
}

static void driver_reset(void *stmt)
{
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
}

static void driver_finalize(void *stmt)
{
        sqlite3_finalize(stmt);
}

static enum err driver_exec(void *conn, const char *sql)
{
        return result(sqlite3_exec(conn, sql, NULL, NULL, NULL));
}

/* A writing transaction already excludes every other one, in all processes. */
static enum err driver_lock(void *conn, const char *name)
{
        (void)conn;
        (void)name;
        return OK;
}

static enum err driver_notify(void *conn)
{
        (void)conn;
        return OK;
}

/* A number that changes whenever another connection has committed; never 0. */
static enum err data_version(sqlite3 *conn, int64_t *ret)
{
        sqlite3_stmt *stmt = NULL;
        int code = sqlite3_prepare_v2(conn, "PRAGMA data_version", -1, &stmt, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_step(stmt);
        if (code == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0) + 1;
        sqlite3_finalize(stmt);
        return code == SQLITE_ROW ? OK : ERR_UNAVAILABLE;
}

static enum err driver_wait(void *conn, unsigned timeout_ms, int64_t *seen)
{
        int64_t version = *seen;
        enum err rc;

        for (unsigned waited_ms = 0;; waited_ms += WAIT_STEP_MS) {
                rc = data_version(conn, &version);
                if (rc != OK || version != *seen || waited_ms >= timeout_ms || is_replaced(conn))
                        break;
                sqlite3_sleep(WAIT_STEP_MS);
        }
        *seen = version;
        return rc;
}

const struct db_driver db_sqlite = {
        .name = "sqlite",
        .dialect = "sqlite",
        .begin = "BEGIN IMMEDIATE",
        .begin_snapshot = "BEGIN; SELECT COUNT(*) FROM sqlite_master", /* BEGIN alone sees none */
        .vacuum = "VACUUM",
        .find_table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1",
        .one_writer = true,
        .open = driver_open,
        .set_deadline = driver_set_deadline,
        .close = driver_close,
        .message = driver_message,
        .broken = driver_broken,
        .prepare = driver_prepare,
        .bind = driver_bind,
        .step = driver_step,
        .column = driver_column,
        .changes = driver_changes,
        .reset = driver_reset,
        .finalize = driver_finalize,
        .exec = driver_exec,
        .lock = driver_lock,
        .notify = driver_notify,
        .wait = driver_wait,
};
