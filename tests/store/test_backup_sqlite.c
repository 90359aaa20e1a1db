/* What only SQLite has: copies while others write, older files, and files that are none. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/db/migrate.h"
#include "core/db/sqlite_copy.h"
#include "tests/fixture_backup.h"

#define WRITERS     32
#define WAIT_MAX_US (100 * US_PER_MS)

static void a_damaged_database_does_not_stop_a_restore(void **state)
{
        struct ctx *ctx = *state;
        const char *live = database_path(ctx->cloud->database);
        struct restore_report report = { 0 };
        struct backup backup;
        int fd;

        fixture_only_on(ctx, "sqlite");
        fixture_set_mark(ctx, "old");
        backup = fixture_backup_make(ctx, NULL);
        db_disconnect(ctx);
        fd = open(live, O_WRONLY | O_TRUNC);
        assert_int_equal(write(fd, "this is no database at all", 26), 26);
        close(fd);
        assert_ok(ctx, fixture_backup_restore_as(ctx, backup.id, (struct backup_restore_wish){ 0 },
                                                 &report));
        assert_non_null(report.safety);
        assert_true(fixture_is_mark(ctx, "old"));
}

static void an_older_schema_is_brought_forward(void **state)
{
        struct ctx *ctx = *state;
        struct migrate_status status;
        struct backup backup;

        fixture_only_on(ctx, "sqlite");
        fixture_migrate_to(ctx, 23);
        fixture_sql(ctx, "INSERT INTO preferences (name, value) VALUES ('mark', 'old')");
        {
                CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
                const struct backup_wish wish = { .quiet = true };

                assert_ok(ctx, backup_lock_take(ctx, &lock));
                assert_ok(ctx, backup_make(ctx, &lock, &wish, &backup));
        }
        assert_int_equal(backup.schema_version, 23);
        assert_ok(ctx, fixture_backup_restore(ctx, backup.id));
        assert_ok(ctx, migrate_check(ctx, &status));
        assert_int_equal(status.state, MIGRATE_CURRENT);
        assert_true(fixture_is_mark(ctx, "old"));
}

struct race {
        atomic_bool over;
        atomic_llong longest_us, writes;
};

/* Writes as a process of its own would, until the backup is made. */
static bool write_on(struct ctx *ctx, unsigned index, void *arg)
{
        struct race *race = arg;

        (void)index;
        while (!atomic_load(&race->over)) {
                int64_t start_us = clock_mono_us(&clock_system), took_us;
                long long longest;
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                if (db_begin(ctx, &tx) != OK ||
                    db_run(ctx, NULL, "UPDATE counters SET value = value + 1 WHERE name = 'event'",
                           "") != OK ||
                    db_commit(&tx) != OK)
                        return false;
                took_us = clock_mono_us(&clock_system) - start_us;
                longest = atomic_load(&race->longest_us);
                while (took_us > longest &&
                       !atomic_compare_exchange_weak(&race->longest_us, &longest, took_us))
                        ;
                atomic_fetch_add(&race->writes, 1);
                arena_reset(ctx->arena);
        }
        return true;
}

struct maker {
        struct ctx *ctx;
        struct race *race;
        int64_t before, after;
        bool ok;
};

static void *make_meanwhile(void *arg)
{
        struct maker *maker = arg;
        const char *live = database_path(maker->ctx->cloud->database);
        const char *copy = fixture_path(maker->ctx, "copy.db");

        maker->before = atomic_load(&maker->race->writes);
        maker->ok = sqlite_copy_out(maker->ctx, live, copy) == OK &&
                    sqlite_copy_check(maker->ctx, copy) == OK;
        maker->after = atomic_load(&maker->race->writes);
        atomic_store(&maker->race->over, true);
        return NULL;
}

static void *only_wait(void *arg)
{
        struct race *race = arg;

        clock_sleep_us(&clock_system, 500 * US_PER_MS);
        atomic_store(&race->over, true);
        return NULL;
}

/* How long the unluckiest writer waited while other was at it. */
static int64_t longest_wait_us(struct ctx *ctx, struct race *race, void *(*other)(void *),
                               void *arg)
{
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, other, arg), 0);
        fixture_threads(ctx, WRITERS, write_on, race);
        pthread_join(thread, NULL);
        return race->longest_us;
}

/* Many megabytes, so that a copy takes many steps, while threads of this process write. On a
 * machine that has too much to do they wait for that: as long without a backup as with one. */
static void nobody_who_writes_waits_for_a_backup(void **state)
{
        struct ctx *ctx = *state;
        int64_t alone_us = 0, longest_us = INT64_MAX;

        fixture_only_on(ctx, "sqlite");
        fixture_sql(ctx, "CREATE TABLE bulk (n INTEGER PRIMARY KEY, filler BLOB);"
                         "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < "
                         "20000) INSERT INTO bulk SELECT n, randomblob(2000) FROM x");
        for (int attempt = 0; attempt < 3 && longest_us >= WAIT_MAX_US + alone_us; attempt++) {
                struct race alone = { 0 }, race = { 0 };
                struct maker maker = { .ctx = ctx, .race = &race };

                alone_us = longest_wait_us(ctx, &alone, only_wait, &alone);
                longest_us = longest_wait_us(ctx, &race, make_meanwhile, &maker);
                assert_true(maker.ok);
                assert_true(maker.after > maker.before);
                unlink(fixture_path(ctx, "copy.db"));
                print_message(
                        "%lld writes of %d writers, the longest took %lld ms, %lld ms alone\n",
                        (long long)race.writes, WRITERS, (long long)(longest_us / US_PER_MS),
                        (long long)(alone_us / US_PER_MS));
        }
        assert_true(longest_us < WAIT_MAX_US + alone_us);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_damaged_database_does_not_stop_a_restore),
                FIXTURE_EMPTY_CLOUD_TEST(an_older_schema_is_brought_forward),
                FIXTURE_CLOUD_TEST(nobody_who_writes_waits_for_a_backup),
        };

        return FIXTURE_RUN("backup of SQLite", tests);
}
