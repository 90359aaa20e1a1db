/* The cursors of forwarding: one at a time, and nothing is lost when that one dies. */
#include "core/store/store_audit_forward.h"

#include "tests/fixture_audit.h"

#define NOW_US   FIXTURE_TIME_US
#define CLAIM_US (NOW_US + 60 * US_PER_S)

static struct audit_cursor cursor_of(struct ctx *ctx, const char *target)
{
        struct audit_cursor cursor = { 0 };

        assert_ok(ctx, store_audit_cursor_get(ctx, target, &cursor));
        return cursor;
}

/* Each in a transaction of its own. */
static enum err begin(struct ctx *ctx, const char *target)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_audit_cursor_begin(ctx, target));
        return db_commit(&tx);
}

static enum err claim(struct ctx *ctx, int64_t now_us, int64_t until_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        assert_ok(ctx, db_begin(ctx, &tx));
        rc = store_audit_cursor_claim(ctx, "webhook", now_us, until_us);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err put(struct ctx *ctx, struct audit_cursor cursor)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_audit_cursor_put(ctx, &cursor));
        return db_commit(&tx);
}

static void forwarding_begins_with_what_comes_then(void **state)
{
        struct ctx *ctx = *state;
        struct audit_cursor none;
        int64_t forwarded;

        assert_rc(ctx, ERR_NOT_FOUND, store_audit_cursor_get(ctx, "webhook", &none));
        assert_ok(ctx, store_audit_forwarded(ctx, &forwarded));
        assert_true(forwarded == INT64_MAX);
        fixture_audit_fill(ctx);
        assert_ok(ctx, begin(ctx, "webhook"));
        assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", 0));
        assert_ok(ctx, begin(ctx, "webhook")); /* once more moves nothing */
        assert_int_equal(cursor_of(ctx, "webhook").last_id, ENTRIES);
        assert_int_equal(cursor_of(ctx, "webhook").newest_id, ENTRIES + 1);
        assert_ok(ctx, begin(ctx, "syslog"));
        assert_ok(ctx, store_audit_forwarded(ctx, &forwarded));
        assert_int_equal(forwarded, ENTRIES);
}

static void one_at_a_time_until_a_claim_ends(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, begin(ctx, "webhook"));
        assert_ok(ctx, claim(ctx, NOW_US, CLAIM_US));
        assert_rc(ctx, ERR_CONFLICT, claim(ctx, NOW_US, CLAIM_US));
        assert_rc(ctx, ERR_CONFLICT, claim(ctx, CLAIM_US - 1, CLAIM_US));
        assert_ok(ctx, claim(ctx, CLAIM_US, CLAIM_US + 5));
}

static void a_claim_of_a_clock_that_was_ahead_does_not_count(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, begin(ctx, "webhook"));
        assert_ok(ctx, claim(ctx, NOW_US + US_PER_DAY, CLAIM_US + US_PER_DAY));
        assert_ok(ctx, claim(ctx, NOW_US, CLAIM_US));
}

static void only_who_has_the_claim_moves_the_cursor(void **state)
{
        struct ctx *ctx = *state;
        struct audit_cursor slow, quick;

        assert_ok(ctx, begin(ctx, "webhook"));
        assert_ok(ctx, claim(ctx, NOW_US, CLAIM_US));
        slow = cursor_of(ctx, "webhook");
        assert_ok(ctx, claim(ctx, CLAIM_US, CLAIM_US + 5));
        quick = cursor_of(ctx, "webhook");
        slow.last_id = 3;
        assert_ok(ctx, put(ctx, slow));
        assert_int_equal(cursor_of(ctx, "webhook").last_id, 0);
        quick.last_id = 4;
        quick.failures = 2;
        quick.last_error = "away";
        quick.next_at_us = CLAIM_US + 100;
        assert_ok(ctx, put(ctx, quick));
        assert_int_equal(cursor_of(ctx, "webhook").last_id, 4);
        assert_string_equal(cursor_of(ctx, "webhook").last_error, "away");
        assert_rc(ctx, ERR_CONFLICT, claim(ctx, CLAIM_US + 99, CLAIM_US + 200));
        assert_ok(ctx, claim(ctx, CLAIM_US + 100, CLAIM_US + 200));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(forwarding_begins_with_what_comes_then),
                FIXTURE_CLOUD_TEST(one_at_a_time_until_a_claim_ends),
                FIXTURE_CLOUD_TEST(a_claim_of_a_clock_that_was_ahead_does_not_count),
                FIXTURE_CLOUD_TEST(only_who_has_the_claim_moves_the_cursor),
        };

        return FIXTURE_RUN("store audit forward", tests);
}
