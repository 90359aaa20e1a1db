/* Backups are what the database was at one moment, and putting one back is a change like any other:
 * whole, noted, and known to all who have the database open. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/audit/audit_note.h"
#include "core/cloud/backup/backup_schedule.h"
#include "tests/fixture_audit.h"
#include "tests/fixture_backup.h"

/* ---- a backup ---- */

static void a_backup_says_what_is_in_it_and_comes_back(void **state)
{
        struct ctx *ctx = *state;
        struct restore_report report = { 0 };
        struct backup backup, *list = NULL;
        int64_t bytes;
        bool written;

        fixture_audit_fill(ctx);
        fixture_set_mark(ctx, "old");
        assert_ok(ctx, audit_note_write(ctx, &written));
        backup = fixture_backup_make(ctx, "before it");
        assert_true(backup_is_id(backup.id));
        assert_non_null(strstr(backup.id, "_before_it"));
        assert_int_equal(json_integer_value(json_object_get(backup.rows, "audit_log")), ENTRIES);
        assert_ok(ctx, fixture_backup_verify(ctx, backup.id));

        fixture_set_mark(ctx, "new");
        fixture_sql(ctx, "UPDATE counters SET value = 70 WHERE name = 'event'");
        assert_ok(ctx, fixture_audit_add(ctx, "user.updated", 0));
        assert_ok(ctx, audit_note_write(ctx, &written));
        assert_ok(ctx, fixture_backup_restore_as(ctx, backup.id, (struct backup_restore_wish){ 0 },
                                                 &report));
        assert_true(fixture_is_mark(ctx, "old"));
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
        assert_ok(ctx, fixture_backup_restore(ctx, report.safety));
        assert_true(fixture_is_mark(ctx, "new"));
        assert_valid(ctx, ENTRIES + 3);
}

static void an_older_log_put_back_by_hand_is_still_seen(void **state)
{
        struct ctx *ctx = *state;
        bool written;

        fixture_audit_fill(ctx);
        fixture_backup_make(ctx, NULL);
        assert_ok(ctx, audit_note_write(ctx, &written));
        assert_ok(ctx, fixture_backup_restore(ctx, NULL));
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

        fixture_set_mark(ctx, "old");
        fixture_backup_make(ctx, NULL);
        fixture_set_mark(ctx, "new");
        stranger = fixture_stranger(ctx);
        assert_true(fixture_is_mark(stranger, "new"));
        assert_ok(ctx, fixture_backup_restore(ctx, NULL));
        assert_true(fixture_is_mark(stranger, "old"));
        fixture_set_mark(stranger, "newest");
        assert_true(fixture_is_mark(ctx, "newest"));
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
        backup = fixture_backup_make(ctx, NULL);
        fixture_set_mark(ctx, "new");
        assert_ok(ctx, backup_times(ctx, &times));
        assert_false(backup_is_due(ctx, &times));
        assert_true(backup_rehearsal_is_due(ctx, &times));
        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_ok(ctx, backup_rehearse(ctx, &lock, &backup, &partly));
        assert_false(partly);
        assert_true(fixture_is_mark(ctx, "new"));
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
        struct backup backup = fixture_backup_make(ctx, NULL);
        const char *path = file_in(ctx, &backup, backup.file);

        fixture_set_mark(ctx, "new");
        for (off_t at = 0; at < backup.file_bytes; at += backup.file_bytes / 7) {
                change_byte(path, at);
                assert_rc(ctx, ERR_CONFLICT, fixture_backup_verify(ctx, backup.id));
                assert_rc(ctx, ERR_CONFLICT, fixture_backup_restore(ctx, backup.id));
                change_byte(path, at);
        }
        assert_ok(ctx, fixture_backup_verify(ctx, backup.id));
        assert_int_equal(truncate(path, backup.file_bytes - 1), 0);
        assert_rc(ctx, ERR_CONFLICT, fixture_backup_verify(ctx, backup.id));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_rc(ctx, ERR_CONFLICT, fixture_backup_restore(ctx, backup.id));
        assert_true(fixture_is_mark(ctx, "new"));
}

static void only_what_is_a_backup_is_one(void **state)
{
        struct ctx *ctx = *state;
        struct backup backup = fixture_backup_make(ctx, NULL);
        const char *dir, *link;

        assert_ok(ctx, backup_dir(ctx, &dir));
        assert_rc(ctx, ERR_NOT_FOUND, fixture_backup_restore(ctx, "/etc/passwd"));
        assert_rc(ctx, ERR_NOT_FOUND, fixture_backup_restore(ctx, "/nowhere"));
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

        fixture_set_mark(ctx, "old");
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
        backup = fixture_backup_make(ctx, NULL);
        {
                CLEANUP(json_decrefp) json_t *json = NULL;
                const char *path = file_in(ctx, &backup, BACKUP_MANIFEST);
                const char *text = fixture_read(ctx, path + strlen(fixture_dir(ctx)) + 1);

                assert_ok(ctx, json_parse_object(ctx, "manifest", text, strlen(text), &json));
                json_object_set_new(json, "format", json_integer(BACKUP_FORMAT + 1));
                assert_int_equal(json_dump_file(json, path, 0), 0);
        }
        assert_rc(ctx, ERR_CONFLICT, fixture_backup_restore(ctx, backup.id));
        assert_true(fixture_is_mark(ctx, "old"));
}

/* ---- keys ---- */

static void keys_are_kept_encrypted_or_not_at_all(void **state)
{
        struct ctx *ctx = *state;
        const struct backup_restore_wish config = { .private_files = true, .no_database = true };
        struct restore_report report;
        struct backup backup;
        const char *sealed;

        backup = fixture_backup_make(ctx, NULL);
        assert_int_equal(backup.private_bytes, 0);
        assert_rc(ctx, ERR_INVALID, fixture_backup_restore_as(ctx, backup.id, config, &report));
        fixture_audit_fill(ctx); /* there is an audit.key */
        fixture_write(ctx, "cloud.env", "RATE_LIMIT_CALLS=17\n");
        setenv("SIMPLETUNER_BACKUP_PASSPHRASE", "correct horse battery", 1);
        backup = fixture_backup_make(ctx, NULL);
        assert_true(backup.private_bytes > 0);
        sealed = fixture_read(ctx,
                              file_in(ctx, &backup, BACKUP_PRIVATE) + strlen(fixture_dir(ctx)) + 1);
        assert_null(strstr(sealed, "RATE_LIMIT"));
        fixture_write(ctx, "cloud.env", "RATE_LIMIT_CALLS=18\n");
        setenv("SIMPLETUNER_BACKUP_PASSPHRASE", "another horse battery", 1);
        assert_rc(ctx, ERR_CONFLICT, fixture_backup_restore_as(ctx, backup.id, config, &report));
        assert_string_equal(fixture_read(ctx, "cloud.env"), "RATE_LIMIT_CALLS=18\n");
        setenv("SIMPLETUNER_BACKUP_PASSPHRASE", "correct horse battery", 1);
        assert_ok(ctx, fixture_backup_restore_as(ctx, backup.id, config, &report));
        assert_string_equal(fixture_read(ctx, "cloud.env"), "RATE_LIMIT_CALLS=17\n");
        assert_string_equal(fixture_read(ctx, "cloud.env.before-restore"), "RATE_LIMIT_CALLS=18\n");
        change_byte(file_in(ctx, &backup, BACKUP_PRIVATE), backup.private_bytes / 2);
        assert_rc(ctx, ERR_CONFLICT, fixture_backup_restore_as(ctx, backup.id, config, &report));
        assert_rc(ctx, ERR_CONFLICT, fixture_backup_verify(ctx, backup.id));
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
                backup = fixture_backup_make(ctx, NULL);
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
        };

        return FIXTURE_RUN("backup", tests);
}
