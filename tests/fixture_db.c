#include "tests/fixture_db.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/crypto.h"
#include "core/cloud/http/http_client.h"
#include "core/db/migrate.h"

#define THREADS_MAX 64
#define URL_MAX     1024

/* Found again by the ctx: its config is the first member. */
struct fixture_db {
        struct config config;
        char url[URL_MAX];
        char schema[64];           /* PostgreSQL: the one made for this test */
        struct database *database; /* NULL when it is the cloud's */
        struct cloud *cloud;
};

struct peer {
        struct ctx ctx; /* first: the ctx is the handle */
        struct database *database;
};

static const char *pgsql_url(void)
{
        const char *url = getenv("SIMPLETUNER_TEST_PGSQL_URL");

        return url && *url ? url : NULL;
}

static struct fixture_db *fixture_of(const struct ctx *ctx)
{
        return (struct fixture_db *)(uintptr_t)ctx->config;
}

struct config *fixture_config(struct ctx *ctx)
{
        return &fixture_of(ctx)->config;
}

bool fixture_is_sqlite(const struct ctx *ctx)
{
        return strncmp(fixture_of(ctx)->url, "sqlite:", 7) == 0;
}

void fixture_only_on(const struct ctx *ctx, const char *kind)
{
        if (strcmp(db_dialect(ctx->db), kind) != 0)
                skip();
}

bool fixture_rc_is(const struct ctx *ctx, enum err expected, enum err rc, const char *call)
{
        if (rc != expected)
                print_error("%s is %s, not %s: %s\n", call, err_code(rc), err_code(expected),
                            ctx->detail);
        return rc == expected;
}

/* A schema is made and dropped over a connection of its own, in the database as it was given. */
static void change_schema(struct ctx *ctx, const char *change, const char *schema)
{
        CLEANUP(database_closep) struct database *database = NULL;
        struct db *db = ctx->db;

        assert_ok(ctx, database_open(ctx, pgsql_url(), &database));
        ctx->db = db_new(database);
        assert_non_null(ctx->db);
        fixture_sql(ctx, arena_printf(ctx->arena, "%s %s", change, schema));
        db_free(ctx->db);
        ctx->db = db;
}

static void make_url(struct ctx *ctx, struct fixture_db *fixture, const char *kind)
{
        static unsigned made;
        const char *base = pgsql_url();

        if (strcmp(kind, "sqlite") == 0) {
                snprintf(fixture->url, URL_MAX, "sqlite://%s", fixture_path(ctx, "jobs.db"));
                return;
        }
        snprintf(fixture->schema, sizeof(fixture->schema), "test_%ld_%u", (long)getpid(), made++);
        change_schema(ctx, "CREATE SCHEMA", fixture->schema);
        snprintf(fixture->url, URL_MAX, "%s%coptions=-csearch_path%%3D%s", base,
                 strchr(base, '?') ? '&' : '?', fixture->schema);
}

static void make_config(struct ctx *ctx, struct fixture_db *fixture)
{
        fixture->config = (struct config){
                .user_home = fixture_dir(ctx),
                .home = fixture_dir(ctx),
                .database_url = fixture->url,
                .public_url = "https://tuner.example",
                .log_file = "",
                .ssl_verify = true,
                .ca_bundle = "",
                .http_timeout_s = 5,
                .https_proxy = "",
                .http_proxy = "",
                .no_proxy = "",
                .webhook_tolerance_s = 300,
                .max_object_bytes = 64 * MiB,
                .storage_url = "",
                .remote_user_level = "viewer",
                .remote_group_levels = "",
                .remote_groups_variable = "REMOTE_GROUPS",
                .storage_endpoint = "",
                .storage_region = "us-east-1",
                .rate_period_s = 60,
                .rate_rules = "",
                .backup = { .dir = "",
                            .interval_hours = 24,
                            .rehearsal_days = 7,
                            .retention_days = 30,
                            .retention_count = 2,
                            .level = 1 },
                .state_backend = "memory",
                .secrets = {
                        .credentials = "",
                        .file = "",
                        .ttl_s = 300,
                        .max_stale_s = 3600,
                        .aws_name = "",
                        .aws_region = "",
                        .aws_endpoint = "",
                        .vault_addr = "",
                        .vault_namespace = "",
                        .vault_ca = "",
                        .vault_mount = "secret",
                        .vault_path = "simpletuner",
                        .vault_approle = "approle",
                        .vault_kv = "auto",
                },
        };
        ctx->config = &fixture->config;
}

/* kind is the test's initial state; NULL is SQLite. */
static struct ctx *start(const char *kind)
{
        struct fixture_db *fixture = calloc(1, sizeof(*fixture));
        struct ctx *ctx = fixture_ctx();

        assert_non_null(fixture);
        assert_true(log_configure(LOG_ERROR, LOG_TEXT, NULL));
        unsetenv("REPLICATE_API_TOKEN");
        unsetenv("REPLICATE_WEBHOOK_SECRET");
        make_url(ctx, fixture, kind ? kind : "sqlite");
        make_config(ctx, fixture);
        return ctx;
}

static void attach_database(struct ctx *ctx)
{
        struct fixture_db *fixture = fixture_of(ctx);

        assert_ok(ctx, database_open(ctx, fixture->url, &fixture->database));
        ctx->db = db_new(fixture->database);
        assert_non_null(ctx->db);
}

int fixture_db_setup_empty(void **state)
{
        struct ctx *ctx = start(*state);

        *state = ctx;
        attach_database(ctx);
        return 0;
}

int fixture_db_setup(void **state)
{
        struct ctx *ctx = start(*state);
        unsigned applied;

        *state = ctx;
        attach_database(ctx);
        assert_ok(ctx, migrate_run(ctx, &applied));
        return 0;
}

int fixture_cloud_setup_empty(void **state)
{
        static bool started;
        struct ctx *ctx = start(*state);
        struct fixture_db *fixture = fixture_of(ctx);

        *state = ctx;
        started = started || http_client_start();
        assert_true(started);
        assert_ok(ctx, cloud_open(ctx, &fixture->cloud));
        assert_ok(ctx, cloud_attach(ctx, fixture->cloud));
        return 0;
}

int fixture_cloud_setup(void **state)
{
        int rc = fixture_cloud_setup_empty(state);

        assert_ok(*state, cloud_check_schema(*state));
        return rc;
}

int fixture_db_teardown(void **state)
{
        struct ctx *ctx = *state;
        struct fixture_db *fixture = fixture_of(ctx);

        if (fixture->cloud)
                cloud_detach(ctx);
        db_free(TAKE(ctx->db));
        cloud_close(fixture->cloud);
        database_close(fixture->database);
        if (*fixture->schema)
                change_schema(ctx, "DROP SCHEMA",
                              arena_printf(ctx->arena, "%s CASCADE", fixture->schema));
        fixture_free(ctx);
        free(fixture);
        return 0;
}

/* a_name_like_this for [sqlite]: "[sqlite] a name like this". */
static char *shown_name(const char *kind, const char *function)
{
        char *name;

        if (asprintf(&name, "[%s] %s", kind, function) < 0)
                return NULL;
        for (char *c = name; *c; c++)
                *c = *c == '_' ? ' ' : *c;
        return name;
}

int fixture_db_run(const char *group, const struct CMUnitTest *tests, size_t count)
{
        static const char *const kinds[] = { "sqlite", "pgsql" };
        size_t kind_count = pgsql_url() ? 2 : 1;
        struct CMUnitTest *all = calloc(kind_count * count, sizeof(*all));
        int failed;

        if (!all)
                return 1;
        for (size_t i = 0; i < kind_count * count; i++) {
                const char *kind = kinds[i / count];

                all[i] = tests[i % count];
                all[i].name = shown_name(kind, all[i].name);
                all[i].initial_state = (void *)(uintptr_t)kind;
        }
        failed = _cmocka_run_group_tests(group, all, kind_count * count, NULL, NULL);
        for (size_t i = 0; i < kind_count * count; i++)
                free((char *)(uintptr_t)all[i].name);
        free(all);
        return failed;
}

void fixture_migrate_to(struct ctx *ctx, unsigned version)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char sha256[SHA256_HEX_SIZE];

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_exec_script(ctx, "CREATE TABLE schema_migrations (version BIGINT PRIMARY "
                                           "KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, "
                                           "applied_at_us BIGINT NOT NULL)"));
        for (size_t i = 0; i < migration_file_count; i++) {
                const struct migration_file *file = &migration_files[i];

                if (file->version > version ||
                    (file->dialect && strcmp(file->dialect, db_dialect(ctx->db)) != 0))
                        continue;
                assert_true(crypto_sha256_hex(file->sql, strlen(file->sql), sha256));
                assert_ok(ctx, db_exec_script(ctx, file->sql));
                assert_ok(ctx,
                          db_run(ctx, NULL, "INSERT INTO schema_migrations VALUES ($1, $2, $3, 1)",
                                 "itt", (int64_t)file->version, file->name, sha256));
        }
        assert_ok(ctx, db_commit(&tx));
}

static struct ctx *make_peer(struct ctx *ctx, struct database *database)
{
        struct peer *peer = calloc(1, sizeof(*peer));

        assert_non_null(peer);
        peer->ctx = *ctx;
        peer->ctx.db = NULL;
        peer->ctx.http = NULL;
        peer->ctx.arena = arena_new();
        assert_non_null(peer->ctx.arena);
        peer->database = database;
        if (ctx->cloud && !database) {
                assert_ok(ctx, cloud_attach(&peer->ctx, ctx->cloud));
        } else {
                peer->ctx.db = db_new(database ? database : fixture_of(ctx)->database);
                assert_non_null(peer->ctx.db);
        }
        return &peer->ctx;
}

struct ctx *fixture_peer(struct ctx *ctx)
{
        return make_peer(ctx, NULL);
}

struct ctx *fixture_stranger(struct ctx *ctx)
{
        struct database *database = NULL;

        assert_ok(ctx, database_open(ctx, fixture_of(ctx)->url, &database));
        return make_peer(ctx, database);
}

void fixture_peer_free(struct ctx *ctx)
{
        struct peer *peer = (struct peer *)ctx;

        db_free(ctx->db);
        http_client_free(ctx->http);
        database_close(peer->database);
        arena_free(ctx->arena);
        free(peer);
}

struct thread {
        pthread_t id;
        struct ctx *ctx;
        unsigned index;
        fixture_thread_fn *fn;
        void *arg;
        pthread_barrier_t *start;
        bool well;
};

static void *run_thread(void *arg)
{
        struct thread *thread = arg;

        pthread_barrier_wait(thread->start);
        thread->well = thread->fn(thread->ctx, thread->index, thread->arg);
        return NULL;
}

static void run_threads(struct thread *threads, unsigned count)
{
        pthread_barrier_t barrier;
        bool well = true;

        assert_int_equal(pthread_barrier_init(&barrier, NULL, count), 0);
        for (unsigned i = 0; i < count; i++) {
                threads[i].start = &barrier;
                assert_int_equal(pthread_create(&threads[i].id, NULL, run_thread, &threads[i]), 0);
        }
        for (unsigned i = 0; i < count; i++)
                assert_int_equal(pthread_join(threads[i].id, NULL), 0);
        pthread_barrier_destroy(&barrier);
        for (unsigned i = 0; i < count; i++) {
                if (!threads[i].well)
                        print_error("thread %u: %s\n", i, threads[i].ctx->detail);
                well = well && threads[i].well;
                fixture_peer_free(threads[i].ctx);
        }
        assert_true(well);
}

void fixture_threads(struct ctx *ctx, unsigned count, fixture_thread_fn *fn, void *arg)
{
        struct thread threads[THREADS_MAX];

        assert_in_range(count, 1, THREADS_MAX);
        for (unsigned i = 0; i < count; i++)
                threads[i] = (struct thread){
                        .ctx = fixture_peer(ctx), .index = i, .fn = fn, .arg = arg
                };
        run_threads(threads, count);
}

void fixture_strangers(struct ctx *ctx, unsigned count, fixture_thread_fn *fn, void *arg)
{
        struct thread threads[THREADS_MAX];

        assert_in_range(count, 1, THREADS_MAX);
        for (unsigned i = 0; i < count; i++)
                threads[i] = (struct thread){
                        .ctx = fixture_stranger(ctx), .index = i, .fn = fn, .arg = arg
                };
        run_threads(threads, count);
}

void fixture_sql(struct ctx *ctx, const char *sql)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_exec_script(ctx, sql));
        assert_ok(ctx, db_commit(&tx));
}

int64_t fixture_number(struct ctx *ctx, const char *sql)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;

        assert_ok(ctx, db_query(ctx, &stmt, sql, ""));
        assert_ok(ctx, db_step(ctx, stmt));
        return db_int(stmt, 0);
}
