/* The oldest entries of the audit log are deleted, and what stays is still one signed chain. */
#include <stdio.h>
#include <string.h>

#include "core/cloud/audit/audit_retention.h"
#include "tests/fixture_audit.h"

#define DAYS 10

/* Ten old entries, then ENTRIES new ones. */
static void fill(struct ctx *ctx)
{
        fixture_config(ctx)->audit_retention_days = DAYS;
        for (int i = 0; i < 10; i++)
                assert_ok(ctx, fixture_audit_add(ctx, "user.updated", 0));
        fixture_advance_us(ctx, (DAYS + 1) * US_PER_DAY);
        fixture_audit_fill(ctx);
}

static unsigned prune(struct ctx *ctx, unsigned limit)
{
        unsigned count = 0;

        assert_ok(ctx, audit_retention_prune(ctx, limit, &count));
        return count;
}

static int64_t entries(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM audit_log");
}

static void old_entries_go_in_batches_and_the_rest_is_valid(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        assert_int_equal(prune(ctx, 4), 4);
        assert_valid(ctx, 6 + ENTRIES);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->first_id, 5);
        assert_int_equal(prune(ctx, 100), 6);
        assert_int_equal(prune(ctx, 100), 0);
        assert_valid(ctx, ENTRIES);
        assert_int_equal(fixture_number(ctx, "SELECT pruned FROM audit_anchor"), 10);
        assert_int_equal(fixture_number(ctx, "SELECT SUM(entries) FROM audit_counts"), ENTRIES);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_counts "
                                             "WHERE entries > 0"),
                         1);
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_valid(ctx, ENTRIES + 1);
}

static void a_log_may_be_pruned_to_nothing_and_go_on(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        fixture_advance_us(ctx, (DAYS + 1) * US_PER_DAY);
        assert_int_equal(prune(ctx, 100), 10 + ENTRIES);
        assert_valid(ctx, 0);
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_valid(ctx, 1);
}

static void zero_days_keep_everything(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        fixture_config(ctx)->audit_retention_days = 0;
        assert_int_equal(prune(ctx, 100), 0);
        assert_int_equal(entries(ctx), 10 + ENTRIES);
}

static void nothing_is_deleted_from_a_broken_log(void **state)
{
        static const char *const harm[] = {
                "UPDATE audit_log SET actor = 'mallory' WHERE audit_id = 3",
                "DELETE FROM audit_log WHERE audit_id = 3",
                "DELETE FROM audit_log WHERE audit_id = 1",
                "UPDATE audit_head SET mac = 'x'",
                "UPDATE audit_anchor SET pruned = 3",
                FIXTURE_AUDIT_COPY("3", "0"),
        };
        struct ctx *ctx = *state;
        unsigned count = 7;

        fill(ctx);
        for (size_t i = 0; i < ARRAY_SIZE(harm); i++) {
                fixture_sql(ctx, "CREATE TABLE log AS SELECT * FROM audit_log; "
                                 "CREATE TABLE head AS SELECT * FROM audit_head; "
                                 "CREATE TABLE anchor AS SELECT * FROM audit_anchor");
                fixture_sql(ctx, harm[i]);
                print_message("%s\n", harm[i]);
                assert_rc(ctx, ERR_CONFLICT, audit_retention_prune(ctx, 100, &count));
                assert_non_null(strstr(ctx->detail, "audit verify"));
                assert_int_equal(count, 7);
                fixture_sql(ctx, "DELETE FROM audit_log; DELETE FROM audit_head; DELETE FROM "
                                 "audit_anchor; INSERT INTO audit_log SELECT * FROM log; "
                                 "INSERT INTO audit_head SELECT * FROM head; "
                                 "INSERT INTO audit_anchor SELECT * FROM anchor; "
                                 "DROP TABLE log; DROP TABLE head; DROP TABLE anchor");
        }
        assert_valid(ctx, 10 + ENTRIES);
}

static void an_older_anchor_put_back_is_seen(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        assert_int_equal(prune(ctx, 3), 3);
        fixture_sql(ctx, "CREATE TABLE kept AS SELECT * FROM audit_anchor");
        assert_int_equal(prune(ctx, 3), 3);
        fixture_sql(ctx, "DELETE FROM audit_anchor; INSERT INTO audit_anchor SELECT * FROM kept");
        assert_first(ctx, 4, AUDIT_MISSING);
}

static void what_waits_to_be_forwarded_is_kept_for_twice_as_long(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        fixture_sql(ctx, "INSERT INTO audit_forward (target, last_id) VALUES ('webhook', 4), "
                         "('syslog', 8)");
        assert_int_equal(prune(ctx, 100), 4);
        assert_int_equal(prune(ctx, 100), 0);
        fixture_advance_us(ctx, (DAYS - 1) * US_PER_DAY);
        assert_int_equal(prune(ctx, 100), 6);
        assert_valid(ctx, ENTRIES);
}

static void entries_without_a_hash_go_first(void **state)
{
        static const char older[] =
                "INSERT INTO audit_log (audit_id, created_at_us, event_type, actor, action) VALUES "
                "(1, 1, 'job.submitted', 'ann', 'x'), (2, 2, 'job.submitted', 'ann', 'x'), "
                "(3, 3, 'job.submitted', 'ann', 'x'); UPDATE audit_head SET audit_id = 3; "
                "INSERT INTO audit_counts (event_type, entries) VALUES ('job.submitted', 3)";
        struct ctx *ctx = *state;

        fixture_sql(ctx, older);
        fixture_config(ctx)->audit_retention_days = DAYS;
        assert_int_equal(prune(ctx, 1), 1); /* there is no chain yet */
        fill(ctx);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->unchained, 2);
        assert_int_equal(prune(ctx, 4), 4); /* two of either kind */
        assert_valid(ctx, 8 + ENTRIES);
        assert_int_equal(fixture_audit_verify(ctx, 0, 0)->unchained, 0);
}

/* Thread 0 verifies, one prunes, others append. */
static bool work_at_once(struct ctx *ctx, unsigned index, void *arg)
{
        struct audit_report report;
        unsigned count;
        bool well = true;

        (void)arg;
        for (int i = 0; i < 20 && well; i++) {
                if (index == 0)
                        well = audit_verify(ctx, (struct audit_range){ 0, 0 }, &report) == OK &&
                               report.broken_total == 0;
                else if (index == 1)
                        well = audit_retention_prune(ctx, 3, &count) == OK;
                else
                        well = fixture_audit_add(ctx, "job.submitted", 0) == OK;
                arena_reset(ctx->arena);
        }
        return well;
}

static void what_is_pruned_meanwhile_is_no_error(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        for (int i = 0; i < 40; i++)
                assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        fixture_advance_us(ctx, (DAYS + 1) * US_PER_DAY);
        fixture_strangers(ctx, 4, work_at_once, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT entries FROM audit_head"),
                         10 + ENTRIES + 40 + 40);
        assert_int_equal(entries(ctx), 96 - fixture_number(ctx, "SELECT pruned FROM audit_anchor"));
        assert_valid(ctx, entries(ctx));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(old_entries_go_in_batches_and_the_rest_is_valid),
                FIXTURE_CLOUD_TEST(a_log_may_be_pruned_to_nothing_and_go_on),
                FIXTURE_CLOUD_TEST(zero_days_keep_everything),
                FIXTURE_CLOUD_TEST(nothing_is_deleted_from_a_broken_log),
                FIXTURE_CLOUD_TEST(an_older_anchor_put_back_is_seen),
                FIXTURE_CLOUD_TEST(what_waits_to_be_forwarded_is_kept_for_twice_as_long),
                FIXTURE_CLOUD_TEST(entries_without_a_hash_go_first),
                FIXTURE_CLOUD_TEST(what_is_pruned_meanwhile_is_no_error),
        };

        return FIXTURE_RUN("audit retention", tests);
}
