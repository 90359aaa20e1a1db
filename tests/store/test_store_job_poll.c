#include <string.h>

#include "core/store/store_job_poll.h"
#include "tests/fixture_job.h"

static void schedule(struct ctx *ctx, const char *id, struct job_schedule schedule)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_schedule(ctx, id, &schedule));
        assert_ok(ctx, db_commit(&tx));
}

/* A job that is due at due_us. */
static struct job due_job(struct ctx *ctx, unsigned n, int64_t due_us)
{
        struct job job = fixture_job_inserted(ctx, n);

        schedule(ctx, job.job_id, (struct job_schedule){ .poll_at_us = due_us });
        return job;
}

static size_t due(struct ctx *ctx, int64_t now_us, unsigned limit, struct job **ret_jobs)
{
        const struct job_due due = { .now_us = now_us, .until_us = now_us + 1000, .limit = limit };
        size_t count = 0;

        assert_ok(ctx, store_jobs_due(ctx, &due, ret_jobs, &count));
        return count;
}

static enum err held(struct ctx *ctx, const struct job *seen)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_job_hold(ctx, seen);
        return rc == OK ? db_commit(&tx) : rc;
}

static void the_longest_due_active_jobs_are_polled_first(void **state)
{
        struct ctx *ctx = *state;
        struct job ended = fixture_job_inserted(ctx, 9), *jobs;

        fixture_job_name(ctx, &ended, "ext");
        for (unsigned n = 1; n <= 4; n++)
                due_job(ctx, n, 100 - (int64_t)n);
        fixture_job_apply(
                ctx, &ended,
                (struct job_news){ .status = JOB_FAILED, .cost_usd_micros = JOB_COST_UNKNOWN });
        assert_int_equal(due(ctx, 100, 3, &jobs), 3);
        for (unsigned i = 0; i < 3; i++)
                assert_string_equal(jobs[i].job_id, fixture_job(ctx, 4 - i).job_id);
        assert_int_equal(due(ctx, 100, 50, &jobs), 4);
        assert_int_equal(due(ctx, 97, 50, &jobs), 2);
}

static void a_job_due_in_an_impossible_future_is_due_now(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job_inserted(ctx, 1), *jobs;

        schedule(ctx, job.job_id, (struct job_schedule){ .poll_at_us = 5000, .failures = 3 });
        assert_int_equal(due(ctx, 4500, 5, &jobs), 0);
        assert_int_equal(due(ctx, 100, 5, &jobs), 1);
        assert_int_equal(jobs[0].poll_failures, 3);
}

static void a_job_that_ended_before_the_provider_named_it_is_looked_for_once_more(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job_inserted(ctx, 1), *jobs;

        fixture_job_apply(ctx, &job,
                          (struct job_news){ .status = JOB_CANCELLED,
                                             .cost_usd_micros = JOB_COST_UNKNOWN,
                                             .poll_at_us = 700 });
        assert_int_equal(due(ctx, 699, 5, &jobs), 0);
        assert_int_equal(due(ctx, 700, 5, &jobs), 1);
        schedule(ctx, job.job_id, (struct job_schedule){ .forget = true });
        assert_int_equal(due(ctx, 900, 5, &jobs), 0);
}

/* Walk over all that is due at 100, in pieces, while each job stays due. */
static unsigned walk(struct ctx *ctx, unsigned piece)
{
        struct job_due due = {
                .now_us = 100, .until_us = 1100, .limit = piece, .after_due_us = -1
        };
        unsigned met = 0;
        struct job *jobs;
        size_t count;

        do {
                assert_ok(ctx, store_jobs_due(ctx, &due, &jobs, &count));
                for (size_t i = 0; i < count; i++) {
                        due.after_due_us = jobs[i].poll_at_us;
                        due.after_id = jobs[i].job_id;
                }
                met += (unsigned)count;
                assert_in_range(met, 0, 100); /* it ends */
        } while (count == piece);
        return met;
}

static void a_walk_in_pieces_meets_every_due_job_once(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned n = 0; n < 4; n++)
                due_job(ctx, n, 0);
        for (unsigned n = 4; n < 7; n++)
                due_job(ctx, n, 50);
        due_job(ctx, 7, 99999); /* of a clock that was set back */
        due_job(ctx, 8, 500);   /* not yet */
        for (unsigned piece = 1; piece < 10; piece++)
                assert_int_equal(walk(ctx, piece), 8);
}

static void a_job_is_held_only_as_it_was_seen(void **state)
{
        struct ctx *ctx = *state;
        struct job seen = fixture_job_inserted(ctx, 1), now;

        assert_ok(ctx, held(ctx, &seen));
        fixture_job_name(ctx, &seen, "ext");
        assert_rc(ctx, ERR_NOT_FOUND, held(ctx, &seen));
        now = fixture_job_stored(ctx, seen.job_id);
        assert_ok(ctx, held(ctx, &now));
        fixture_job_apply(
                ctx, &now,
                (struct job_news){ .status = JOB_QUEUED, .cost_usd_micros = JOB_COST_UNKNOWN });
        assert_rc(ctx, ERR_NOT_FOUND, held(ctx, &now));
}

static size_t stalled(struct ctx *ctx, int64_t before_us, unsigned limit)
{
        struct job *jobs;
        size_t count = 0;

        assert_ok(ctx, store_jobs_stalled(ctx, before_us, limit, &jobs, &count));
        return count;
}

static void an_upload_is_stalled_when_neither_row_nor_progress_is_newer(void **state)
{
        struct ctx *ctx = *state;
        struct job silent = fixture_job(ctx, 1), going = fixture_job(ctx, 2);

        silent.status = going.status = JOB_UPLOADING;
        fixture_job_insert(ctx, &silent);
        fixture_job_insert(ctx, &going);
        fixture_job_inserted(ctx, 3); /* pending: not its business */
        fixture_sql(ctx, "INSERT INTO submissions (job_id, stage, updated_at_us) VALUES "
                         "('01hm3v00000000000000000002', 'sending', 1705314600000500)");
        assert_int_equal(stalled(ctx, FIXTURE_TIME_US, 9), 0);
        assert_int_equal(stalled(ctx, FIXTURE_TIME_US + 100, 9), 1);
        assert_int_equal(stalled(ctx, FIXTURE_TIME_US + 501, 9), 2);
        assert_int_equal(stalled(ctx, FIXTURE_TIME_US + 501, 1), 1);
        assert_ok(ctx, store_job_is_stalled(ctx, silent.job_id, FIXTURE_TIME_US + 100));
        assert_rc(ctx, ERR_NOT_FOUND,
                  store_job_is_stalled(ctx, going.job_id, FIXTURE_TIME_US + 100));
}

static void an_upload_that_may_be_at_the_provider_is_never_stalled(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job(ctx, 1);

        job.status = JOB_UPLOADING;
        fixture_job_insert(ctx, &job);
        fixture_sql(ctx, "INSERT INTO submissions (job_id, stage, run_at_us, updated_at_us) VALUES "
                         "('01hm3v00000000000000000001', 'submitting', 1, 1)");
        assert_int_equal(stalled(ctx, FIXTURE_TIME_US + US_PER_DAY, 9), 0);
        fixture_sql(ctx, "UPDATE submissions SET run_at_us = NULL");
        assert_int_equal(stalled(ctx, FIXTURE_TIME_US + US_PER_DAY, 9), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(the_longest_due_active_jobs_are_polled_first),
                FIXTURE_DB_TEST(a_job_due_in_an_impossible_future_is_due_now),
                FIXTURE_DB_TEST(
                        a_job_that_ended_before_the_provider_named_it_is_looked_for_once_more),
                FIXTURE_DB_TEST(a_walk_in_pieces_meets_every_due_job_once),
                FIXTURE_DB_TEST(a_job_is_held_only_as_it_was_seen),
                FIXTURE_DB_TEST(an_upload_is_stalled_when_neither_row_nor_progress_is_newer),
                FIXTURE_DB_TEST(an_upload_that_may_be_at_the_provider_is_never_stalled),
        };

        return FIXTURE_RUN("store job poll", tests);
}
