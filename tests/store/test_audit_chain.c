/* The audit log is one chain, written by many, and nobody goes on with one that is broken. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_note.h"
#include "tests/fixture_audit.h"

static void entries_are_one_chain(void **state)
{
        struct ctx *ctx = *state;

        assert_valid(ctx, 0);
        fixture_audit_fill(ctx);
        assert_valid(ctx, ENTRIES);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log a JOIN audit_log b ON "
                                             "b.audit_id = a.audit_id + 1 WHERE b.previous_hash = "
                                             "a.entry_hash"),
                         ENTRIES - 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE actor_id = 7"),
                         ENTRIES / 2);
}

static void a_range_is_compared_with_what_comes_before_it(void **state)
{
        struct ctx *ctx = *state;
        const struct audit_report *report;
        struct audit_report none;

        fixture_audit_fill(ctx);
        report = fixture_audit_verify(ctx, 3, 4);
        assert_int_equal(report->broken_total, 0);
        assert_int_equal(report->checked, 2);
        assert_int_equal(report->first_id, 3);
        assert_int_equal(report->last_id, 4);
        assert_int_equal(fixture_audit_verify(ctx, 5, 0)->checked, 2);
        assert_int_equal(fixture_audit_verify(ctx, 0, 2)->checked, 2);
        assert_int_equal(fixture_audit_verify(ctx, 50, 60)->checked, 0);
        assert_rc(ctx, ERR_INVALID, audit_verify(ctx, (struct audit_range){ 4, 3 }, &none));

        fixture_sql(ctx, "UPDATE audit_log SET entry_hash = previous_hash WHERE audit_id = 2");
        report = fixture_audit_verify(ctx, 3, 4);
        assert_int_equal(report->broken_count, 1);
        assert_int_equal(report->broken[0].audit_id, 3);
        assert_int_equal(report->broken[0].fault, AUDIT_LINK_MISMATCH);
        assert_int_equal(fixture_audit_verify(ctx, 4, 0)->broken_total, 0);
}

static void many_faults_are_counted_and_the_first_are_named(void **state)
{
        struct ctx *ctx = *state;
        const struct audit_report *report;

        for (int i = 0; i < AUDIT_BROKEN_MAX + 20; i++)
                assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        fixture_sql(ctx, "UPDATE audit_log SET actor = 'x'; DELETE FROM audit_log WHERE audit_id "
                         "= 1");
        report = fixture_audit_verify(ctx, 0, 0);
        assert_int_equal(report->broken_total, AUDIT_BROKEN_MAX + 20);
        assert_int_equal(report->broken_count, AUDIT_BROKEN_MAX);
        assert_int_equal(report->broken[0].fault, AUDIT_MISSING);
        assert_int_equal(report->broken[AUDIT_BROKEN_MAX - 1].audit_id, AUDIT_BROKEN_MAX);
}

static bool add_some(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (unsigned i = 0; i < 20; i++) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
                const struct audit_entry entry = { .event_type = "job.submitted", .action = "x" };

                if (db_begin(ctx, &tx) != OK || audit_add(ctx, &entry) != OK ||
                    audit_add(ctx, &entry) != OK)
                        return false;
                if ((i + index) % 4 != 0 && db_commit(&tx) != OK) /* others are rolled back */
                        return false;
                arena_reset(ctx->arena);
        }
        return true;
}

static void many_processes_write_one_chain(void **state)
{
        struct ctx *ctx = *state;

        fixture_strangers(ctx, 8, add_some, NULL);
        assert_valid(ctx, (int64_t)8 * 15 * 2);
        fixture_threads(ctx, 8, add_some, NULL);
        assert_valid(ctx, (int64_t)16 * 15 * 2);
        assert_int_equal(fixture_number(ctx, "SELECT entries FROM audit_counts"), 16 * 15 * 2);
}

/* As a process of its own does it, which reads the key for itself, or makes it. */
static bool add_alone(struct ctx *ctx, unsigned index, void *arg)
{
        ctx->cloud = NULL;
        return add_some(ctx, index, arg);
}

static void processes_that_start_at_once_agree_on_the_key(void **state)
{
        struct ctx *ctx = *state;

        fixture_strangers(ctx, 8, add_alone, NULL);
        assert_valid(ctx, (int64_t)8 * 15 * 2);
}

/* Thread 0 verifies while the others append, and one of them notes the head first. */
static bool verify_or_add(struct ctx *ctx, unsigned index, void *arg)
{
        struct audit_report report;
        bool well = true, written;

        for (int i = 0; index == 1 && i < 20 && well; i++) {
                well = audit_note_write(ctx, &written) == OK;
                arena_reset(ctx->arena);
        }
        if (index > 0)
                return well && add_some(ctx, index, arg);
        for (int i = 0; i < 20 && well; i++) {
                well = audit_verify(ctx, (struct audit_range){ 0, 0 }, &report) == OK &&
                       report.broken_total == 0;
                arena_reset(ctx->arena);
        }
        return well;
}

static void what_is_written_meanwhile_is_no_error(void **state)
{
        struct ctx *ctx = *state;

        fixture_audit_fill(ctx);
        fixture_strangers(ctx, 5, verify_or_add, NULL);
        assert_valid(ctx, ENTRIES + 4 * 15 * 2);
}

static void entries_from_before_the_chain_are_counted(void **state)
{
        static const char older[] =
                "INSERT INTO audit_log (audit_id, created_at_us, event_type, actor, action) VALUES "
                "(1, 1, 'job.submitted', 'ann', 'x'), (2, 2, 'job.submitted', 'ann', 'x'); "
                "UPDATE audit_head SET audit_id = 2";
        struct ctx *ctx = *state;

        fixture_sql(ctx, older);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->unchained, 2);
        assert_valid(ctx, 0);
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_valid(ctx, 1);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->unchained, 2);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->first_id, 3);

        fixture_sql(ctx, "DELETE FROM audit_log WHERE audit_id = 1");
        assert_first(ctx, 2, AUDIT_MISSING);
        fixture_sql(ctx,
                    "INSERT INTO audit_log (audit_id, created_at_us, event_type, actor, action) "
                    "VALUES (1, 1, 'job.submitted', 'ann', 'x'), (0, 1, 'x', 'x', 'x')");
        assert_first(ctx, 2, AUDIT_INSERTED);
}

/* The head as a row of values, to be put back later. */
static void an_older_log_put_back_is_seen_by_the_note(void **state)
{
        struct ctx *ctx = *state;
        bool written = false;

        fixture_audit_fill(ctx);
        fixture_sql(ctx, "CREATE TABLE kept AS SELECT * FROM audit_head");
        assert_ok(ctx, fixture_audit_add(ctx, "user.deleted", 0));
        assert_ok(ctx, audit_note_write(ctx, &written));
        assert_true(written);
        assert_ok(ctx, audit_note_write(ctx, &written));
        assert_false(written);
        assert_valid(ctx, ENTRIES + 1);

        fixture_sql(ctx, "DELETE FROM audit_log WHERE audit_id = 7; DELETE FROM audit_head; "
                         "INSERT INTO audit_head SELECT * FROM kept");
        assert_first(ctx, 7, AUDIT_HEAD_BEHIND);
        assert_rc(ctx, ERR_CONFLICT, audit_note_write(ctx, &written));
        assert_ok(ctx,
                  fixture_audit_add(ctx, "job.submitted", 0)); /* goes on as if nothing had been */
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_first(ctx, 7, AUDIT_HEAD_BEHIND);
        assert_rc(ctx, ERR_CONFLICT, audit_note_write(ctx, &written));
}

static void a_log_stripped_of_all_hashes_is_seen_by_the_note(void **state)
{
        struct ctx *ctx = *state;
        bool written;

        fixture_audit_fill(ctx);
        assert_ok(ctx, audit_note_write(ctx, &written));
        fixture_sql(ctx, "UPDATE audit_log SET entry_hash = NULL, previous_hash = NULL; "
                         "UPDATE audit_head SET entries = 0, entry_hash = NULL, mac = NULL; "
                         "UPDATE audit_anchor SET first_id = 9223372036854775807, mac = NULL, "
                         "previous_hash = NULL");
        assert_first(ctx, 6, AUDIT_HEAD_BEHIND);
}

static void nobody_goes_on_with_a_head_that_is_not_signed(void **state)
{
        struct ctx *ctx = *state;
        int64_t first_id = 0;

        fixture_audit_fill(ctx);
        fixture_sql(ctx, FIXTURE_AUDIT_CUT);
        assert_rc(ctx, ERR_INTERNAL, fixture_audit_add(ctx, "job.submitted", 0));
        assert_non_null(strstr(ctx->detail, "audit verify"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log"), 4);

        assert_ok(ctx, audit_chain_restart(ctx, &first_id));
        assert_int_equal(first_id, 5);
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_valid(ctx, 2);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->unchained, 4);
}

static void an_entry_that_stands_in_the_way_is_named(void **state)
{
        struct ctx *ctx = *state;

        fixture_audit_fill(ctx);
        fixture_sql(ctx, FIXTURE_AUDIT_COPY("3", "7"));
        assert_rc(ctx, ERR_INTERNAL, fixture_audit_add(ctx, "job.submitted", 0));
        assert_non_null(strstr(ctx->detail, "entry 7"));
}

static void forget_key(struct ctx *ctx)
{
        audit_keys_free(ctx->cloud->audit_keys);
        ctx->cloud->audit_keys = NULL;
        assert_ok(ctx, audit_keys_new(ctx, &ctx->cloud->audit_keys));
}

static void a_key_that_is_gone_is_not_replaced(void **state)
{
        struct ctx *ctx = *state;
        const char *path = fixture_path(ctx, "audit.key");
        struct audit_report report;
        struct stat st;

        fixture_audit_fill(ctx);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(rename(path, fixture_path(ctx, "aside")), 0);
        forget_key(ctx);
        assert_rc(ctx, ERR_UNAVAILABLE, fixture_audit_add(ctx, "job.submitted", 0));
        assert_non_null(strstr(ctx->detail, "audit.key"));
        assert_rc(ctx, ERR_UNAVAILABLE, audit_verify(ctx, (struct audit_range){ 0, 0 }, &report));
        assert_int_equal(access(path, F_OK), -1);

        assert_int_equal(rename(fixture_path(ctx, "aside"), path), 0);
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_valid(ctx, ENTRIES + 1);
}

static void another_key_does_not_go_on(void **state)
{
        struct ctx *ctx = *state;

        fixture_audit_fill(ctx);
        assert_int_equal(chmod(fixture_write(ctx, "audit.key", "0123456789abcdef0123"), 0600), 0);
        forget_key(ctx);
        assert_rc(ctx, ERR_INTERNAL, fixture_audit_add(ctx, "job.submitted", 0));
        assert_first(ctx, 1, AUDIT_HASH_MISMATCH);
}

static void a_key_that_others_may_read_or_that_is_short_stops_the_start(void **state)
{
        struct ctx *ctx = *state;
        struct audit_keys *keys = NULL;

        assert_int_equal(chmod(fixture_write(ctx, "audit.key", "0123456789abcdef"), 0644), 0);
        assert_rc(ctx, ERR_UNAVAILABLE, audit_keys_new(ctx, &keys));
        assert_int_equal(chmod(fixture_write(ctx, "audit.key", "too short\n"), 0600), 0);
        assert_rc(ctx, ERR_INVALID, audit_keys_new(ctx, &keys));
        assert_null(keys);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(entries_are_one_chain),
                FIXTURE_CLOUD_TEST(a_range_is_compared_with_what_comes_before_it),
                FIXTURE_CLOUD_TEST(many_faults_are_counted_and_the_first_are_named),
                FIXTURE_CLOUD_TEST(many_processes_write_one_chain),
                FIXTURE_CLOUD_TEST(processes_that_start_at_once_agree_on_the_key),
                FIXTURE_CLOUD_TEST(what_is_written_meanwhile_is_no_error),
                FIXTURE_CLOUD_TEST(entries_from_before_the_chain_are_counted),
                FIXTURE_CLOUD_TEST(an_older_log_put_back_is_seen_by_the_note),
                FIXTURE_CLOUD_TEST(a_log_stripped_of_all_hashes_is_seen_by_the_note),
                FIXTURE_CLOUD_TEST(nobody_goes_on_with_a_head_that_is_not_signed),
                FIXTURE_CLOUD_TEST(an_entry_that_stands_in_the_way_is_named),
                FIXTURE_CLOUD_TEST(a_key_that_is_gone_is_not_replaced),
                FIXTURE_CLOUD_TEST(another_key_does_not_go_on),
                FIXTURE_CLOUD_TEST(a_key_that_others_may_read_or_that_is_short_stops_the_start),
        };

        return FIXTURE_RUN("audit chain", tests);
}
