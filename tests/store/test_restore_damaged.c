/* Restoring onto a SQLite file that is damaged: what SQLite can still write to is written to, what
 * it refuses is kept aside and replaced, and whoever has it open goes on with the new one. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/backup/backup_sqlite.h"
#include "core/db/sqlite_hold.h"
#include "tests/fixture_backup.h"

#define PAGE 4096

static const char restores[] = "SELECT value FROM counters WHERE name = 'restore'";

static const char *live_of(struct ctx *ctx)
{
        return database_path(ctx->cloud->database);
}

static bool has(struct ctx *ctx, const char *path, const char *suffix)
{
        return access(arena_printf(ctx->arena, "%s%s", path, suffix), F_OK) == 0;
}

static int64_t size_of(const char *path)
{
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_size;
}

static ino_t file_of(const char *path)
{
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_ino;
}

static char *bytes_of(struct ctx *ctx, const char *path)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        const size_t len = (size_t)size_of(path);
        char *bytes = arena_alloc(ctx->arena, len);

        assert_non_null(bytes);
        assert_int_equal(read(fd, bytes, len), len);
        return bytes;
}

/* A backup with the mark "old" in it, and a database with the mark "later" and an empty log. */
static struct backup begin(struct ctx *ctx)
{
        struct backup backup;

        fixture_set_mark(ctx, "old");
        backup = fixture_backup_make(ctx, NULL);
        fixture_set_mark(ctx, "later");
        assert_ok(ctx, db_exec_script(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"));
        return backup;
}

static void scribble(struct ctx *ctx, int64_t at, size_t len)
{
        CLEANUP(close_fdp) int fd = open(live_of(ctx), O_WRONLY | O_CLOEXEC);
        char noise[PAGE];

        memset(noise, 0xa5, sizeof(noise));
        assert_int_equal(pwrite(fd, noise, len, at), len);
}

static struct restore_report restore(struct ctx *ctx, const struct backup *backup)
{
        struct restore_report report = { 0 };

        assert_ok(ctx, fixture_backup_restore_as(ctx, backup->id, (struct backup_restore_wish){ 0 },
                                                 &report));
        assert_true(fixture_is_mark(ctx, "old"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM pragma_integrity_check "
                                             "WHERE integrity_check <> 'ok'"),
                         0);
        return report;
}

/* The first page from behind the header: SQLite calls the file malformed at the first statement. */
static void a_malformed_file_is_kept_aside_and_replaced(void **state)
{
        struct ctx *ctx = *state;
        const char *live = live_of(ctx), *damaged;
        struct restore_report report;
        struct backup backup;
        int64_t size;

        fixture_only_on(ctx, "sqlite");
        backup = begin(ctx);
        assert_int_equal(chmod(live, 0640), 0);
        scribble(ctx, 100, 1000);
        size = size_of(live);
        damaged = bytes_of(ctx, live);
        db_disconnect(ctx);
        report = restore(ctx, &backup);
        assert_true(report.replaced_file);
        assert_non_null(strstr(report.safety, ".before-restore."));
        assert_true(has(ctx, report.safety, "-wal") && has(ctx, report.safety, "-shm"));
        assert_int_equal(size_of(report.safety), size);
        assert_memory_equal(bytes_of(ctx, report.safety), damaged, (size_t)size);
        assert_false(has(ctx, live, ".restoring"));
        {
                struct stat st;

                assert_int_equal(stat(live, &st), 0);
                assert_int_equal(st.st_mode & 0777, 0640);
        }
}

static void a_file_that_was_cut_off_is_replaced(void **state)
{
        struct ctx *ctx = *state;
        struct backup backup;

        fixture_only_on(ctx, "sqlite");
        backup = begin(ctx);
        db_disconnect(ctx);
        assert_int_equal(truncate(live_of(ctx), size_of(live_of(ctx)) / 2 / PAGE * PAGE), 0);
        assert_true(restore(ctx, &backup).replaced_file);
}

/* As other processes do, which have its first page in their memory. */
static void who_has_the_damaged_file_open_goes_on_with_the_new_one(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(backup_scratch_close) struct backup_scratch other = { 0 };
        struct backup backup;
        bool changed;

        fixture_only_on(ctx, "sqlite");
        backup = begin(ctx);
        assert_ok(ctx, backup_scratch_open(ctx, live_of(ctx), &other));
        assert_true(fixture_is_mark(&other.ctx, "later"));
        assert_ok(&other.ctx, db_wait(&other.ctx, 0, &changed));
        assert_ok(&other.ctx, db_wait(&other.ctx, 0, &changed));
        assert_false(changed);
        scribble(ctx, 100, 1000);
        assert_true(restore(ctx, &backup).replaced_file);
        assert_ok(&other.ctx, db_wait(&other.ctx, 0, &changed));
        assert_true(changed);
        assert_true(fixture_is_mark(&other.ctx, "old"));
        fixture_set_mark(&other.ctx, "new");
        assert_true(fixture_is_mark(ctx, "new"));
}

/* What the old one counted is not known, but others remember it. */
static void a_replaced_file_is_told_from_every_one_before_it(void **state)
{
        struct ctx *ctx = *state;
        struct backup backup;
        int64_t before;

        fixture_only_on(ctx, "sqlite");
        backup = begin(ctx);
        restore(ctx, &backup);
        before = fixture_number(ctx, restores);
        assert_ok(ctx, db_exec_script(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"));
        db_disconnect(ctx);
        scribble(ctx, 100, 1000);
        assert_true(restore(ctx, &backup).replaced_file);
        assert_int_not_equal(fixture_number(ctx, restores), before);
}

static void a_file_with_damage_in_its_middle_is_written_over(void **state)
{
        struct ctx *ctx = *state;
        struct restore_report report;
        struct backup backup;
        int64_t pages;
        ino_t file;

        fixture_only_on(ctx, "sqlite");
        fixture_sql(ctx, "CREATE TABLE bulk (n INTEGER PRIMARY KEY, filler BLOB);"
                         "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < "
                         "200) INSERT INTO bulk SELECT n, randomblob(2000) FROM x");
        backup = begin(ctx);
        pages = size_of(live_of(ctx)) / PAGE;
        file = file_of(live_of(ctx));
        db_disconnect(ctx);
        scribble(ctx, (pages - 20) * PAGE, PAGE);
        report = restore(ctx, &backup);
        assert_false(report.replaced_file);
        assert_int_equal(file_of(live_of(ctx)), file);
        assert_non_null(strstr(report.safety, ".before-restore."));
}

/* SQLite's last connection takes the log away, by its name. */
static void nobody_takes_the_log_away_while_it_is_held(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(sqlite_hold_endp) struct sqlite_hold *hold = NULL;
        CLEANUP(backup_scratch_close) struct backup_scratch one = { 0 };
        const char *path;

        fixture_only_on(ctx, "sqlite");
        path = fixture_path(ctx, "held.db");
        for (unsigned held = 0; held < 2; held++) {
                assert_ok(ctx, backup_scratch_open(ctx, path, &one));
                fixture_sql(&one.ctx, held ? "DROP TABLE t" : "CREATE TABLE t (n INTEGER)");
                if (held)
                        assert_ok(ctx, sqlite_hold_begin(ctx, path, &hold));
                backup_scratch_close(&one);
                assert_int_equal(has(ctx, path, "-wal"), held);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_malformed_file_is_kept_aside_and_replaced),
                FIXTURE_CLOUD_TEST(a_file_that_was_cut_off_is_replaced),
                FIXTURE_CLOUD_TEST(who_has_the_damaged_file_open_goes_on_with_the_new_one),
                FIXTURE_CLOUD_TEST(a_replaced_file_is_told_from_every_one_before_it),
                FIXTURE_CLOUD_TEST(a_file_with_damage_in_its_middle_is_written_over),
                FIXTURE_CLOUD_TEST(nobody_takes_the_log_away_while_it_is_held),
        };

        return FIXTURE_RUN("restoring onto a damaged file", tests);
}
