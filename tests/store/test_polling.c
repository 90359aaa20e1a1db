#include "core/cloud/job/polling.h"
#include "core/cloud/task_lease.h"
#include "tests/fixture_db.h"

static struct polling_status status(struct ctx *ctx)
{
        struct polling_status status;

        assert_ok(ctx, polling_status(ctx, &status));
        return status;
}

/* The companion has polled just now. */
static void poll(struct ctx *ctx)
{
        const struct task_terms terms = { .name = POLLING_TASK,
                                          .every_us = 30 * US_PER_S,
                                          .lease_us = 120 * US_PER_S,
                                          .at_once = true };
        struct task_lease lease;

        assert_ok(ctx, task_lease_take(ctx, &terms, &lease));
        assert_ok(ctx, task_lease_end(ctx, &lease, &(struct task_result){ .text = "asked 0" }));
}

static void without_a_companion_nothing_is_active(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(status(ctx).preference, POLLING_UNSET);
        assert_false(status(ctx).active);
        assert_true(status(ctx).last_run_at_us == 0);
}

static void polling_is_active_for_three_minutes_after_a_poll(void **state)
{
        struct ctx *ctx = *state;

        poll(ctx);
        assert_true(status(ctx).active);
        assert_true(status(ctx).last_run_at_us == FIXTURE_TIME_US);
        fixture_advance_us(ctx, 179 * US_PER_S);
        assert_true(status(ctx).active);
        fixture_advance_us(ctx, US_PER_S);
        assert_false(status(ctx).active);
}

static void a_poll_that_lies_in_the_future_is_none(void **state)
{
        struct ctx *ctx = *state;

        poll(ctx);
        fixture_advance_us(ctx, -US_PER_DAY);
        assert_false(status(ctx).active);
}

static void the_choice_is_kept_taken_back_and_audited(void **state)
{
        static const enum polling_preference choices[] = { POLLING_OFF, POLLING_ON, POLLING_OFF,
                                                           POLLING_UNSET };
        struct ctx *ctx = *state;
        bool off;

        poll(ctx);
        for (unsigned n = 0; n < ARRAY_SIZE(choices); n++) {
                assert_ok(ctx, polling_set(ctx, choices[n]));
                assert_int_equal(status(ctx).preference, choices[n]);
                assert_int_equal(status(ctx).active, choices[n] != POLLING_OFF);
                assert_ok(ctx, polling_is_off(ctx, &off));
                assert_int_equal(off, choices[n] == POLLING_OFF);
        }
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'config.polling_changed'"),
                         ARRAY_SIZE(choices));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM preferences"), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(without_a_companion_nothing_is_active),
                FIXTURE_DB_TEST(polling_is_active_for_three_minutes_after_a_poll),
                FIXTURE_DB_TEST(a_poll_that_lies_in_the_future_is_none),
                FIXTURE_DB_TEST(the_choice_is_kept_taken_back_and_audited),
        };

        return FIXTURE_RUN("polling", tests);
}
