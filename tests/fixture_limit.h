/* What tests of the backends of limits start from: each test runs on each backend that there is a
 * server for (with-state-servers.sh, with-postgresql.sh), with a home and a prefix of its own. */
#ifndef TESTS_FIXTURE_LIMIT_H
#define TESTS_FIXTURE_LIMIT_H

#include "core/base/config.h"
#include "core/cloud/limits/limit_backend.h"
#include "tests/fixture_db.h"

/* A backend, and how its server is made to fail. NULL: nothing of the kind. */
struct limit_row {
        const char *kind; /* shown */
        const struct limit_backend *backend;
        const char *variable; /* of the environment, with the URL; NULL: the file state.db, or for
                               * memory the home in place of a URL, as it is of one host */
        const char *away;     /* a URL where nothing is */
        const char *silent;   /* a URL where %u is a port that connects and never answers */
        const char *wrong[8]; /* URLs that are refused at start */
        bool is_tls; /* another way to a server that has a row: the first tests are enough */
        const char *pid_file; /* of a server that is ours alone; it is started again by itself */
};

extern const struct limit_row limit_rows[];
extern const size_t limit_row_count;

/* One opened backend. What belongs to a host or a process is its own, the ctx included. */
struct limit_user {
        struct ctx *ctx;
        struct config config;
        const struct limit_row *row;
        void *store;
        char url[512], prefix[64];
};

/* *state is a struct limit_user. */
int limit_setup(void **state);
int limit_teardown(void **state);

/* Another process or host with the same settings but the home, and the end of it. */
struct limit_user *limit_other(const struct limit_user *user);
void limit_other_free(struct limit_user *user);
/* Close what is open and open it with what the configuration says now. */
enum err limit_reopen(struct limit_user *user);

/* The calls of the backend on key. Those that answer a count fail the test when it does not. */
struct limit_count limit_take(struct limit_user *user, const char *key, unsigned calls,
                              unsigned window_s);
struct limit_count limit_look(struct limit_user *user, const char *key, unsigned calls,
                              unsigned window_s);
enum err limit_try(struct limit_user *user, const char *key);

/* Let the time pass that a count says. */
void limit_wait(const struct limit_count *count);

/* Take attempts times in so many processes at once, on two hosts: how many were admitted in all. */
unsigned limit_take_in_processes(struct limit_user *user, unsigned processes, unsigned calls,
                                 unsigned attempts);
/* For main: run such a process and exit, when it is one. */
void limit_run_if_process(int argc, char **argv);

/* Run fn in threads, each with a ctx of its own: whether all was well. */
typedef bool limit_thread_fn(struct ctx *ctx, struct limit_user *user);
bool limit_threads(struct limit_user *user, unsigned count, limit_thread_fn *fn);

/* Microseconds that the last limit_try took. */
extern int64_t limit_tried_us;

#define LIMIT_TEST(f)                                                                              \
        {                                                                                          \
#f, f, limit_setup, limit_teardown, NULL                                           \
        }
#define LIMIT_RUN(group, tests) limit_run((group), (tests), ARRAY_SIZE(tests))
int limit_run(const char *group, const struct CMUnitTest *tests, size_t count);

#endif
