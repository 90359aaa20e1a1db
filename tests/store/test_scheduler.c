#include <string.h>

#include "core/base/log.h"
#include "core/cron/scheduler.h"
#include "core/cron/tasks.h"
#include "tests/fixture_db.h"

static unsigned batches; /* that the task of this test has begun */

static enum err count_batches(struct ctx *ctx, struct task_run *run)
{
        batches = 0;
        do {
                batches++;
                fixture_advance_us(ctx, US_PER_S);
        } while (batches < 1000 && task_run_goes_on(ctx, run));
        task_run_count(run, "counted", batches);
        task_run_count(run, "missed", 0);
        return OK;
}

static enum err always_fail(struct ctx *ctx, struct task_run *run)
{
        (void)run;
        return ctx_fail(ctx, ERR_UNAVAILABLE, "the disk is on fire");
}

static enum err have_no_reason(struct ctx *ctx, struct task_run *run)
{
        (void)ctx;
        return task_run_idle(run, "it is Sunday");
}

/* Loses its lease to another companion while it works. */
static enum err oversleep(struct ctx *ctx, struct task_run *run)
{
        const struct task_terms terms = { .name = run->task->name,
                                          .every_us = US_PER_S,
                                          .lease_us = 100 * US_PER_S,
                                          .at_once = true };
        struct task_lease other;

        fixture_advance_us(ctx, run->task->deadline_s * US_PER_S);
        if (task_lease_take(ctx, &terms, &other) != OK)
                return ctx_fail(ctx, ERR_INTERNAL, "the lease did not end");
        run->stop_at_us += 10 * US_PER_S;
        if (task_run_goes_on(ctx, run))
                return ctx_fail(ctx, ERR_INTERNAL, "it goes on without its lease");
        return OK;
}

static const struct task counting = { "counting", 60, 10, 5, count_batches };
static const struct task failing = { "failing", 60, 10, 5, always_fail };
static const struct task idling = { "idling", 60, 10, 5, have_no_reason };
static const struct task sleeping = { "sleeping", 60, 10, 5, oversleep };

static struct task_row row(struct ctx *ctx, const char *name)
{
        struct task_row row;

        assert_ok(ctx, task_state(ctx, name, &row));
        return row;
}

static void a_task_begins_no_batch_after_its_deadline(void **state)
{
        struct ctx *ctx = *state;
        struct task_run run;

        assert_ok(ctx, scheduler_run(ctx, &counting, false, &run));
        assert_int_equal(run.outcome, TASK_DONE);
        assert_int_equal(batches, 5);
        assert_string_equal(run.text, "counted 5, missed 0");
        assert_string_equal(row(ctx, "counting").last_result, "counted 5, missed 0");
        assert_true(row(ctx, "counting").lease_until_us == 0);
}

static void a_task_runs_when_it_is_due_and_at_once_when_it_is_named(void **state)
{
        struct ctx *ctx = *state;
        struct task_run run;

        assert_ok(ctx, scheduler_run(ctx, &counting, false, &run));
        assert_ok(ctx, scheduler_run(ctx, &counting, false, &run));
        assert_int_equal(run.outcome, TASK_NOT_DUE);
        assert_ok(ctx, scheduler_run(ctx, &counting, true, &run));
        assert_int_equal(run.outcome, TASK_DONE);
        fixture_advance_us(ctx, 60 * US_PER_S);
        assert_ok(ctx, scheduler_run(ctx, &counting, false, &run));
        assert_int_equal(run.outcome, TASK_DONE);
        assert_int_equal(row(ctx, "counting").runs, 3);
}

static void a_task_that_another_holds_is_left_alone(void **state)
{
        struct ctx *ctx = *state;
        const struct task_terms terms = { .name = "counting",
                                          .every_us = 60 * US_PER_S,
                                          .lease_us = 5 * US_PER_S };
        struct task_lease lease;
        struct task_run run;

        batches = 0;
        assert_ok(ctx, task_lease_take(ctx, &terms, &lease));
        assert_ok(ctx, scheduler_run(ctx, &counting, true, &run));
        assert_int_equal(run.outcome, TASK_HELD);
        assert_non_null(strstr(run.text, lease.holder));
        assert_int_equal(batches, 0);
}

static void a_failure_is_recorded_and_the_task_is_due_again(void **state)
{
        struct ctx *ctx = *state;
        struct task_run run;

        assert_true(log_configure(LOG_ERROR, LOG_TEXT, "/dev/null"));
        assert_rc(ctx, ERR_UNAVAILABLE, scheduler_run(ctx, &failing, false, &run));
        assert_int_equal(run.outcome, TASK_FAILED);
        assert_non_null(strstr(ctx->detail, "the disk is on fire"));
        assert_int_equal(row(ctx, "failing").failures, 1);
        assert_string_equal(row(ctx, "failing").last_result, "the disk is on fire");
        assert_true(row(ctx, "failing").lease_until_us == 0);
        assert_ok(ctx, scheduler_run(ctx, &failing, false, &run));
        assert_int_equal(run.outcome, TASK_NOT_DUE);
        fixture_advance_us(ctx, 60 * US_PER_S);
        assert_rc(ctx, ERR_UNAVAILABLE, scheduler_run(ctx, &failing, false, &run));
        assert_int_equal(row(ctx, "failing").failures, 2);
}

static void a_task_without_reason_says_why(void **state)
{
        struct ctx *ctx = *state;
        struct task_run run;

        assert_ok(ctx, scheduler_run(ctx, &idling, false, &run));
        assert_int_equal(run.outcome, TASK_IDLE);
        assert_string_equal(run.text, "it is Sunday");
        assert_int_equal(row(ctx, "idling").runs, 0);
}

static void who_has_lost_the_lease_stops_and_leaves_the_row_to_the_other(void **state)
{
        struct ctx *ctx = *state;
        struct task_run run;

        assert_true(log_configure(LOG_ERROR, LOG_TEXT, NULL));
        assert_ok(ctx, scheduler_run(ctx, &sleeping, false, &run));
        assert_true(row(ctx, "sleeping").lease_until_us > clock_wall_us(ctx->clock));
        assert_int_equal(row(ctx, "sleeping").runs, 0);
}

static void every_task_of_the_table_is_well_formed_and_runs_on_an_empty_database(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->job_retention_days = 90;
        for (size_t n = 0; task_at(n); n++) {
                const struct task *task = task_at(n);
                struct task_run run;

                assert_ptr_equal(task_find(task->name), task);
                assert_true(task->every_s > 0 && task->batch > 0 && task->deadline_s > 0);
                assert_ok(ctx, scheduler_run(ctx, task, false, &run));
                assert_in_range(run.outcome, TASK_IDLE, TASK_DONE); /* no log is kept here */
                if (run.outcome == TASK_DONE)
                        assert_non_null(strpbrk(run.text, "01")); /* a backup is made of that too */
        }
        assert_null(task_find("no_such_task"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_task_begins_no_batch_after_its_deadline),
                FIXTURE_CLOUD_TEST(a_task_runs_when_it_is_due_and_at_once_when_it_is_named),
                FIXTURE_CLOUD_TEST(a_task_that_another_holds_is_left_alone),
                FIXTURE_CLOUD_TEST(a_failure_is_recorded_and_the_task_is_due_again),
                FIXTURE_CLOUD_TEST(a_task_without_reason_says_why),
                FIXTURE_CLOUD_TEST(who_has_lost_the_lease_stops_and_leaves_the_row_to_the_other),
                FIXTURE_CLOUD_TEST(
                        every_task_of_the_table_is_well_formed_and_runs_on_an_empty_database),
        };

        return FIXTURE_RUN("scheduler", tests);
}
