#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/db/migrate.h"
#include "tests/fixture_db.h"

static unsigned newest(void)
{
        return migration_files[migration_file_count - 1].version;
}

static bool has_table(struct ctx *ctx, const char *table)
{
        bool exists = false;

        assert_ok(ctx, db_has_table(ctx, table, &exists));
        return exists;
}

static struct migrate_status checked(struct ctx *ctx)
{
        struct migrate_status status = { 0 };

        assert_ok(ctx, migrate_check(ctx, &status));
        return status;
}

static void migrate(struct ctx *ctx)
{
        unsigned applied = 0;

        assert_ok(ctx, migrate_run(ctx, &applied));
        assert_int_equal(applied, newest());
}

/* The migrations that are embedded: versions from 1 without a gap, each for both databases. */
static void every_version_has_a_file_for_each_database(void **state)
{
        static const char *const dialects[] = { "sqlite", "pgsql" };

        (void)state;
        for (size_t d = 0; d < ARRAY_SIZE(dialects); d++) {
                for (unsigned version = 1; version <= newest(); version++) {
                        unsigned files = 0;

                        for (size_t i = 0; i < migration_file_count; i++) {
                                const struct migration_file *file = &migration_files[i];

                                files +=
                                        file->version == version &&
                                        (!file->dialect || strcmp(file->dialect, dialects[d]) == 0);
                        }
                        assert_int_equal(files, 1);
                }
        }
}

static void an_empty_database_is_initialised_at_the_start(void **state)
{
        struct migrate_status status = { 0 };
        struct ctx *ctx = *state;

        assert_int_equal(checked(ctx).state, MIGRATE_EMPTY);
        assert_int_equal(checked(ctx).current, 0);
        assert_ok(ctx, migrate_at_start(ctx, &status));
        assert_int_equal(status.state, MIGRATE_CURRENT);
        assert_int_equal(status.current, newest());
        assert_int_equal(status.newest, newest());
        assert_true(has_table(ctx, "jobs"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM schema_migrations "
                                             "WHERE LENGTH(sha256) = 64 AND applied_at_us > 0"),
                         newest());
}

static void a_second_run_does_nothing(void **state)
{
        struct ctx *ctx = *state;
        unsigned applied = 42;

        migrate(ctx);
        fixture_sql(ctx, "INSERT INTO providers VALUES ('p', '{}', 1)");
        assert_ok(ctx, migrate_run(ctx, &applied));
        assert_int_equal(applied, 0);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM providers"), 1);
}

static bool start_and_count(struct ctx *ctx, unsigned index, void *arg)
{
        struct migrate_status status;

        (void)index;
        (void)arg;
        return migrate_at_start(ctx, &status) == OK && status.state == MIGRATE_CURRENT;
}

static bool run_and_count(struct ctx *ctx, unsigned index, void *arg)
{
        unsigned applied = 0;

        (void)index;
        if (migrate_run(ctx, &applied) != OK)
                return false;
        atomic_fetch_add((atomic_uint *)arg, applied);
        return true;
}

static void threads_that_start_at_once_initialise_it_once(void **state)
{
        struct ctx *ctx = *state;

        fixture_threads(ctx, 8, start_and_count, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM schema_migrations"), newest());
}

static void processes_that_start_at_once_initialise_it_once(void **state)
{
        struct ctx *ctx = *state;

        fixture_strangers(ctx, 8, start_and_count, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM schema_migrations"), newest());
}

static void of_two_migrators_one_does_the_work(void **state)
{
        atomic_uint applied = 0;

        fixture_strangers(*state, 2, run_and_count, &applied);
        assert_int_equal(atomic_load(&applied), newest());
}

static void an_older_database_waits_for_the_operator(void **state)
{
        struct migrate_status status = { 0 };
        struct ctx *ctx = *state;
        unsigned applied = 0;

        fixture_migrate_to(ctx, newest() - 1);
        assert_ok(ctx, migrate_at_start(ctx, &status));
        assert_int_equal(status.state, MIGRATE_BEHIND);
        assert_int_equal(status.current, newest() - 1);
        assert_ok(ctx, migrate_run(ctx, &applied));
        assert_int_equal(applied, 1);
        assert_int_equal(checked(ctx).state, MIGRATE_CURRENT);
}

static void jobs_of_an_older_database_are_kept_and_counted(void **state)
{
        struct ctx *ctx = *state;
        unsigned applied = 0;

        fixture_migrate_to(ctx, 5);
        fixture_sql(ctx, "INSERT INTO jobs (job_id, provider, status, hardware_profile, "
                         "cost_usd_micros, created_at_us, updated_at_us, started_at_us, "
                         "completed_at_us, polled_at_us) VALUES "
                         "('a', 'replicate', 'completed', 'h100', 5, 7200000001, 1, 10, 30, 1), "
                         "('b', 'replicate', 'running', NULL, NULL, 7200000002, 1, 10, NULL, 77)");
        fixture_sql(ctx, "INSERT INTO job_counts VALUES ('replicate', 'completed', 1), "
                         "('replicate', 'running', 1)");
        fixture_sql(ctx, "INSERT INTO webhook_deliveries VALUES "
                         "('d1', 'replicate', 'msg_1', 3, 'a', 'applied', '{}')");
        assert_ok(ctx, migrate_run(ctx, &applied));
        assert_int_equal(fixture_number(ctx, "SELECT SUM(jobs) FROM job_counts"), 2);
        assert_int_equal(fixture_number(ctx, "SELECT SUM(run_us) FROM job_hours WHERE hour = 2 "
                                             "AND cost_usd_micros = 5 AND completed = 1"),
                         20);
        assert_int_equal(fixture_number(ctx, "SELECT poll_at_us FROM jobs "
                                             "WHERE poll_at_us IS NOT NULL"),
                         77);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries WHERE "
                                             "webhook_id = 'msg_1' AND apply_at_us IS NULL"),
                         1);
}

static void a_newer_database_is_refused_by_name(void **state)
{
        struct migrate_status status;
        struct ctx *ctx = *state;
        unsigned applied;

        migrate(ctx);
        fixture_sql(ctx, "INSERT INTO schema_migrations VALUES (9999, '9999_future', 'x', 1)");
        assert_rc(ctx, ERR_CONFLICT, migrate_check(ctx, &status));
        assert_non_null(strstr(ctx->detail, "9999_future"));
        assert_rc(ctx, ERR_CONFLICT, migrate_run(ctx, &applied));
        assert_non_null(strstr(ctx->detail, "9999_future"));
        assert_rc(ctx, ERR_CONFLICT, migrate_at_start(ctx, &status));
}

static void a_changed_migration_is_refused_by_name(void **state)
{
        struct migrate_status status;
        struct ctx *ctx = *state;
        unsigned applied;

        migrate(ctx);
        fixture_sql(ctx, "UPDATE schema_migrations SET sha256 = 'another' WHERE version = 2");
        assert_rc(ctx, ERR_CONFLICT, migrate_check(ctx, &status));
        assert_non_null(strstr(ctx->detail, "0002_providers"));
        assert_rc(ctx, ERR_CONFLICT, migrate_run(ctx, &applied));
}

static void a_migration_that_fails_leaves_nothing(void **state)
{
        struct ctx *ctx = *state;
        unsigned applied = 42;

        fixture_sql(ctx, "CREATE TABLE webhook_deliveries (in_the_way BIGINT)");
        assert_int_not_equal(migrate_run(ctx, &applied), OK);
        assert_int_equal(applied, 42);
        assert_false(has_table(ctx, "jobs"));
        assert_false(has_table(ctx, "providers"));
        assert_int_equal(checked(ctx).state, MIGRATE_EMPTY);
        fixture_sql(ctx, "DROP TABLE webhook_deliveries");
        migrate(ctx);
}

/* In a process of its own: begin as migrate_run does, and die before the commit. */
static void die_while_migrating(struct ctx *ctx)
{
        struct ctx *stranger = fixture_stranger(ctx);
        struct db_tx tx = { 0 };
        bool well = db_begin(stranger, &tx) == OK && db_lock(stranger, "migrate") == OK;

        for (size_t i = 0; well && i < 2; i++)
                well = db_exec_script(stranger, migration_files[i].sql) == OK;
        if (well)
                kill(getpid(), SIGKILL);
        _exit(1);
}

static void a_migrator_that_dies_leaves_nothing(void **state)
{
        struct ctx *ctx = *state;
        int status = 0;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
                die_while_migrating(ctx);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_false(has_table(ctx, "jobs"));
        assert_int_equal(checked(ctx).state, MIGRATE_EMPTY);
        migrate(ctx);
        assert_true(has_table(ctx, "jobs"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_EMPTY_DB_TEST(every_version_has_a_file_for_each_database),
                FIXTURE_EMPTY_DB_TEST(an_empty_database_is_initialised_at_the_start),
                FIXTURE_EMPTY_DB_TEST(a_second_run_does_nothing),
                FIXTURE_EMPTY_DB_TEST(threads_that_start_at_once_initialise_it_once),
                FIXTURE_EMPTY_DB_TEST(processes_that_start_at_once_initialise_it_once),
                FIXTURE_EMPTY_DB_TEST(of_two_migrators_one_does_the_work),
                FIXTURE_EMPTY_DB_TEST(an_older_database_waits_for_the_operator),
                FIXTURE_EMPTY_DB_TEST(jobs_of_an_older_database_are_kept_and_counted),
                FIXTURE_EMPTY_DB_TEST(a_newer_database_is_refused_by_name),
                FIXTURE_EMPTY_DB_TEST(a_changed_migration_is_refused_by_name),
                FIXTURE_EMPTY_DB_TEST(a_migration_that_fails_leaves_nothing),
                FIXTURE_EMPTY_DB_TEST(a_migrator_that_dies_leaves_nothing),
        };

        return FIXTURE_RUN("migrate", tests);
}
