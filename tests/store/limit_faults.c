#include "tests/store/limit_faults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fixture_limit.h"

#define TIMEOUT_S  0.3
#define TIMEOUT_US (300 * US_PER_MS)
#define LATE_US    (700 * US_PER_MS) /* what a busy machine may be late by */
#define PATIENCE_S 30

static void expect_away_in_time(struct limit_user *user)
{
        assert_rc(user->ctx, ERR_UNAVAILABLE, limit_try(user, "k"));
        assert_in_range(limit_tried_us, 0, TIMEOUT_US + LATE_US);
        assert_true(strlen(user->ctx->detail) > 0);
        assert_rc(user->ctx, ERR_UNAVAILABLE, user->row->backend->ping(user->ctx, user->store));
}

void a_server_that_is_away_is_said_at_once(void **state)
{
        struct limit_user *user = *state;

        if (!user->row->away)
                skip();
        user->config.state_url = user->row->away;
        assert_ok(user->ctx, limit_reopen(user));
        assert_rc(user->ctx, ERR_UNAVAILABLE, limit_try(user, "k"));
        assert_in_range(limit_tried_us, 0, US_PER_S); /* of the 30 it may take */
}

/* A port where the kernel connects and nobody accepts. */
static int listen_in_silence(unsigned *ret_port)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(listen(fd, 16), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

void a_server_that_never_answers_is_given_up_in_time(void **state)
{
        struct limit_user *user = *state;
        CLEANUP(close_fdp) int fd = -1;
        unsigned port;

        if (!user->row->silent)
                skip();
        fd = listen_in_silence(&port);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(user->url, sizeof(user->url), user->row->silent, port);
#pragma GCC diagnostic pop
        user->config.state_timeout_s = TIMEOUT_S;
        assert_ok(user->ctx, limit_reopen(user));
        expect_away_in_time(user);
}

void a_certificate_must_be_trusted(void **state)
{
        struct limit_user *user = *state;

        if (!user->row->is_tls)
                skip();
        user->config.ca_bundle = "";
        assert_ok(user->ctx, limit_reopen(user));
        assert_rc(user->ctx, ERR_UNAVAILABLE, limit_try(user, "k"));
        user->config.ssl_verify = false;
        assert_ok(user->ctx, limit_reopen(user));
        assert_ok(user->ctx, limit_try(user, "k"));
}

void a_password_must_be_right(void **state)
{
        struct limit_user *user = *state;
        char *at = strstr(user->url, "p%40ss");

        if (!user->row->is_tls)
                skip();
        assert_non_null(at);
        *at = 'P';
        assert_ok(user->ctx, limit_reopen(user));
        assert_rc(user->ctx, ERR_UNAVAILABLE, limit_try(user, "k"));
        assert_null(strstr(user->ctx->detail, "ss:w"));
}

/* ---- servers of ours ---- */

/* Of the server, or of PostgreSQL's process that serves this test; 0: there is none to play with.
 */
static pid_t server_pid(const struct limit_user *user)
{
        const char *dir = getenv("SIMPLETUNER_TEST_STATE_DIR");
        char path[256];
        long pid = 0;
        FILE *in;

        if (!user->row->pid_file || !dir)
                return 0;
        snprintf(path, sizeof(path), "%s/%s", dir, user->row->pid_file);
        in = fopen(path, "re");
        if (in && fscanf(in, "%ld", &pid) != 1) /* NOLINT(cert-err34-c) */
                pid = 0;
        if (in)
                fclose(in);
        return (pid_t)pid;
}

/* Run SQL in the test's PostgreSQL, over a connection of its own. */
static int64_t ask_pgsql(struct limit_user *user, const char *sql)
{
        CLEANUP(database_closep) struct database *database = NULL;
        char application[64];
        int64_t number = 0;
        enum err rc;

        snprintf(application, sizeof(application), "limits_%ld", (long)getpid());
        assert_ok(user->ctx, database_open(user->ctx, getenv(user->row->variable), &database));
        user->ctx->db = db_new(database);
        rc = db_number(user->ctx, &number, sql, "t", application);
        db_free(TAKE(user->ctx->db));
        assert_true(rc == OK || rc == ERR_NOT_FOUND);
        return number;
}

#define BACKEND_OF_TEST "FROM pg_stat_activity WHERE application_name = $1"

static pid_t stoppable_pid(struct limit_user *user)
{
        if (user->row->backend == &limit_pgsql)
                return (pid_t)ask_pgsql(user, "SELECT pid " BACKEND_OF_TEST);
        return server_pid(user);
}

/* Another process is in the middle of a write and does not get on. */
static void expect_given_up_while_locked(struct limit_user *user)
{
        CLEANUP(database_closep) struct database *database = NULL;
        struct db_tx tx = { 0 };

        assert_ok(user->ctx, database_open(user->ctx, user->url, &database));
        user->ctx->db = db_new(database);
        assert_ok(user->ctx, db_begin(user->ctx, &tx));
        assert_rc(user->ctx, ERR_UNAVAILABLE, limit_try(user, "k"));
        assert_in_range(limit_tried_us, TIMEOUT_US / 2, TIMEOUT_US + LATE_US);
        db_rollback_unless_committed(&tx);
        db_free(TAKE(user->ctx->db));
}

/* Does the thread stand still? */
static bool is_stopped(const char *stat_path)
{
        FILE *file = fopen(stat_path, "r");
        char text[512] = "", *end;

        if (!file)
                return true; /* it has ended */
        if (!fgets(text, sizeof(text), file))
                text[0] = '\0';
        fclose(file);
        end = strrchr(text, ')'); /* of the name; the state comes next: proc(5) */
        return end && end[1] == ' ' && end[2] == 'T';
}

static bool all_threads_are_stopped(pid_t pid)
{
        char pattern[64];
        bool stopped = true;
        glob_t found;

        snprintf(pattern, sizeof(pattern), "/proc/%ld/task/*/stat", (long)pid);
        if (glob(pattern, 0, NULL, &found) != 0)
                return false;
        for (size_t i = 0; i < found.gl_pathc; i++)
                stopped = is_stopped(found.gl_pathv[i]) && stopped;
        globfree(&found);
        return stopped;
}

/* The signal is not enough: a thread that runs may answer before it takes it. */
static bool stop_server(pid_t pid)
{
        int64_t deadline_us = clock_mono_us(&clock_system) + PATIENCE_S * US_PER_S;

        if (pid == 0 || kill(pid, SIGSTOP) != 0)
                return false;
        while (!all_threads_are_stopped(pid)) {
                assert_true(clock_mono_us(&clock_system) < deadline_us);
                clock_sleep_us(&clock_system, US_PER_MS);
        }
        return true;
}

void a_server_that_hangs_is_given_up_in_time(void **state)
{
        struct limit_user *user = *state;
        pid_t pid;

        if (user->row->backend == &limit_shm)
                skip();
        user->config.state_timeout_s = TIMEOUT_S;
        assert_ok(user->ctx, limit_reopen(user));
        limit_take(user, "k", 1000, 60);
        if (user->row->backend == &limit_sqlite) {
                expect_given_up_while_locked(user);
        } else {
                pid = stoppable_pid(user);
                if (!stop_server(pid))
                        skip();
                limit_tried_us = -1;
                if (limit_try(user, "k") != ERR_UNAVAILABLE)
                        limit_tried_us = INT64_MAX;
                kill(pid, SIGCONT);
                assert_in_range(limit_tried_us, TIMEOUT_US / 2, TIMEOUT_US + LATE_US);
        }
        user->config.state_timeout_s = PATIENCE_S;
        assert_ok(user->ctx, limit_try(user, "k"));
}

/* Wait for the server as a new client would. */
static void wait_for_server(struct limit_user *user)
{
        struct limit_user *other = limit_other(user);
        int64_t deadline_us = clock_mono_us(&clock_system) + PATIENCE_S * US_PER_S;

        while (other->row->backend->ping(other->ctx, other->store) != OK) {
                assert_true(clock_mono_us(&clock_system) < deadline_us);
                clock_sleep_us(&clock_system, 20 * US_PER_MS);
        }
        limit_other_free(other);
}

static void end_server(const struct limit_user *user, pid_t pid)
{
        kill(pid, SIGKILL);
        while (server_pid(user) == pid)
                clock_sleep_us(&clock_system, 20 * US_PER_MS);
}

void connections_that_broke_are_replaced(void **state)
{
        struct limit_user *user = *state;
        pid_t pid;

        limit_take(user, "k", 5, 60);
        if (user->row->backend == &limit_pgsql) {
                assert_int_equal(ask_pgsql(user, "SELECT CAST(pg_terminate_backend(pid) AS "
                                                 "integer) " BACKEND_OF_TEST),
                                 1);
                assert_int_equal(limit_take(user, "k", 5, 60).count, 2);
                return;
        }
        pid = server_pid(user);
        if (pid == 0)
                skip();
        end_server(user, pid);
        wait_for_server(user);
        assert_true(limit_take(user, "k", 5, 60).admitted);
}

/* The same user goes from away to back, without being opened anew. */
void a_server_that_was_started_again_counts_again(void **state)
{
        struct limit_user *user = *state;
        int64_t deadline_us = clock_mono_us(&clock_system) + PATIENCE_S * US_PER_S;
        pid_t pid = server_pid(user);

        if (pid == 0)
                skip();
        limit_take(user, "k", 5, 60);
        end_server(user, pid);
        while (limit_try(user, "k") != OK) {
                assert_true(clock_mono_us(&clock_system) < deadline_us);
                clock_sleep_us(&clock_system, 10 * US_PER_MS);
        }
        assert_true(limit_look(user, "k", 5, 60).count >= 1);
}

/* Rows that the table has for a key. */
static int64_t count_rows(struct limit_user *user, const char *key)
{
        const struct database_use use = { .setting = "url", .ca_bundle = "" };
        CLEANUP(database_closep) struct database *database = NULL;
        int64_t count = -1;

        assert_ok(user->ctx, database_open_as(user->ctx, user->url, &use, &database));
        user->ctx->db = db_new(database);
        assert_ok(user->ctx,
                  db_number(user->ctx, &count, "SELECT COUNT(*) FROM limit_windows WHERE name = $1",
                            "t", arena_printf(user->ctx->arena, "%s%s", user->prefix, key)));
        db_free(TAKE(user->ctx->db));
        return count;
}

void a_sweep_removes_rows(void **state)
{
        struct limit_user *user = *state;
        struct limit_count count;

        if (!user->row->backend->sweep)
                skip();
        count = limit_take(user, "short", 5, 1);
        limit_take(user, "long", 5, 60);
        assert_int_equal(count_rows(user, "short"), 1);
        limit_wait(&count);
        assert_ok(user->ctx, user->row->backend->sweep(user->ctx, user->store));
        assert_int_equal(count_rows(user, "short"), 0);
        assert_int_equal(count_rows(user, "long"), 1);
}

void a_table_that_was_dropped_is_made_again(void **state)
{
        CLEANUP(database_closep) struct database *database = NULL;
        struct limit_user *user = *state;

        if (user->row->backend != &limit_sqlite)
                skip(); /* others' tables are in use by others */
        limit_take(user, "k", 5, 60);
        assert_ok(user->ctx, database_open(user->ctx, user->url, &database));
        user->ctx->db = db_new(database);
        fixture_sql(user->ctx, "DROP TABLE limit_windows");
        db_free(TAKE(user->ctx->db));
        assert_int_equal(limit_take(user, "k", 5, 60).count, 1);
}
