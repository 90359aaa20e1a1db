#include "tests/fixture_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cloud/http/http_client.h"

#define PROCESSES_MAX 16
#define THREADS_MAX   16
#define TLS_TESTS     6
#define KEY           "shared by processes"

int64_t limit_tried_us;

const struct limit_row limit_rows[] = {
        {
                .kind = "memory",
                .backend = &limit_shm,
        },
        {
                .kind = "sqlite",
                .backend = &limit_sqlite,
                .away = "sqlite:///dev/null/state.db",
                .wrong = { "sqlite://relative.db", "postgresql://h/d", "redis://h" },
        },
        {
                .kind = "postgresql",
                .backend = &limit_pgsql,
                .variable = "SIMPLETUNER_TEST_PGSQL_URL",
                .away = "postgresql://nobody@127.0.0.1:1/nothing",
                .silent = "postgresql://nobody@127.0.0.1:%u/nothing",
                .wrong = { "", "sqlite:///a/b", "redis://h" },
        },
#ifdef WITH_REDIS
        {
                .kind = "redis",
                .backend = &limit_redis,
                .variable = "SIMPLETUNER_TEST_REDIS_URL",
                .away = "redis://127.0.0.1:1",
                .silent = "redis://127.0.0.1:%u",
                .wrong = { "", "redis://", "redis://h:0", "redis://h/x", "redis://h?port=1",
                           "unix://host/path", "http://h", "redis://u:%zz@h" },
                .pid_file = "redis.pid",
        },
        {
                .kind = "rediss",
                .backend = &limit_redis,
                .variable = "SIMPLETUNER_TEST_REDISS_URL",
                .away = "rediss://127.0.0.1:1",
                .silent = "rediss://127.0.0.1:%u",
                .is_tls = true,
        },
#endif
#ifdef WITH_MYSQL
        {
                .kind = "mysql",
                .backend = &limit_mysql,
                .variable = "SIMPLETUNER_TEST_MYSQL_URL",
                .away = "mysql://nobody@127.0.0.1:1/nothing",
                .silent = "mysql://nobody@127.0.0.1:%u/nothing",
                .wrong = { "", "mysql://h", "mysql://h/", "mysql://h/d?x=1", "mysql://h:x/d",
                           "postgresql://h/d" },
                .pid_file = "mysql.pid",
        },
        {
                .kind = "mysql with TLS",
                .backend = &limit_mysql,
                .variable = "SIMPLETUNER_TEST_MYSQLS_URL",
                .is_tls = true,
        },
#endif
};
const size_t limit_row_count = ARRAY_SIZE(limit_rows);

static void make_config(struct limit_user *user)
{
        const char *ca_bundle = getenv("SIMPLETUNER_TEST_STATE_CA");

        user->config = (struct config){
                .home = user->row->backend == &limit_shm ? user->url : fixture_dir(user->ctx),
                .database_url = "sqlite:///nowhere/jobs.db",
                .ssl_verify = true,
                .ca_bundle = ca_bundle ? ca_bundle : "",
                .state_url = user->url,
                .state_pool_size = 4,
                .state_timeout_s = 30,
                .state_key_prefix = user->prefix,
        };
        user->ctx->config = &user->config;
        user->ctx->clock = &clock_system;
}

static struct limit_user *new_user(const struct limit_row *row, const char *url, const char *prefix)
{
        struct limit_user *user = calloc(1, sizeof(*user));

        assert_non_null(user);
        user->ctx = fixture_ctx();
        user->row = row;
        snprintf(user->url, sizeof(user->url), "%s", url);
        snprintf(user->prefix, sizeof(user->prefix), "%s", prefix);
        make_config(user);
        return user;
}

int limit_setup(void **state)
{
        static unsigned made;
        const struct limit_row *row = *state;
        const char *url = row->variable ? getenv(row->variable) : "";
        char prefix[64];
        struct limit_user *user;

        snprintf(prefix, sizeof(prefix), "test %ld.%u:", (long)getpid(), made++);
        user = new_user(row, url, prefix);
        if (row->backend == &limit_shm)
                snprintf(user->url, sizeof(user->url), "%s", fixture_dir(user->ctx));
        else if (!row->variable)
                snprintf(user->url, sizeof(user->url), "sqlite://%s",
                         fixture_path(user->ctx, "state.db"));
        else if (row->backend == &limit_pgsql)
                snprintf(user->url, sizeof(user->url), "%s%capplication_name=limits_%ld", url,
                         strchr(url, '?') ? '&' : '?', (long)getpid());
        assert_ok(user->ctx, row->backend->open(user->ctx, &user->store));
        *state = user;
        return 0;
}

void limit_other_free(struct limit_user *user)
{
        if (user->store)
                user->row->backend->close(user->store);
        fixture_free(user->ctx);
        free(user);
}

int limit_teardown(void **state)
{
        limit_other_free(*state);
        return 0;
}

struct limit_user *limit_other(const struct limit_user *user)
{
        struct limit_user *other = new_user(user->row, user->url, user->prefix);

        assert_ok(other->ctx, user->row->backend->open(other->ctx, &other->store));
        return other;
}

enum err limit_reopen(struct limit_user *user)
{
        void *store = TAKE(user->store);

        if (store)
                user->row->backend->close(store);
        return user->row->backend->open(user->ctx, &user->store);
}

struct limit_count limit_take(struct limit_user *user, const char *key, unsigned calls,
                              unsigned window_s)
{
        const struct limit_window window = { key, calls, window_s };
        struct limit_count count = { .count = 12345 };

        assert_ok(user->ctx, user->row->backend->take(user->ctx, user->store, &window, &count));
        arena_reset(user->ctx->arena);
        return count;
}

struct limit_count limit_look(struct limit_user *user, const char *key, unsigned calls,
                              unsigned window_s)
{
        const struct limit_window window = { key, calls, window_s };
        struct limit_count count = { .count = 12345 };

        assert_ok(user->ctx, user->row->backend->look(user->ctx, user->store, &window, &count));
        arena_reset(user->ctx->arena);
        return count;
}

enum err limit_try(struct limit_user *user, const char *key)
{
        const struct limit_window window = { key, 1000, 60 };
        int64_t start_us = clock_mono_us(&clock_system);
        struct limit_count count;
        enum err rc = user->row->backend->take(user->ctx, user->store, &window, &count);

        limit_tried_us = clock_mono_us(&clock_system) - start_us;
        return rc;
}

/* The clocks of two machines may run apart by a little. */
void limit_wait(const struct limit_count *count)
{
        clock_sleep_us(&clock_system, count->reset_in_us + 2 * US_PER_MS);
}

/* ---- threads ---- */

struct thread {
        pthread_t id;
        struct ctx *ctx;
        struct limit_user *user;
        limit_thread_fn *fn;
        bool well;
};

static void *run_thread(void *arg)
{
        struct thread *thread = arg;

        thread->well = thread->fn(thread->ctx, thread->user);
        return NULL;
}

bool limit_threads(struct limit_user *user, unsigned count, limit_thread_fn *fn)
{
        struct thread all[THREADS_MAX];
        bool well = true;

        assert_in_range(count, 1, THREADS_MAX);
        for (unsigned i = 0; i < count; i++) {
                all[i] = (struct thread){ .ctx = fixture_ctx(), .user = user, .fn = fn };
                all[i].ctx->config = &user->config;
                all[i].ctx->clock = &clock_system;
                assert_int_equal(pthread_create(&all[i].id, NULL, run_thread, &all[i]), 0);
        }
        for (unsigned i = 0; i < count; i++) {
                pthread_join(all[i].id, NULL);
                if (!all[i].well)
                        print_error("thread %u: %s\n", i, all[i].ctx->detail);
                well = well && all[i].well;
                fixture_free(all[i].ctx);
        }
        return well;
}

/* ---- processes ---- */

/* Arguments: kind, URL, prefix, calls, attempts. It begins when its input ends, and writes how many
 * were admitted. */
void limit_run_if_process(int argc, char **argv)
{
        struct limit_user *user = NULL;
        unsigned admitted = 0, calls, attempts;
        char nothing;

        if (argc != 6)
                return;
        assert_true(http_client_start());
        calls = (unsigned)strtoul(argv[4], NULL, 10);
        attempts = (unsigned)strtoul(argv[5], NULL, 10);
        for (size_t i = 0; i < limit_row_count; i++) {
                if (strcmp(limit_rows[i].kind, argv[1]) == 0)
                        user = new_user(&limit_rows[i], argv[2], argv[3]);
        }
        if (!user || user->row->backend->open(user->ctx, &user->store) != OK)
                _exit(1);
        if (read(STDIN_FILENO, &nothing, 1) != 0)
                _exit(1);
        for (unsigned i = 0; i < attempts; i++) {
                const struct limit_window window = { KEY, calls, 3600 };
                struct limit_count count;

                if (user->row->backend->take(user->ctx, user->store, &window, &count) != OK) {
                        fprintf(stderr, "%s\n", user->ctx->detail);
                        _exit(1);
                }
                admitted += count.admitted;
                arena_reset(user->ctx->arena);
        }
        printf("%u\n", admitted);
        fflush(stdout);
        limit_other_free(user);
        http_client_stop();
        exit(0);
}

struct process {
        pid_t pid;
        int output;
};

static struct process start_process(const struct limit_user *user, int input, char *calls,
                                    char *attempts)
{
        char *const arguments[] = { "limit process",
                                    (char *)(uintptr_t)user->row->kind,
                                    (char *)(uintptr_t)user->url,
                                    (char *)(uintptr_t)user->prefix,
                                    calls,
                                    attempts,
                                    NULL };
        struct process process;
        int output[2];

        assert_int_equal(pipe(output), 0);
        process.output = output[0];
        process.pid = fork();
        assert_true(process.pid >= 0);
        if (process.pid == 0) {
                dup2(input, STDIN_FILENO);
                dup2(output[1], STDOUT_FILENO);
                for (int fd = 3; fd < 64; fd++)
                        close(fd);
                execv("/proc/self/exe", arguments);
                _exit(127);
        }
        close(output[1]);
        return process;
}

static unsigned end_process(const struct process *process)
{
        char text[32] = "";
        int status;

        assert_true(read(process->output, text, sizeof(text) - 1) >= 0);
        close(process->output);
        assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return (unsigned)strtoul(text, NULL, 10);
}

unsigned limit_take_in_processes(struct limit_user *user, unsigned processes, unsigned calls,
                                 unsigned attempts)
{
        struct process all[PROCESSES_MAX];
        char calls_text[16], attempts_text[16];
        unsigned admitted = 0;
        int start[2];

        assert_in_range(processes, 1, PROCESSES_MAX);
        assert_int_equal(pipe(start), 0);
        snprintf(calls_text, sizeof(calls_text), "%u", calls);
        snprintf(attempts_text, sizeof(attempts_text), "%u", attempts);
        for (unsigned i = 0; i < processes; i++)
                all[i] = start_process(user, start[0], calls_text, attempts_text);
        close(start[0]);
        close(start[1]); /* go */
        for (unsigned i = 0; i < processes; i++)
                admitted += end_process(&all[i]);
        return admitted;
}

/* ---- running ---- */

/* a_name_like_this for [redis]: "[redis] a name like this". */
static char *shown_name(const char *kind, const char *function)
{
        char *name;

        if (asprintf(&name, "[%s] %s", kind, function) < 0)
                return NULL;
        for (char *c = name; *c; c++)
                *c = *c == '_' ? ' ' : *c;
        return name;
}

static bool has_server(const struct limit_row *row)
{
        const char *url = row->variable ? getenv(row->variable) : "file";

        return url && *url;
}

int limit_run(const char *group, const struct CMUnitTest *tests, size_t count)
{
        struct CMUnitTest *all = calloc(limit_row_count * count, sizeof(*all));
        size_t total = 0;
        int failed;

        if (!all || !http_client_start())
                return 1;
        for (size_t row = 0; row < limit_row_count; row++) {
                const size_t most = limit_rows[row].is_tls ? TLS_TESTS : count;

                for (size_t i = 0; i < most && has_server(&limit_rows[row]); i++) {
                        all[total] = tests[i];
                        all[total].name = shown_name(limit_rows[row].kind, tests[i].name);
                        all[total++].initial_state = (void *)(uintptr_t)&limit_rows[row];
                }
        }
        failed = _cmocka_run_group_tests(group, all, total, NULL, NULL);
        for (size_t i = 0; i < total; i++)
                free((char *)(uintptr_t)all[i].name);
        free(all);
        http_client_stop();
        return failed;
}
