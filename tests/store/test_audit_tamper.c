/* Whatever is done to the audit log by SQL is seen, and the first entry that is wrong is named. */
#include "tests/fixture_audit.h"

/* What SQL does, and what verifying must then say first. */
struct tampering {
        const char *sql;
        int64_t audit_id;
        enum audit_fault fault;
};

/* Each is done by itself and taken back. */
static void assert_seen(struct ctx *ctx, const struct tampering *tamperings, size_t count)
{
        fixture_audit_fill(ctx);
        for (size_t i = 0; i < count; i++) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                print_message("%s\n", tamperings[i].sql);
                assert_ok(ctx, db_exec_script(ctx, tamperings[i].sql));
                assert_first(ctx, tamperings[i].audit_id, tamperings[i].fault);
        }
        assert_valid(ctx, ENTRIES);
}

#define CHANGE(set)                                                                                \
        {                                                                                          \
                "UPDATE audit_log SET " set " WHERE audit_id = 3", 3, AUDIT_HASH_MISMATCH          \
        }

static void a_change_of_any_field_is_seen(void **state)
{
        static const struct tampering tamperings[] = {
                { "UPDATE audit_log SET audit_id = 99 WHERE audit_id = 3", 3, AUDIT_MISSING },
                CHANGE("created_at_us = created_at_us + 1"),
                CHANGE("event_type = 'job.cancelled'"),
                CHANGE("actor = 'ann'"),
                CHANGE("actor = ''"),
                CHANGE("actor_id = 8"),
                CHANGE("actor_id = NULL"),
                { "UPDATE audit_log SET actor_id = 7 WHERE audit_id = 2", 2, AUDIT_HASH_MISMATCH },
                CHANGE("actor_ip = '203.0.113.10'"),
                CHANGE("actor_ip = NULL"),
                CHANGE("actor_ip = ''"),
                CHANGE("target_type = 'jobs'"),
                CHANGE("target_type = NULL"),
                CHANGE("target_id = 'j2'"),
                CHANGE("target_id = NULL"),
                CHANGE("target_type = 'jobj', target_id = '1'"),
                CHANGE("target_type = target_id, target_id = target_type"),
                CHANGE("action = 'Nothing was done'"),
                CHANGE("details = '{ }'"),
                CHANGE("correlation_id = 'abd'"),
                CHANGE("correlation_id = NULL"),
                CHANGE("previous_hash = entry_hash"),
                CHANGE("previous_hash = NULL"),
                CHANGE("entry_hash = previous_hash"),
                CHANGE("entry_hash = NULL"),
                CHANGE("entry_hash = NULL, previous_hash = NULL"),
        };

        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

/* SQLite keeps whatever it is given. */
static void a_value_of_another_type_is_seen(void **state)
{
        static const struct tampering tamperings[] = {
                CHANGE("created_at_us = created_at_us || ' and more'"),
                CHANGE("actor_id = '7 and more'"),
                CHANGE("actor_id = 7.5"),
                { "UPDATE audit_log SET actor_id = 'ann' WHERE audit_id = 2", 2,
                  AUDIT_HASH_MISMATCH },
                { "UPDATE audit_log SET actor_id = 0.5 WHERE audit_id = 2", 2,
                  AUDIT_HASH_MISMATCH },
                CHANGE("actor = CAST('ann' AS BLOB)"),
                CHANGE("actor = actor || char(0) || 'ann'"),
        };

        fixture_only_on(*state, "sqlite");
        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

static void entries_that_are_gone_are_seen(void **state)
{
        static const struct tampering tamperings[] = {
                { "DELETE FROM audit_log WHERE audit_id = 3", 3, AUDIT_MISSING },
                { "DELETE FROM audit_log WHERE audit_id IN (3, 4)", 3, AUDIT_MISSING },
                { "DELETE FROM audit_log WHERE audit_id = 1", 1, AUDIT_MISSING },
                { "DELETE FROM audit_log WHERE audit_id = 6", 6, AUDIT_MISSING },
                { "DELETE FROM audit_log WHERE audit_id > 2", 3, AUDIT_MISSING },
                { "DELETE FROM audit_log", 1, AUDIT_MISSING },
                { "DELETE FROM audit_log WHERE audit_id = 3; "
                  "UPDATE audit_log SET audit_id = audit_id - 1 WHERE audit_id = 4; "
                  "UPDATE audit_log SET audit_id = audit_id - 1 WHERE audit_id = 5; "
                  "UPDATE audit_log SET audit_id = audit_id - 1 WHERE audit_id = 6",
                  3, AUDIT_HASH_MISMATCH },
        };

        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

static void entries_that_were_put_in_are_seen(void **state)
{
        static const struct tampering tamperings[] = {
                { FIXTURE_AUDIT_COPY("3", "7"), 7, AUDIT_INSERTED },
                { FIXTURE_AUDIT_COPY("3", "0"), 0, AUDIT_INSERTED },
                { FIXTURE_AUDIT_COPY("3", "-5"), 0, AUDIT_INSERTED },
                { "DELETE FROM audit_log WHERE audit_id = 4; " FIXTURE_AUDIT_COPY("3", "4"), 4,
                  AUDIT_HASH_MISMATCH },
                { "UPDATE audit_log SET audit_id = 7 WHERE audit_id = 6; "
                  "UPDATE audit_log SET audit_id = 6 WHERE audit_id = 5; "
                  "UPDATE audit_log SET audit_id = 5 WHERE audit_id = 4; " FIXTURE_AUDIT_COPY("3",
                                                                                              "4"),
                  4, AUDIT_HASH_MISMATCH },
        };

        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

static void entries_that_changed_places_are_seen(void **state)
{
        static const struct tampering tamperings[] = {
                { "UPDATE audit_log SET audit_id = 99 WHERE audit_id = 2; "
                  "UPDATE audit_log SET audit_id = 2 WHERE audit_id = 4; "
                  "UPDATE audit_log SET audit_id = 4 WHERE audit_id = 99",
                  2, AUDIT_HASH_MISMATCH },
                { "UPDATE audit_log SET audit_id = 99 WHERE audit_id = 5; "
                  "UPDATE audit_log SET audit_id = 5 WHERE audit_id = 6; "
                  "UPDATE audit_log SET audit_id = 6 WHERE audit_id = 99",
                  5, AUDIT_HASH_MISMATCH },
        };

        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

static void another_head_is_seen(void **state)
{
        static const struct tampering tamperings[] = {
                { FIXTURE_AUDIT_CUT, 4, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET audit_id = 5", 5, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET audit_id = 7", 7, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET entries = 5", 6, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET entry_hash = 'x'", 6, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET entry_hash = NULL", 6, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET mac = 'x'", 6, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET mac = NULL", 6, AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET mac = (SELECT mac FROM audit_anchor)", 6,
                  AUDIT_HEAD_MISMATCH },
                { "UPDATE audit_head SET mac = NULL; UPDATE audit_anchor SET mac = NULL", 6,
                  AUDIT_HEAD_MISMATCH },
                { "DELETE FROM audit_head", 0, AUDIT_HEAD_MISMATCH },
                { "DELETE FROM audit_anchor", 0, AUDIT_HEAD_MISMATCH },
        };

        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

static void another_anchor_is_seen(void **state)
{
        static const struct tampering tamperings[] = {
                { "DELETE FROM audit_log WHERE audit_id < 3; "
                  "UPDATE audit_anchor SET first_id = 3, pruned = 2, previous_hash = "
                  "(SELECT previous_hash FROM audit_log WHERE audit_id = 3)",
                  3, AUDIT_ANCHOR_MISMATCH },
                { "UPDATE audit_anchor SET first_id = 2", 2, AUDIT_ANCHOR_MISMATCH },
                { "UPDATE audit_anchor SET previous_hash = 'x'", 1, AUDIT_ANCHOR_MISMATCH },
                { "UPDATE audit_anchor SET pruned = 1", 1, AUDIT_ANCHOR_MISMATCH },
                { "UPDATE audit_anchor SET unchained = 1", 1, AUDIT_ANCHOR_MISMATCH },
                { "UPDATE audit_anchor SET mac = NULL", 1, AUDIT_ANCHOR_MISMATCH },
                { "UPDATE audit_anchor SET mac = (SELECT mac FROM audit_head)", 1,
                  AUDIT_ANCHOR_MISMATCH },
        };

        assert_seen(*state, tamperings, ARRAY_SIZE(tamperings));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_change_of_any_field_is_seen),
                FIXTURE_CLOUD_TEST(a_value_of_another_type_is_seen),
                FIXTURE_CLOUD_TEST(entries_that_are_gone_are_seen),
                FIXTURE_CLOUD_TEST(entries_that_were_put_in_are_seen),
                FIXTURE_CLOUD_TEST(entries_that_changed_places_are_seen),
                FIXTURE_CLOUD_TEST(another_head_is_seen),
                FIXTURE_CLOUD_TEST(another_anchor_is_seen),
        };

        return FIXTURE_RUN("audit tampering", tests);
}
