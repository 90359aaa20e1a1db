#include <stdatomic.h>
#include <string.h>

#include "core/cloud/task_lease.h"
#include "tests/fixture_db.h"

static const struct task_terms terms = { .name = "poll_jobs",
                                         .every_us = 30 * US_PER_S,
                                         .lease_us = 120 * US_PER_S };

/* Wanted at once, due or not. */
static struct task_terms at_once(void)
{
        struct task_terms now = terms;

        now.at_once = true;
        return now;
}

static struct task_lease taken(struct ctx *ctx, const struct task_terms *wanted)
{
        struct task_lease lease;

        assert_ok(ctx, task_lease_take(ctx, wanted, &lease));
        return lease;
}

static void end(struct ctx *ctx, const struct task_lease *lease, struct task_result result)
{
        assert_ok(ctx, task_lease_end(ctx, lease, &result));
}

static struct task_row row(struct ctx *ctx)
{
        struct task_row row;

        assert_ok(ctx, task_state(ctx, terms.name, &row));
        return row;
}

static void a_task_that_never_ran_is_due(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease lease;

        assert_int_equal(row(ctx).runs, 0);
        assert_null(row(ctx).holder);
        lease = taken(ctx, &terms);
        assert_string_equal(row(ctx).holder, lease.holder);
        assert_true(row(ctx).lease_until_us == FIXTURE_TIME_US + terms.lease_us);
}

static void a_task_is_due_again_at_the_next_multiple_of_its_period(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease lease = taken(ctx, &terms);

        fixture_advance_us(ctx, 20 * US_PER_S);
        end(ctx, &lease, (struct task_result){ .text = "asked 0" });
        assert_rc(ctx, ERR_NOT_READY, task_lease_take(ctx, &terms, &lease));
        fixture_advance_us(ctx, 9 * US_PER_S);
        assert_rc(ctx, ERR_NOT_READY, task_lease_take(ctx, &terms, &lease));
        fixture_advance_us(ctx, US_PER_S);
        taken(ctx, &terms);
}

static void a_task_wanted_at_once_need_not_be_due(void **state)
{
        struct ctx *ctx = *state;
        const struct task_terms now = at_once();
        struct task_lease lease = taken(ctx, &terms);

        assert_rc(ctx, ERR_CONFLICT, task_lease_take(ctx, &now, &lease));
        end(ctx, &lease, (struct task_result){ .text = "asked 0" });
        taken(ctx, &now);
}

static void the_holder_is_named_to_who_comes_second(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease lease = taken(ctx, &terms), second;

        assert_rc(ctx, ERR_CONFLICT, task_lease_take(ctx, &terms, &second));
        assert_non_null(strstr(ctx->detail, lease.holder));
}

static void a_lease_ends_by_itself_unless_it_is_extended(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease first = taken(ctx, &terms), second;

        fixture_advance_us(ctx, terms.lease_us - 1);
        assert_ok(ctx, task_lease_extend(ctx, &first));
        fixture_advance_us(ctx, terms.lease_us - 1);
        assert_rc(ctx, ERR_CONFLICT, task_lease_take(ctx, &terms, &second));
        fixture_advance_us(ctx, 1);
        second = taken(ctx, &terms);
        assert_rc(ctx, ERR_CONFLICT, task_lease_extend(ctx, &first));
        end(ctx, &first, (struct task_result){ .text = "too late" });
        assert_string_equal(row(ctx).holder, second.holder);
        assert_true(row(ctx).lease_until_us > clock_wall_us(ctx->clock));
        assert_null(row(ctx).last_result);
}

static void failures_are_counted_in_a_row_and_runs_for_ever(void **state)
{
        struct ctx *ctx = *state;
        const struct task_terms now = at_once();
        struct task_lease lease;

        for (unsigned n = 0; n < 3; n++) {
                lease = taken(ctx, &now);
                end(ctx, &lease, (struct task_result){ .failed = true, .text = "no database" });
        }
        assert_int_equal(row(ctx).failures, 3);
        assert_string_equal(row(ctx).last_result, "no database");
        lease = taken(ctx, &now);
        end(ctx, &lease, (struct task_result){ .text = "asked 1" });
        assert_int_equal(row(ctx).failures, 0);
        assert_int_equal(row(ctx).runs, 4);
        assert_true(row(ctx).finished_at_us == FIXTURE_TIME_US);
}

static void a_task_without_reason_to_run_counts_as_no_run(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease lease = taken(ctx, &terms);

        end(ctx, &lease, (struct task_result){ .idle = true, .text = "switched off" });
        assert_int_equal(row(ctx).runs, 0);
        assert_true(row(ctx).finished_at_us == 0);
        assert_string_equal(row(ctx).last_result, "switched off");
        assert_rc(ctx, ERR_NOT_READY, task_lease_take(ctx, &terms, &lease));
}

/* ---- clocks ---- */

static void a_clock_set_back_stops_no_task(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease lease = taken(ctx, &terms);

        end(ctx, &lease, (struct task_result){ .text = "asked 0" });
        fixture_advance_us(ctx, -US_PER_DAY);
        lease = taken(ctx, &terms);
        end(ctx, &lease, (struct task_result){ .text = "asked 0" });
        /* Once, not in a loop: it is due by the new time from then on. */
        assert_rc(ctx, ERR_NOT_READY, task_lease_take(ctx, &terms, &lease));
        fixture_advance_us(ctx, terms.every_us);
        taken(ctx, &terms);
}

static void a_lease_of_a_clock_set_back_is_over(void **state)
{
        struct ctx *ctx = *state;

        taken(ctx, &terms);
        fixture_advance_us(ctx, -US_PER_DAY);
        taken(ctx, &terms);
}

static void a_lease_of_a_host_whose_clock_is_a_little_ahead_counts(void **state)
{
        struct ctx *ctx = *state;
        struct task_lease lease;

        taken(ctx, &terms);
        fixture_advance_us(ctx, -5 * US_PER_S);
        assert_rc(ctx, ERR_CONFLICT, task_lease_take(ctx, &terms, &lease));
}

/* ---- many at once ---- */

struct race {
        atomic_uint taken, refused;
};

static bool try_to_take(struct ctx *ctx, unsigned index, void *arg)
{
        struct race *race = arg;
        struct task_lease lease;
        enum err rc = task_lease_take(ctx, &terms, &lease);

        (void)index;
        if (rc == OK)
                atomic_fetch_add(&race->taken, 1);
        if (rc == ERR_CONFLICT)
                atomic_fetch_add(&race->refused, 1);
        return rc == OK || rc == ERR_CONFLICT;
}

static void of_many_companions_at_once_one_gets_the_lease(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned n = 0; n < 5; n++) {
                struct race race = { 0 };

                fixture_strangers(ctx, 16, try_to_take, &race);
                assert_int_equal(race.taken, 1);
                assert_int_equal(race.refused, 15);
                fixture_advance_us(ctx, terms.lease_us);
        }
}

/* Each takes, works and gives back until it has had its share; inside is never more than one. */
struct queue {
        atomic_uint inside, done;
};

static bool take_turns(struct ctx *ctx, unsigned index, void *arg)
{
        const struct task_terms now = at_once();
        struct queue *queue = arg;
        bool alone = true;

        (void)index;
        for (unsigned had = 0; had < 5;) {
                struct task_lease lease;
                enum err rc = task_lease_take(ctx, &now, &lease);

                if (rc == ERR_CONFLICT)
                        continue;
                if (rc != OK)
                        return false;
                alone = atomic_fetch_add(&queue->inside, 1) == 0 && alone;
                had++;
                atomic_fetch_add(&queue->done, 1);
                atomic_fetch_sub(&queue->inside, 1);
                if (task_lease_end(ctx, &lease, &(struct task_result){ .text = "done" }) != OK)
                        return false;
                arena_reset(ctx->arena);
        }
        return alone;
}

static void two_never_do_a_task_at_the_same_time(void **state)
{
        struct ctx *ctx = *state;
        struct queue queue = { 0 };

        fixture_strangers(ctx, 6, take_turns, &queue);
        assert_int_equal(queue.done, 30);
        assert_int_equal(row(ctx).runs, 30);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_task_that_never_ran_is_due),
                FIXTURE_DB_TEST(a_task_is_due_again_at_the_next_multiple_of_its_period),
                FIXTURE_DB_TEST(a_task_wanted_at_once_need_not_be_due),
                FIXTURE_DB_TEST(the_holder_is_named_to_who_comes_second),
                FIXTURE_DB_TEST(a_lease_ends_by_itself_unless_it_is_extended),
                FIXTURE_DB_TEST(failures_are_counted_in_a_row_and_runs_for_ever),
                FIXTURE_DB_TEST(a_task_without_reason_to_run_counts_as_no_run),
                FIXTURE_DB_TEST(a_clock_set_back_stops_no_task),
                FIXTURE_DB_TEST(a_lease_of_a_clock_set_back_is_over),
                FIXTURE_DB_TEST(a_lease_of_a_host_whose_clock_is_a_little_ahead_counts),
                FIXTURE_DB_TEST(of_many_companions_at_once_one_gets_the_lease),
                FIXTURE_DB_TEST(two_never_do_a_task_at_the_same_time),
        };

        return FIXTURE_RUN("task lease", tests);
}
