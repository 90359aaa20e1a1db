/* The PostgreSQL driver, and the only user of libpq-fe.h. Text format both ways, named prepared
 * statements, one connection per thread. Outside a transaction the session is read-only, so that
 * the rule of db.h holds here too. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/scope.h"
#include "core/db/driver.h"

#define PARAMS_MAX 64
#define CHANNEL    "simpletuner_cloud"
#define LOAD_PIECE (256 * KiB)

struct conn {
        PGconn *pg;
        unsigned long prepared; /* names given so far */
        int64_t heard;          /* 0: does not listen; else one more than notifications so far */
        int64_t deadline_us;    /* 0: none */
        bool late;              /* gave up waiting: what it will answer is not for the next */
};

struct stmt {
        struct conn *conn;
        char name[24];
        int param_count;
        const char *values[PARAMS_MAX];
        char numbers[PARAMS_MAX][32]; /* the text of bound numbers */
        PGresult *result;             /* NULL until the first step */
        int row;
        bool streams; /* row by row */
        bool flows;   /* more rows are on their way */
};

static const char session[] = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;"
                              "SET client_encoding = 'UTF8';"
                              "SET client_min_messages = warning;"
                              "SET lock_timeout = '30s';"
                              "SET idle_in_transaction_session_timeout = '60s'";

/* SQLSTATE classes: 23 integrity, 42 our SQL is wrong, 22 our value is wrong, 53 out of something.
 */
static enum err result_of(const PGresult *result)
{
        const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

        if (!state)
                return ERR_UNAVAILABLE;
        if (strncmp(state, "23", 2) == 0)
                return ERR_CONFLICT;
        if (strncmp(state, "42", 2) == 0 || strncmp(state, "22", 2) == 0 ||
            strncmp(state, "25", 2) == 0)
                return ERR_INTERNAL;
        return ERR_UNAVAILABLE;
}

/* Wait for the socket, at most until the deadline; 0: none. */
static bool wait_for(PGconn *pg, short events, int64_t deadline_us)
{
        struct pollfd fd = { .fd = PQsocket(pg), .events = events };
        int ready, left_ms = -1;

        do {
                if (deadline_us) {
                        int64_t left_us = deadline_us - clock_mono_us(&clock_system);

                        if (left_us <= 0)
                                return false;
                        left_ms = (int)(left_us / US_PER_MS) + 1;
                }
                ready = poll(&fd, 1, left_ms);
        } while (ready < 0 && errno == EINTR);
        return ready > 0;
}

/* The next result of what was sent, NULL after the last; conn->late when time is up. */
static PGresult *next_result(struct conn *conn)
{
        while (PQisBusy(conn->pg)) {
                if (!wait_for(conn->pg, POLLIN, conn->deadline_us)) {
                        conn->late = true;
                        return NULL;
                }
                if (!PQconsumeInput(conn->pg))
                        break;
        }
        return PQgetResult(conn->pg);
}

/* The last result of what was sent, NULL when time is up or the connection broke. */
static PGresult *await(struct conn *conn)
{
        PGresult *last = NULL, *next;

        while ((next = next_result(conn))) {
                PQclear(last);
                last = next;
        }
        if (conn->late) {
                PQclear(last);
                return NULL;
        }
        return last;
}

static enum err run(struct conn *conn, const char *sql)
{
        PGresult *result = PQsendQuery(conn->pg, sql) ? await(conn) : NULL;
        ExecStatusType status = PQresultStatus(result);
        enum err rc = OK;

        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
                rc = result_of(result);
        else if (strcmp(sql, "COMMIT") == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
                rc = ERR_UNAVAILABLE; /* a statement had failed: the server rolled back instead */
        PQclear(result);
        return rc;
}

static void driver_close(void *handle)
{
        struct conn *conn = handle;

        PQfinish(conn->pg);
        free(conn);
}

static const char *failure(struct conn *conn)
{
        return conn->late || !*PQerrorMessage(conn->pg) ? "no answer in time"
                                                        : PQerrorMessage(conn->pg);
}

/* Without this libpq writes the server's notices to standard error, where the log goes. */
static void ignore_notice(void *arg, const char *message)
{
        (void)arg;
        (void)message;
}

/* As PQconnectdbParams, but no longer than until the deadline. Names are looked up in their own
 * time: libpq leaves that to the C library. */
static PGconn *connect_until(const char *const *keys, const char *const *values,
                             int64_t deadline_us)
{
        PGconn *pg = PQconnectStartParams(keys, values, 1);
        PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;

        if (PQstatus(pg) == CONNECTION_BAD)
                return pg;
        while (wanted != PGRES_POLLING_OK && wanted != PGRES_POLLING_FAILED) {
                if (!wait_for(pg, wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_us))
                        break; /* not CONNECTION_OK yet */
                wanted = PQconnectPoll(pg);
        }
        return pg;
}

static enum err driver_open(const struct db_target *target, int64_t deadline_us, void **ret_conn,
                            char detail[DB_DETAIL_SIZE])
{
        static const char *const keys[] = { "dbname", "fallback_application_name",
                                            "connect_timeout", "keepalives_idle", NULL };
        const char *const values[] = { target->dsn, "simpletuner-cloud", "10", "60", NULL };
        struct conn *conn = calloc(1, sizeof(*conn));

        if (!conn)
                return ERR_NOMEM;
        conn->deadline_us = deadline_us;
        conn->pg = deadline_us ? connect_until(keys, values, deadline_us)
                               : PQconnectdbParams(keys, values, 1);
        PQsetNoticeProcessor(conn->pg, ignore_notice, NULL);
        if (PQstatus(conn->pg) != CONNECTION_OK || run(conn, session) != OK) {
                snprintf(detail, DB_DETAIL_SIZE, "%s", failure(conn));
                driver_close(conn);
                return ERR_UNAVAILABLE;
        }
        *ret_conn = conn;
        return OK;
}

static const char *driver_message(void *handle)
{
        return failure(handle);
}

static void driver_set_deadline(void *handle, int64_t deadline_us)
{
        struct conn *conn = handle;

        conn->deadline_us = deadline_us;
}

/* A server that restarted has said so and closed the connection: behind what can be read is the
 * end. */
static bool driver_broken(void *handle)
{
        struct conn *conn = handle;
        struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };

        if (conn->late)
                return true;
        for (int reads = 0; reads < 3 && poll(&fd, 1, 0) > 0; reads++) {
                if (!PQconsumeInput(conn->pg))
                        return true;
        }
        return PQstatus(conn->pg) != CONNECTION_OK;
}

static void driver_reset(void *handle)
{
        struct stmt *stmt = handle;

        if (stmt->flows)
                stmt->conn->late = true; /* what is still to come is for nobody */
        stmt->flows = false;
        PQclear(stmt->result);
        stmt->result = NULL;
        stmt->row = -1;
        stmt->param_count = 0;
}

static void driver_finalize(void *handle)
{
        struct stmt *stmt = handle;
        char sql[48];

        driver_reset(stmt);
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", stmt->name);
        if (PQstatus(stmt->conn->pg) == CONNECTION_OK && !stmt->conn->late)
                (void)!run(stmt->conn, sql);
        free(stmt);
}

static enum err driver_prepare(void *handle, const char *sql, void **ret_stmt)
{
        struct conn *conn = handle;
        struct stmt *stmt = calloc(1, sizeof(*stmt));
        PGresult *result = NULL;
        enum err rc = OK;

        if (!stmt)
                return ERR_NOMEM;
        stmt->conn = conn;
        stmt->row = -1;
        snprintf(stmt->name, sizeof(stmt->name), "s%lu", conn->prepared++);
        if (PQsendPrepare(conn->pg, stmt->name, sql, 0, NULL))
                result = await(conn);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
                rc = result_of(result);
        PQclear(result);
        if (rc != OK)
                free(stmt);
        else
                *ret_stmt = stmt;
        return rc;
}

static enum err driver_bind(void *handle, unsigned number, const struct db_value *value)
{
        struct stmt *stmt = handle;
        unsigned at = number - 1;

        if (number == 0 || number > PARAMS_MAX)
                return ERR_INTERNAL;
        if (stmt->param_count < (int)number)
                stmt->param_count = (int)number;
        stmt->values[at] = stmt->numbers[at];
        switch (value->type) {
        case DB_NULL:
                stmt->values[at] = NULL;
                break;
        case DB_INT:
                snprintf(stmt->numbers[at], sizeof(stmt->numbers[at]), "%lld",
                         (long long)value->integer);
                break;
        case DB_REAL:
                snprintf(stmt->numbers[at], sizeof(stmt->numbers[at]), "%.17g", value->real);
                break;
        case DB_TEXT:
        case DB_BLOB:
                stmt->values[at] = value->text;
                break;
        }
        return OK;
}

static PGresult *execute(struct stmt *stmt)
{
        return PQsendQueryPrepared(stmt->conn->pg, stmt->name, stmt->param_count, stmt->values,
                                   NULL, NULL, 0)
                       ? await(stmt->conn)
                       : NULL;
}

static void driver_stream(void *handle)
{
        struct stmt *stmt = handle;

        stmt->streams = true;
}

/* A step of a statement that fetches row by row. */
static enum err step_stream(struct stmt *stmt)
{
        struct conn *conn = stmt->conn;

        if (!stmt->flows) {
                if (!PQsendQueryPrepared(conn->pg, stmt->name, stmt->param_count, stmt->values,
                                         NULL, NULL, 0) ||
                    !PQsetSingleRowMode(conn->pg))
                        return ERR_UNAVAILABLE;
                stmt->flows = true;
        }
        PQclear(stmt->result);
        stmt->result = next_result(conn);
        if (PQresultStatus(stmt->result) == PGRES_SINGLE_TUPLE) {
                stmt->row = 0;
                return OK;
        }
        stmt->flows = false;
        PQclear(await(conn));
        return PQresultStatus(stmt->result) == PGRES_TUPLES_OK ? ERR_NOT_FOUND
                                                               : result_of(stmt->result);
}

/* The first step runs the statement and fetches every row, unless it streams: callers bound what
 * they ask for. */
static enum err driver_step(void *handle)
{
        struct stmt *stmt = handle;

        if (stmt->streams)
                return step_stream(stmt);
        if (!stmt->result) {
                ExecStatusType status;

                stmt->result = execute(stmt);
                status = PQresultStatus(stmt->result);
                if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
                        return result_of(stmt->result);
        }
        return ++stmt->row < PQntuples(stmt->result) ? OK : ERR_NOT_FOUND;
}

static enum err driver_column(void *handle, unsigned index, struct db_value *ret)
{
        struct stmt *stmt = handle;
        int column = (int)index;

        *ret = (struct db_value){ .type = DB_NULL };
        if (!PQgetisnull(stmt->result, stmt->row, column)) {
                ret->type = DB_TEXT;
                ret->text = PQgetvalue(stmt->result, stmt->row, column);
        }
        return OK;
}

static int64_t driver_changes(void *handle)
{
        struct stmt *stmt = handle;

        return strtoll(PQcmdTuples(stmt->result), NULL, 10);
}

static enum err driver_exec(void *handle, const char *sql)
{
        return run(handle, sql);
}

/* The server reads all before it answers, so that nothing is lost when it refuses a row. */
static enum err driver_load(void *handle, const char *sql, const char *bytes, size_t len)
{
        struct conn *conn = handle;
        PGresult *result = PQexec(conn->pg, sql);
        bool begun = PQresultStatus(result) == PGRES_COPY_IN;
        enum err rc = begun ? OK : result_of(result);

        PQclear(result);
        for (size_t done = 0, piece; begun && done < len; done += piece) {
                piece = len - done < LOAD_PIECE ? len - done : LOAD_PIECE;
                if (PQputCopyData(conn->pg, bytes + done, (int)piece) != 1)
                        break; /* the connection is gone: the end says so */
        }
        if (begun) {
                (void)!PQputCopyEnd(conn->pg, NULL);
                result = await(conn);
                rc = PQresultStatus(result) == PGRES_COMMAND_OK ? OK : result_of(result);
                PQclear(result);
        }
        return rc;
}

/* An advisory lock on the name's hash, given back at the end of the transaction. */
static enum err driver_lock(void *handle, const char *name)
{
        static const char sql[] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        struct conn *conn = handle;
        const char *const values[] = { name };
        PGresult *result = NULL;
        enum err rc;

        if (PQsendQueryParams(conn->pg, sql, 1, NULL, values, NULL, NULL, 0))
                result = await(conn);
        rc = PQresultStatus(result) == PGRES_TUPLES_OK ? OK : result_of(result);
        PQclear(result);
        return rc;
}

static enum err driver_notify(void *handle)
{
        return run(handle, "NOTIFY " CHANNEL);
}

static void count_notifications(struct conn *conn)
{
        PGnotify *notification;

        while ((notification = PQnotifies(conn->pg))) {
                conn->heard++;
                PQfreemem(notification);
        }
}

/* Statements in between may have read notifications already, so those are counted first. */
static enum err driver_wait(void *handle, unsigned timeout_ms, int64_t *seen)
{
        struct conn *conn = handle;
        struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };

        if (conn->heard == 0) {
                enum err rc = run(conn, "LISTEN " CHANNEL);

                if (rc != OK)
                        return rc;
                conn->heard = 1;
        }
        count_notifications(conn);
        if (conn->heard == *seen && poll(&fd, 1, (int)timeout_ms) > 0) {
                if (!PQconsumeInput(conn->pg))
                        return ERR_UNAVAILABLE;
                count_notifications(conn);
        }
        *seen = conn->heard;
        return OK;
}

const struct db_driver db_pgsql = {
        .name = "postgresql",
        .dialect = "pgsql",
        .begin = "BEGIN READ WRITE",
        .begin_snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                          "SET LOCAL idle_in_transaction_session_timeout = 0;"
                          "SELECT 1", /* only now the moment is chosen */
        .vacuum = "VACUUM (ANALYZE)",
        .find_table = "SELECT 1 FROM information_schema.tables "
                      "WHERE table_schema = current_schema() AND table_name = $1",
        .one_writer = false,
        .open = driver_open,
        .set_deadline = driver_set_deadline,
        .close = driver_close,
        .message = driver_message,
        .broken = driver_broken,
        .prepare = driver_prepare,
        .bind = driver_bind,
        .stream = driver_stream,
        .step = driver_step,
        .column = driver_column,
        .changes = driver_changes,
        .reset = driver_reset,
        .finalize = driver_finalize,
        .exec = driver_exec,
        .load = driver_load,
        .lock = driver_lock,
        .notify = driver_notify,
        .wait = driver_wait,
};
