/* Durable one-row transactions per second on SQLite, three ways, one after the other:
 *   group     32 threads through core/db, which lets transactions that meet share a commit
 *   each      32 threads with a connection and a commit of their own for every write
 *   one       32 threads taking turns at one connection, a commit for every write
 * All with WAL and synchronous=FULL.
 *
 *     group_commit DIRECTORY SECONDS    prints "group=N each=N one=N" */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/base/ctx.h"
#include "core/db/db.h"

#define THREADS 32
#define ROW                                                                                        \
        "a row of about one hundred bytes, such as a webhook or a change of status makes it: "     \
        "0123456789"
#define CREATE                                                                                     \
        "CREATE TABLE writes (id INTEGER PRIMARY KEY, thread BIGINT NOT NULL, body TEXT NOT NULL)"
#define INSERT "INSERT INTO writes (thread, body) VALUES ($1, $2)"

struct run;

struct worker {
        pthread_t thread;
        struct run *run;
        int64_t number, writes;
};

struct run {
        void *(*write_rows)(void *worker);
        const char *path;
        struct database *database; /* group */
        pthread_mutex_t turn;      /* one */
        sqlite3 *shared;
        sqlite3_stmt *shared_insert;
        atomic_bool stopped;
        struct worker workers[THREADS];
};

static void fatal(const char *what, const char *why)
{
        fprintf(stderr, "group_commit: %s: %s\n", what, why);
        _exit(EX_SOFTWARE);
}

/* ---- through core/db ---- */

static enum err write_row(struct ctx *ctx, int64_t number)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_run(ctx, NULL, INSERT, "it", number, ROW);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err create_table(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_exec_script(ctx, CREATE);
        return rc == OK ? db_commit(&tx) : rc;
}

static void *write_in_groups(void *arg)
{
        struct worker *worker = arg;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(db_freep) struct db *db = db_new(worker->run->database);
        struct ctx ctx = { .arena = arena, .db = db, .clock = &clock_system };

        while (!atomic_load(&worker->run->stopped)) {
                if (write_row(&ctx, worker->number) != OK)
                        fatal("core/db", ctx.detail);
                arena_reset(arena);
                worker->writes++;
        }
        return NULL;
}

/* ---- with SQLite itself ---- */

static void check(sqlite3 *conn, int code)
{
        if (code != SQLITE_OK && code != SQLITE_DONE)
                fatal("SQLite", sqlite3_errmsg(conn));
}

static sqlite3 *connect_to(const char *path, sqlite3_stmt **ret_insert)
{
        sqlite3 *conn = NULL;

        check(conn, sqlite3_open(path, &conn));
        sqlite3_busy_timeout(conn, 60000);
        check(conn, sqlite3_exec(conn, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL,
                                 NULL, NULL));
        if (ret_insert)
                check(conn, sqlite3_prepare_v2(conn, INSERT, -1, ret_insert, NULL));
        return conn;
}

static void insert_one(sqlite3 *conn, sqlite3_stmt *insert, int64_t number)
{
        check(conn, sqlite3_exec(conn, "BEGIN IMMEDIATE", NULL, NULL, NULL));
        sqlite3_bind_int64(insert, 1, number);
        sqlite3_bind_text(insert, 2, ROW, -1, SQLITE_STATIC);
        check(conn, sqlite3_step(insert));
        sqlite3_reset(insert);
        check(conn, sqlite3_exec(conn, "COMMIT", NULL, NULL, NULL));
}

static void *write_each(void *arg)
{
        struct worker *worker = arg;
        sqlite3_stmt *insert;
        sqlite3 *conn = connect_to(worker->run->path, &insert);

        while (!atomic_load(&worker->run->stopped)) {
                insert_one(conn, insert, worker->number);
                worker->writes++;
        }
        sqlite3_finalize(insert);
        sqlite3_close(conn);
        return NULL;
}

static void *write_in_turns(void *arg)
{
        struct worker *worker = arg;
        struct run *run = worker->run;

        while (!atomic_load(&run->stopped)) {
                pthread_mutex_lock(&run->turn);
                insert_one(run->shared, run->shared_insert, worker->number);
                pthread_mutex_unlock(&run->turn);
                worker->writes++;
        }
        return NULL;
}

/* ---- one way, measured ---- */

static double now_s(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double writes_per_s(struct run *run, double seconds)
{
        double start = now_s(), took;
        int64_t writes = 0;

        for (unsigned i = 0; i < THREADS; i++) {
                struct worker *worker = &run->workers[i];

                *worker = (struct worker){ .run = run, .number = i };
                if (pthread_create(&worker->thread, NULL, run->write_rows, worker) != 0)
                        fatal("pthread_create", "no thread");
        }
        usleep((useconds_t)(seconds * 1e6));
        atomic_store(&run->stopped, true);
        for (unsigned i = 0; i < THREADS; i++) {
                pthread_join(run->workers[i].thread, NULL);
                writes += run->workers[i].writes;
        }
        took = now_s() - start;
        return (double)writes / took;
}

static void new_file(const char *path)
{
        char side[4096];

        unlink(path);
        snprintf(side, sizeof(side), "%s-wal", path);
        unlink(side);
        snprintf(side, sizeof(side), "%s-shm", path);
        unlink(side);
}

static double measure_group(const char *path, double seconds)
{
        CLEANUP(database_closep) struct database *database = NULL;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(db_freep) struct db *db = NULL;
        struct ctx ctx = { .arena = arena, .clock = &clock_system };
        struct run run = { .write_rows = write_in_groups };
        char url[4096];

        new_file(path);
        snprintf(url, sizeof(url), "sqlite://%s", path);
        if (database_open(&ctx, url, &database) != OK)
                fatal("core/db", ctx.detail);
        ctx.db = db = db_new(database);
        if (!db || create_table(&ctx) != OK)
                fatal("core/db", ctx.detail);
        run.database = database;
        return writes_per_s(&run, seconds);
}

static double measure_plain(const char *path, double seconds, void *(*write_rows)(void *))
{
        struct run run = { .write_rows = write_rows, .path = path };
        double rate;

        new_file(path);
        pthread_mutex_init(&run.turn, NULL);
        run.shared = connect_to(path, NULL);
        check(run.shared, sqlite3_exec(run.shared, CREATE, NULL, NULL, NULL));
        check(run.shared, sqlite3_prepare_v2(run.shared, INSERT, -1, &run.shared_insert, NULL));
        rate = writes_per_s(&run, seconds);
        sqlite3_finalize(run.shared_insert);
        sqlite3_close(run.shared);
        pthread_mutex_destroy(&run.turn);
        return rate;
}

int main(int argc, char **argv)
{
        char path[4000];
        double seconds;

        if (argc != 3) {
                fprintf(stderr, "usage: group_commit DIRECTORY SECONDS\n");
                return EX_USAGE;
        }
        snprintf(path, sizeof(path), "%s/group_commit.db", argv[1]);
        seconds = strtod(argv[2], NULL);
        printf("group=%.0f ", measure_group(path, seconds));
        printf("each=%.0f ", measure_plain(path, seconds, write_each));
        printf("one=%.0f\n", measure_plain(path, seconds, write_in_turns));
        new_file(path);
        return EX_OK;
}
