/* Backups are what the database was at one moment, and putting one back is a change like any other:
 * whole, noted, and known to all who have the database open. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/audit_note.h"
#include "core/cloud/backup.h"
#include "core/cloud/backup_schedule.h"
#include "core/db/migrate.h"
#include "core/db/sqlite_copy.h"
#include "tests/fixture_audit.h"

#define WRITERS     32
#define WAIT_MAX_US (100 * US_PER_MS)

static struct backup make(struct ctx *ctx, const char *name)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        const struct backup_wish wish = { .name = name };
        struct backup backup = { 0 };

        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_ok(ctx, backup_make(ctx, &lock, &wish, &backup));
        return backup;
}

static enum err verify(struct ctx *ctx, const char *what)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup backup;
        enum err rc = backup_find(ctx, what, &backup);

        if (rc == OK)
                rc = backup_lock_take(ctx, &lock);
        return rc == OK ? backup_verify(ctx, &lock, &backup, NULL) : rc;
}

static enum err restore_as(struct ctx *ctx, const char *what, struct backup_restore_wish wish,
                           struct restore_report *report)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup backup;
        enum err rc = backup_find(ctx, what, &backup);

        if (rc == OK)
                rc = backup_lock_take(ctx, &lock);
        return rc == OK ? backup_restore(ctx, &lock, &backup, &wish, report) : rc;
}

static enum err restore(struct ctx *ctx, const char *what)
{
        struct restore_report report;

        return restore_as(ctx, what, (struct backup_restore_wish){ 0 }, &report);
}

static void set_preference(struct ctx *ctx, const char *value)
{
        fixture_sql(ctx, "DELETE FROM preferences WHERE name = 'mark'");
        fixture_sql(ctx, arena_printf(ctx->arena,
                                      "INSERT INTO preferences (name, value) VALUES ('mark', '%s')",
                                      value));
}

static int64_t is_preference(struct ctx *ctx, const char *value)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        assert_ok(ctx, db_query(ctx, &stmt,
                                "SELECT 1 FROM preferences WHERE name = 'mark' AND "
                                "value = $1",
                                "t", value));
        rc = db_step(ctx, stmt);
        assert_true(rc == OK || rc == ERR_NOT_FOUND);
        return rc == OK;
}

/* ---- a backup ---- */

static void a_backup_says_what_is_in_it_and_comes_back(void **state)
{
        struct ctx *ctx = *state;
        struct restore_report report = { 0 };
        struct backup backup, *list = NULL;
        int64_t bytes;
        bool written;

        fixture_audit_fill(ctx);
        set_preference(ctx, "old");
        assert_ok(ctx, audit_note_write(ctx, &written));
        backup = make(ctx, "before it");
        assert_true(backup_is_id(backup.id));
        assert_non_null(strstr(backup.id, "_before_it"));
        assert_int_equal(json_integer_value(json_object_get(backup.rows, "audit_log")), ENTRIES);
        assert_ok(ctx, verify(ctx, backup.id));

        set_preference(ctx, "new");
        fixture_sql(ctx, "UPDATE counters SET value = 70 WHERE name = 'event'");
        assert_ok(ctx, fixture_audit_add(ctx, "user.updated", 0));
        assert_ok(ctx, audit_note_write(ctx, &written));
        assert_ok(ctx, restore_as(ctx, backup.id, (struct backup_restore_wish){ 0 }, &report));
        assert_true(is_preference(ctx, "old"));
        assert_int_equal(report.cut_from, ENTRIES + 1);
        assert_int_equal(report.cut_to, ENTRIES + 2); /* and that there was a backup */
        /* Numbers that listeners know go on; the log is good although it is an older one. */
        assert_int_equal(fixture_number(ctx, "SELECT value FROM counters WHERE name = 'event'"),
                         70);
        assert_true(fixture_number(ctx, "SELECT value FROM counters WHERE name = 'restore'") > 0);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'backup.restored'"),
                         1);
        assert_valid(ctx, ENTRIES + 1);
        assert_ok(ctx, audit_note_write(ctx, &written));

        /* The one before it was kept, and is listed. */
        assert_ok(ctx, backup_list(ctx, 10, &list, &bytes));
        assert_string_equal(list->id, report.safety);
        assert_ok(ctx, restore(ctx, report.safety));
        assert_true(is_preference(ctx, "new"));
        assert_valid(ctx, ENTRIES + 3);
}

static void an_older_log_put_back_by_hand_is_still_seen(void **state)
{
        struct ctx *ctx = *state;
        bool written;

        fixture_audit_fill(ctx);
        make(ctx, NULL);
        assert_ok(ctx, audit_note_write(ctx, &written));
        assert_ok(ctx, restore(ctx, NULL));
        assert_ok(ctx, fixture_audit_add(ctx, "user.updated", 0));
        assert_ok(ctx, audit_note_write(ctx, &written));
        fixture_sql(ctx, "DELETE FROM audit_log WHERE audit_id > 4; UPDATE audit_head SET "
                         "audit_id = 4, entries = 4, entry_hash = "
                         "(SELECT entry_hash FROM audit_log WHERE audit_id = 4)");
        assert_rc(ctx, ERR_CONFLICT, audit_note_write(ctx, &written));
}

static void others_who_have_it_open_see_the_restored_one(void **state)
{
        struct ctx *ctx = *state;
        struct ctx *stranger;

        set_preference(ctx, "old");
        make(ctx, NULL);
        set_preference(ctx, "new");
        stranger = fixture_stranger(ctx);
        assert_true(is_preference(stranger, "new"));
        assert_ok(ctx, restore(ctx, NULL));
        assert_true(is_preference(stranger, "old"));
        set_preference(stranger, "newest");
        assert_true(is_preference(ctx, "newest"));
        fixture_peer_free(stranger);
}

static void a_rehearsal_changes_nothing_but_its_time(void **state)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct ctx *ctx = *state;
        struct backup_times times;
        struct backup backup;
        bool partly = true;

        assert_ok(ctx, backup_times(ctx, &times));
        assert_true(backup_is_due(ctx, &times));
        assert_false(backup_rehearsal_is_due(ctx, &times));
        backup = make(ctx, NULL);
        set_preference(ctx, "new");
        assert_ok(ctx, backup_times(ctx, &times));
        assert_false(backup_is_due(ctx, &times));
        assert_true(backup_rehearsal_is_due(ctx, &times));
        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_ok(ctx, backup_rehearse(ctx, &lock, &backup, &partly));
        assert_false(partly);
        assert_true(is_preference(ctx, "new"));
        assert_ok(ctx, backup_times(ctx, &times));
        assert_int_equal(times.rehearsal_us, FIXTURE_TIME_US);
        assert_false(backup_rehearsal_is_due(ctx, &times));
        assert_false(backup_is_late(ctx, &times));
        fixture_advance_us(ctx, 48 * US_PER_HOUR);
        assert_true(backup_is_late(ctx, &times));
}

/* ---- what is wrong with one ---- */

static const char *file_in(struct ctx *ctx, const struct backup *backup, const char *file)
{
        return arena_printf(ctx->arena, "%s/%s", backup->path, file);
}

static void change_byte(const char *path, off_t at)
{
        int fd = open(path, O_RDWR);
        unsigned char byte;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x40;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
}

static void damage_is_found_before_anything_is_changed(void **state)
{
        struct ctx *ctx = *state;
        struct backup backup = make(ctx, NULL);
        const char *path = file_in(ctx, &backup, backup.file);

        set_preference(ctx, "new");
        for (off_t at = 0; at < backup.file_bytes; at += backup.file_bytes / 7) {
                change_byte(path, at);
                assert_rc(ctx, ERR_CONFLICT, verify(ctx, backup.id));
                assert_rc(ctx, ERR_CONFLICT, restore(ctx, backup.id));
                change_byte(path, at);
        }
        assert_ok(ctx, verify(ctx, backup.id));
        assert_int_equal(truncate(path, backup.file_bytes - 1), 0);
        assert_rc(ctx, ERR_CONFLICT, verify(ctx, backup.id));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_rc(ctx, ERR_CONFLICT, restore(ctx, backup.id));
        assert_true(is_preference(ctx, "new"));
}

static void only_what_is_a_backup_is_one(void **state)
{
        struct ctx *ctx = *state;
        struct backup backup = make(ctx, NULL);
        const char *dir, *link;

        assert_ok(ctx, backup_dir(ctx, &dir));
        assert_rc(ctx, ERR_NOT_FOUND, restore(ctx, "/etc/passwd"));
        assert_rc(ctx, ERR_NOT_FOUND, restore(ctx, "/nowhere"));
        assert_rc(ctx, ERR_INVALID, backup_get(ctx, "../20240115_103000_000", &backup));
        assert_rc(ctx, ERR_INVALID, backup_get(ctx, "20240115_103000_000_/x", &backup));
        assert_rc(ctx, ERR_INVALID, backup_get(ctx, "20240115_103000_000_", &backup));
        assert_rc(ctx, ERR_NOT_FOUND, backup_get(ctx, "20240115_103000_999", &backup));
        /* A link in the directory is nobody's backup, wherever it leads. */
        link = arena_printf(ctx->arena, "%s/20240115_103000_999", dir);
        assert_int_equal(symlink(backup.path, link), 0);
        assert_rc(ctx, ERR_NOT_FOUND, backup_get(ctx, "20240115_103000_999", &backup));
        assert_int_equal(chmod(dir, 0777), 0);
        {
                CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;

                assert_rc(ctx, ERR_UNAVAILABLE, backup_lock_take(ctx, &lock));
        }
        assert_int_equal(chmod(dir, 0700), 0);
}

static void names_that_could_lead_elsewhere_are_refused(void **state)
{
        static const char *const names[] = { "a/b",  "..\\x",
                                             "a\nb", "\xc3\xa4",
                                             "$(x)", "12345678901234567890123456789012345678901" };
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct ctx *ctx = *state;
        struct backup backup;

        assert_ok(ctx, backup_lock_take(ctx, &lock));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                const struct backup_wish wish = { .name = names[i] };

                assert_rc(ctx, ERR_INVALID, backup_make(ctx, &lock, &wish, &backup));
        }
        assert_rc(ctx, ERR_NOT_FOUND, backup_find(ctx, NULL, &backup));
}

static void one_at_a_time(void **state)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        CLEANUP(backup_lock_drop) struct backup_lock second = BACKUP_LOCK_NONE;
        struct ctx *ctx = *state;

        assert_false(backup_lock_is_held(ctx));
        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_true(backup_lock_is_held(ctx));
        assert_rc(ctx, ERR_CONFLICT, backup_lock_take(ctx, &second));
        backup_lock_drop(&lock);
        assert_ok(ctx, backup_lock_take(ctx, &second));
}

static void a_full_disk_is_said_and_leaves_nothing(void **state)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct ctx *ctx = *state;
        const struct backup_wish wish = { .name = "large" };
        struct backup backup;

        fixture_config(ctx)->min_free_bytes = UINT64_C(1) << 60;
        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_rc(ctx, ERR_NO_SPACE, backup_make(ctx, &lock, &wish, &backup));
        assert_non_null(strstr(ctx->detail, "SIMPLETUNER_MIN_FREE_BYTES"));
        assert_int_equal(backup_files_size(lock.dir_fd, BACKUP_NEW "large"), -1);
        assert_rc(ctx, ERR_NOT_FOUND, backup_find(ctx, NULL, &backup));
        assert_int_equal(fixture_number(ctx, "SELECT value FROM metric_totals WHERE name = "
                                             "'backups_failed'"),
                         1);
}

static void a_newer_schema_is_refused(void **state)
{
        struct ctx *ctx = *state;
        struct backup backup;

        set_preference(ctx, "old");
        fixture_sql(ctx, "INSERT INTO schema_migrations (version, name, sha256, applied_at_us) "
                         "VALUES (9999, '9999_later', 'x', 1)");
        /* As a newer program would have made it. */
        if (fixture_is_sqlite(ctx)) {
                CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
                const struct backup_wish wish = { .name = NULL };

                assert_ok(ctx, backup_lock_take(ctx, &lock));
                assert_rc(ctx, ERR_CONFLICT, backup_make(ctx, &lock, &wish, &backup));
        }
        fixture_sql(ctx, "DELETE FROM schema_migrations WHERE version = 9999");
        backup = make(ctx, NULL);
        {
                CLEANUP(json_decrefp) json_t *json = NULL;
                const char *path = file_in(ctx, &backup, BACKUP_MANIFEST);
                const char *text = fixture_read(ctx, path + strlen(fixture_dir(ctx)) + 1);

                assert_ok(ctx, json_parse_object(ctx, "manifest", text, strlen(text), &json));
                json_object_set_new(json, "format", json_integer(BACKUP_FORMAT + 1));
                assert_int_equal(json_dump_file(json, path, 0), 0);
        }
        assert_rc(ctx, ERR_CONFLICT, restore(ctx, backup.id));
        assert_true(is_preference(ctx, "old"));
}

/* ---- keys ---- */

static void keys_are_kept_encrypted_or_not_at_all(void **state)
{
        struct ctx *ctx = *state;
        const struct backup_restore_wish config = { .private_files = true, .no_database = true };
        struct restore_report report;
        struct backup backup;
        const char *sealed;

        backup = make(ctx, NULL);
        assert_int_equal(backup.private_bytes, 0);
        assert_rc(ctx, ERR_INVALID, restore_as(ctx, backup.id, config, &report));
        fixture_audit_fill(ctx); /* there is an audit.key */
        fixture_write(ctx, "cloud.env", "RATE_LIMIT_CALLS=17\n");
        setenv("SIMPLETUNER_BACKUP_PASSPHRASE", "correct horse battery", 1);
        backup = make(ctx, NULL);
        assert_true(backup.private_bytes > 0);
        sealed = fixture_read(ctx,
                              file_in(ctx, &backup, BACKUP_PRIVATE) + strlen(fixture_dir(ctx)) + 1);
        assert_null(strstr(sealed, "RATE_LIMIT"));
        fixture_write(ctx, "cloud.env", "RATE_LIMIT_CALLS=18\n");
        setenv("SIMPLETUNER_BACKUP_PASSPHRASE", "another horse battery", 1);
        assert_rc(ctx, ERR_CONFLICT, restore_as(ctx, backup.id, config, &report));
        assert_string_equal(fixture_read(ctx, "cloud.env"), "RATE_LIMIT_CALLS=18\n");
        setenv("SIMPLETUNER_BACKUP_PASSPHRASE", "correct horse battery", 1);
        assert_ok(ctx, restore_as(ctx, backup.id, config, &report));
        assert_string_equal(fixture_read(ctx, "cloud.env"), "RATE_LIMIT_CALLS=17\n");
        assert_string_equal(fixture_read(ctx, "cloud.env.before-restore"), "RATE_LIMIT_CALLS=18\n");
        change_byte(file_in(ctx, &backup, BACKUP_PRIVATE), backup.private_bytes / 2);
        assert_rc(ctx, ERR_CONFLICT, restore_as(ctx, backup.id, config, &report));
        assert_rc(ctx, ERR_CONFLICT, verify(ctx, backup.id));
        unsetenv("SIMPLETUNER_BACKUP_PASSPHRASE");
}

/* ---- which ones go ---- */

static unsigned prune(struct ctx *ctx)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        unsigned count = 99;

        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_ok(ctx, backup_prune(ctx, &lock, &count));
        return count;
}

static void old_ones_go_but_never_the_newest(void **state)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct ctx *ctx = *state;
        struct backup backup;

        fixture_only_on(ctx, "sqlite");
        for (int i = 0; i < 4; i++) {
                backup = make(ctx, NULL);
                fixture_advance_us(ctx, US_PER_DAY);
        }
        assert_int_equal(prune(ctx), 0); /* none is old */
        fixture_advance_us(ctx, 28 * US_PER_DAY);
        assert_int_equal(prune(ctx), 2); /* three are old, and one of them is among the two */
        fixture_advance_us(ctx, 100 * US_PER_DAY);
        assert_int_equal(prune(ctx), 0);
        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_ok(ctx, backup_find(ctx, NULL, &backup));
        assert_ok(ctx, backup_delete(ctx, &lock, backup.id));
        assert_ok(ctx, backup_find(ctx, NULL, &backup));
        assert_rc(ctx, ERR_CONFLICT, backup_delete(ctx, &lock, backup.id));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'backup.deleted'"),
                         3);
}

/* ---- SQLite ---- */

static void a_database_that_is_none_is_replaced_and_kept(void **state)
{
        struct ctx *ctx = *state;
        const char *live = database_path(ctx->cloud->database);
        struct restore_report report = { 0 };
        struct backup backup;
        int fd;

        fixture_only_on(ctx, "sqlite");
        set_preference(ctx, "old");
        backup = make(ctx, NULL);
        db_disconnect(ctx);
        fd = open(live, O_WRONLY | O_TRUNC);
        assert_int_equal(write(fd, "this is no database at all", 26), 26);
        close(fd);
        assert_ok(ctx, restore_as(ctx, backup.id, (struct backup_restore_wish){ 0 }, &report));
        assert_true(report.replaced_file);
        assert_int_equal(access(report.safety, F_OK), 0);
        assert_true(is_preference(ctx, "old"));
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
        assert_ok(ctx, restore(ctx, backup.id));
        assert_ok(ctx, migrate_check(ctx, &status));
        assert_int_equal(status.state, MIGRATE_CURRENT);
        assert_true(is_preference(ctx, "old"));
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
                int64_t start_us = clock_mono_us(&clock_system), took_us, longest;
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
                FIXTURE_CLOUD_TEST(a_backup_says_what_is_in_it_and_comes_back),
                FIXTURE_CLOUD_TEST(an_older_log_put_back_by_hand_is_still_seen),
                FIXTURE_CLOUD_TEST(others_who_have_it_open_see_the_restored_one),
                FIXTURE_CLOUD_TEST(a_rehearsal_changes_nothing_but_its_time),
                FIXTURE_CLOUD_TEST(damage_is_found_before_anything_is_changed),
                FIXTURE_CLOUD_TEST(only_what_is_a_backup_is_one),
                FIXTURE_CLOUD_TEST(names_that_could_lead_elsewhere_are_refused),
                FIXTURE_CLOUD_TEST(one_at_a_time),
                FIXTURE_CLOUD_TEST(a_full_disk_is_said_and_leaves_nothing),
                FIXTURE_CLOUD_TEST(a_newer_schema_is_refused),
                FIXTURE_CLOUD_TEST(keys_are_kept_encrypted_or_not_at_all),
                FIXTURE_CLOUD_TEST(old_ones_go_but_never_the_newest),
                FIXTURE_CLOUD_TEST(a_database_that_is_none_is_replaced_and_kept),
                FIXTURE_EMPTY_CLOUD_TEST(an_older_schema_is_brought_forward),
                FIXTURE_CLOUD_TEST(nobody_who_writes_waits_for_a_backup),
        };

        return FIXTURE_RUN("backup", tests);
}
