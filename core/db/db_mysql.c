/* The MySQL and MariaDB driver, and the only user of mysql.h. Not for the service's own database,
 * but for small tables that hosts share: InnoDB, READ COMMITTED, so that a row that is not there
 * locks nothing, UTC and "||" as SQL has it. Prepared statements, and the calls of libmariadb that
 * do not block: it counts its own timeouts in seconds only. Making a table ends a transaction, so
 * sessions are not read-only outside of them, as those of other drivers are.
 * URL: mysql://user:password@host:port/database?socket=PATH&tls=1 */
#include <errmsg.h>
#include <errno.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/scope.h"
#include "core/base/service_url.h"
#include "core/db/driver.h"

#define PARAMS_MAX  16
#define COLUMNS_MAX 8
#define PORT        3306

struct conn {
        MYSQL *mysql;
        int64_t deadline_us; /* 0: none */
        bool late;           /* gave up waiting: what it will answer is not for the next */
};

/* A bound value, kept until the statement has run. */
struct param {
        long long integer;
        double real;
        unsigned long length;
        MYSQL_BIND bind;
};

struct stmt {
        struct conn *conn;
        MYSQL_STMT *native;
        unsigned char numbers[PARAMS_MAX]; /* which $n each "?" stands for, from 0 */
        unsigned place_count;
        struct param params[PARAMS_MAX]; /* by number */
        bool has_run;
        unsigned column_count;
        MYSQL_BIND columns[COLUMNS_MAX];
        unsigned long lengths[COLUMNS_MAX];
        my_bool nulls[COLUMNS_MAX];
        char *texts[COLUMNS_MAX];
};

static const char session[] =
        "SET SESSION sql_mode = 'ANSI,STRICT_ALL_TABLES', time_zone = '+00:00', "
        "innodb_lock_wait_timeout = 30";
static const char isolation[] = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/* ---- waiting ---- */

/* What libmariadb waits for has happened, or time is up. */
static int wait_for(struct conn *conn, int wanted)
{
        struct pollfd fd = { .fd = mysql_get_socket(conn->mysql) };
        int64_t left_us = conn->deadline_us - clock_mono_us(&clock_system);
        int ready;

        fd.events = (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
                            (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0));
        conn->late = conn->late || (conn->deadline_us && left_us <= 0);
        if (conn->late)
                return MYSQL_WAIT_TIMEOUT;
        ready = poll(&fd, 1, conn->deadline_us ? (int)(left_us / US_PER_MS) + 1 : -1);
        if (ready < 0 && errno == EINTR)
                return wait_for(conn, wanted);
        if (ready <= 0) {
                conn->late = true;
                return MYSQL_WAIT_TIMEOUT;
        }
        return (fd.revents & (POLLIN | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_READ : 0) |
               (fd.revents & (POLLOUT | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_WRITE : 0);
}

/* Run mysql_CALL(handle, ...) to its end or to the deadline. */
#define AWAIT(conn, result, call, handle, ...)                                                     \
        do {                                                                                       \
                int wanted_ = mysql_##call##_start(&(result), (handle), ##__VA_ARGS__);            \
                                                                                                   \
                while (wanted_)                                                                    \
                        wanted_ = mysql_##call##_cont(&(result), (handle),                         \
                                                      wait_for((conn), wanted_));                  \
        } while (0)

static enum err result_of(unsigned code)
{
        switch (code) {
        case 0:
                return OK;
        case ER_DUP_ENTRY:
        case ER_BAD_NULL_ERROR:
                return ERR_CONFLICT;
        case ER_PARSE_ERROR:
        case ER_NO_SUCH_TABLE:
        case ER_BAD_FIELD_ERROR:
        case ER_DATA_TOO_LONG:
                return ERR_INTERNAL;
        }
        return ERR_UNAVAILABLE; /* deadlocks and lock waits too: the caller may try again */
}

static enum err run(struct conn *conn, const char *sql)
{
        int failed = 0;

        AWAIT(conn, failed, real_query, conn->mysql, sql, strlen(sql));
        return failed ? result_of(mysql_errno(conn->mysql)) : OK;
}

/* ---- connections ---- */

static void driver_close(void *handle)
{
        struct conn *conn = handle;

        mysql_close(conn->mysql);
        free(conn);
}

static const char *driver_message(void *handle)
{
        struct conn *conn = handle;

        return conn->late ? "no answer in time" : mysql_error(conn->mysql);
}

static void driver_set_deadline(void *handle, int64_t deadline_us)
{
        struct conn *conn = handle;

        conn->deadline_us = deadline_us;
}

/* A server that ends a connection says so first: between statements nothing else comes. */
static bool driver_broken(void *handle)
{
        struct conn *conn = handle;
        struct pollfd fd = { .fd = mysql_get_socket(conn->mysql), .events = POLLIN };
        unsigned code = mysql_errno(conn->mysql);

        return conn->late || (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) || poll(&fd, 1, 0) > 0;
}

static void start_library(void)
{
        (void)mysql_server_init(0, NULL, NULL);
}

/* Reconnecting is off by default and stays so. libmariadb would take "localhost" for its usual
 * socket; here a host is a host. */
static void apply_options(MYSQL *mysql, const struct db_target *target, bool has_host, bool tls)
{
        const unsigned tcp = MYSQL_PROTOCOL_TCP;
        my_bool on = 1, off = 0;

        if (has_host)
                mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);

        mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL);
        mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &(unsigned){ 0 });
        if (!tls)
                return;
        mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, target->ssl_verify ? &on : &off);
        if (target->ca_bundle && *target->ca_bundle)
                mysql_options(mysql, MYSQL_OPT_SSL_CA, target->ca_bundle);
}

static bool connect_to(struct conn *conn, struct arena *arena, const struct service_url *url)
{
        const char *socket = service_url_option(arena, url, "socket");
        MYSQL *connected = NULL;

        AWAIT(conn, connected, real_connect, conn->mysql, *url->host ? url->host : NULL, url->user,
              url->password, *url->path ? url->path + 1 : NULL, url->port ? url->port : PORT,
              socket, 0);
        return connected && run(conn, session) == OK && run(conn, isolation) == OK;
}

static enum err driver_open(const struct db_target *target, int64_t deadline_us, void **ret_conn,
                            char detail[DB_DETAIL_SIZE])
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct conn *conn = arena ? calloc(1, sizeof(*conn)) : NULL;
        struct service_url url;
        const char *tls;

        pthread_once(&once, start_library);
        if (!conn)
                return ERR_NOMEM;
        conn->deadline_us = deadline_us;
        conn->mysql = mysql_init(NULL);
        if (!conn->mysql || !service_url_parse(arena, target->dsn, &url)) {
                driver_close(conn);
                return ERR_NOMEM;
        }
        tls = service_url_option(arena, &url, "tls");
        apply_options(conn->mysql, target, *url.host, tls && strcmp(tls, "1") == 0);
        if (!connect_to(conn, arena, &url)) {
                snprintf(detail, DB_DETAIL_SIZE, "%s", driver_message(conn));
                driver_close(conn);
                return ERR_UNAVAILABLE;
        }
        *ret_conn = conn;
        return OK;
}

/* ---- statements ---- */

/* "$n" becomes "?", and numbers says which n each was. False: too many. */
static bool rewrite(const char *sql, char *to, struct stmt *stmt)
{
        for (; *sql; sql++) {
                unsigned long number;
                char *end;

                if (*sql != '$') {
                        *to++ = *sql;
                        continue;
                }
                number = strtoul(sql + 1, &end, 10);
                if (number == 0 || number > PARAMS_MAX || stmt->place_count == PARAMS_MAX)
                        return false;
                stmt->numbers[stmt->place_count++] = (unsigned char)(number - 1);
                *to++ = '?';
                sql = end - 1;
        }
        *to = '\0';
        return true;
}

static void driver_reset(void *handle)
{
        struct stmt *stmt = handle;

        mysql_stmt_free_result(stmt->native);
        for (unsigned i = 0; i < COLUMNS_MAX; i++) {
                free(stmt->texts[i]);
                stmt->texts[i] = NULL;
        }
        stmt->has_run = false;
}

static void driver_finalize(void *handle)
{
        struct stmt *stmt = handle;

        driver_reset(stmt);
        mysql_stmt_close(stmt->native);
        free(stmt);
}

static enum err driver_prepare(void *handle, const char *sql, void **ret_stmt)
{
        const my_bool on = 1;
        struct conn *conn = handle;
        struct stmt *stmt = calloc(1, sizeof(*stmt));
        char *text = stmt ? malloc(strlen(sql) + 1) : NULL;
        enum err rc = ERR_NOMEM;
        int failed = 0;

        if (text)
                stmt->native = mysql_stmt_init(conn->mysql);
        if (stmt && stmt->native) {
                stmt->conn = conn;
                rc = rewrite(sql, text, stmt) ? OK : ERR_INTERNAL;
        }
        if (rc == OK) {
                mysql_stmt_attr_set(stmt->native, STMT_ATTR_UPDATE_MAX_LENGTH, &on);
                AWAIT(conn, failed, stmt_prepare, stmt->native, text, strlen(text));
                rc = failed ? result_of(mysql_stmt_errno(stmt->native)) : OK;
        }
        free(text);
        if (rc == OK)
                *ret_stmt = stmt;
        else if (stmt && stmt->native)
                driver_finalize(stmt);
        else
                free(stmt);
        return rc;
}

static enum err driver_bind(void *handle, unsigned number, const struct db_value *value)
{
        struct stmt *stmt = handle;
        struct param *param = &stmt->params[number - 1];

        if (number == 0 || number > PARAMS_MAX)
                return ERR_INTERNAL;
        *param = (struct param){ .integer = value->integer, .real = value->real };
        switch (value->type) {
        case DB_NULL:
                param->bind.buffer_type = MYSQL_TYPE_NULL;
                break;
        case DB_INT:
                param->bind.buffer_type = MYSQL_TYPE_LONGLONG;
                param->bind.buffer = &param->integer;
                break;
        case DB_REAL:
                param->bind.buffer_type = MYSQL_TYPE_DOUBLE;
                param->bind.buffer = &param->real;
                break;
        case DB_TEXT:
        case DB_BLOB:
                param->length = strlen(value->text);
                param->bind.buffer_type = MYSQL_TYPE_STRING;
                param->bind.buffer = (char *)(uintptr_t)value->text;
                param->bind.buffer_length = param->length;
                param->bind.length = &param->length;
                break;
        }
        return OK;
}

/* Room for the longest value of each column, once all rows are here. */
static enum err bind_columns(struct stmt *stmt)
{
        MYSQL_RES *about = mysql_stmt_result_metadata(stmt->native);
        enum err rc = about ? OK : ERR_NOMEM;

        for (unsigned i = 0; rc == OK && i < stmt->column_count; i++) {
                const MYSQL_FIELD *field = mysql_fetch_field_direct(about, i);

                stmt->texts[i] =
                        malloc(field->max_length + 32); /* a number as text may be longer */
                stmt->columns[i] = (MYSQL_BIND){
                        .buffer_type = MYSQL_TYPE_STRING,
                        .buffer = stmt->texts[i],
                        .buffer_length = field->max_length + 31,
                        .length = &stmt->lengths[i],
                        .is_null = &stmt->nulls[i],
                };
                rc = stmt->texts[i] ? OK : ERR_NOMEM;
        }
        mysql_free_result(about);
        if (rc == OK && mysql_stmt_bind_result(stmt->native, stmt->columns))
                rc = ERR_INTERNAL;
        return rc;
}

static enum err execute(struct stmt *stmt)
{
        MYSQL_BIND places[PARAMS_MAX];
        int failed = 0;

        for (unsigned i = 0; i < stmt->place_count; i++)
                places[i] = stmt->params[stmt->numbers[i]].bind;
        if (stmt->place_count > 0 && mysql_stmt_bind_param(stmt->native, places))
                return ERR_INTERNAL;
        AWAIT(stmt->conn, failed, stmt_execute, stmt->native);
        stmt->column_count = failed ? 0 : mysql_stmt_field_count(stmt->native);
        if (stmt->column_count > COLUMNS_MAX)
                return ERR_INTERNAL;
        if (!failed && stmt->column_count > 0)
                AWAIT(stmt->conn, failed, stmt_store_result, stmt->native);
        if (failed)
                return result_of(mysql_stmt_errno(stmt->native));
        stmt->has_run = true;
        return stmt->column_count > 0 ? bind_columns(stmt) : OK;
}

static enum err driver_step(void *handle)
{
        struct stmt *stmt = handle;

        if (!stmt->has_run) {
                enum err rc = execute(stmt);

                if (rc != OK)
                        return rc;
        }
        if (stmt->column_count == 0)
                return ERR_NOT_FOUND;
        switch (mysql_stmt_fetch(stmt->native)) {
        case 0:
                return OK;
        case MYSQL_NO_DATA:
                return ERR_NOT_FOUND;
        }
        return ERR_INTERNAL;
}

static enum err driver_column(void *handle, unsigned index, struct db_value *ret)
{
        struct stmt *stmt = handle;

        *ret = (struct db_value){ .type = DB_NULL };
        if (index < stmt->column_count && !stmt->nulls[index]) {
                stmt->texts[index][stmt->lengths[index]] = '\0';
                ret->type = DB_TEXT;
                ret->text = stmt->texts[index];
        }
        return OK;
}

static int64_t driver_changes(void *handle)
{
        struct stmt *stmt = handle;

        return (int64_t)mysql_stmt_affected_rows(stmt->native);
}

static enum err driver_exec(void *handle, const char *sql)
{
        return run(handle, sql);
}

/* ---- what its use needs none of ---- */

static enum err driver_lock(void *handle, const char *name)
{
        (void)handle;
        (void)name;
        return ERR_UNSUPPORTED; /* its named locks do not end with the transaction */
}

static enum err driver_notify(void *handle)
{
        (void)handle;
        return ERR_UNSUPPORTED;
}

static enum err driver_wait(void *handle, unsigned timeout_ms, int64_t *seen)
{
        (void)handle;
        (void)timeout_ms;
        (void)seen;
        return ERR_UNSUPPORTED;
}

const struct db_driver db_mysql = {
        .name = "mysql",
        .dialect = "mysql",
        .begin = "START TRANSACTION",
        .begin_snapshot = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        .find_table = "SELECT 1 FROM information_schema.tables "
                      "WHERE table_schema = DATABASE() AND table_name = $1",
        .one_writer = false,
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
