/* When results are fetched, tried again and given up; that they come is for tests/http. */
#include <string.h>

#include "core/cloud/archive/archive.h"
#include "core/cloud/archive/archive_claim.h"
#include "core/cloud/provider/provider_settings.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

#define JOB "01hm3v00000000000000000001"

/* An ended job at a provider that cannot be reached. */
static int setup(void **state)
{
        CLEANUP(json_decrefp) json_t *patch = NULL;
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = {
                .job_id = JOB,
                .provider = "replicate",
                .status = JOB_PENDING,
                .metadata = "{}",
                .owner = "somebody",
                .attempt = 1,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = FIXTURE_TIME_US,
        };
        const struct job_news news = { .status = JOB_COMPLETED,
                                       .cost_usd_micros = JOB_COST_UNKNOWN };
        struct ctx *ctx;
        bool moved;

        fixture_cloud_setup(state);
        ctx = *state;
        patch = json_pack("{s:s}", "api_base_url", "https://127.0.0.1:1/v1");
        assert_ok(ctx, provider_settings_update(ctx, "replicate", patch));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, store_job_set_external_id(ctx, JOB, "p1"));
        assert_ok(ctx, store_job_apply(ctx, &job, &news, &moved, NULL));
        assert_ok(ctx, store_archive_insert(ctx, JOB));
        assert_ok(ctx, db_commit(&tx));
        return 0;
}

static struct archive_report run(struct ctx *ctx)
{
        const struct archive_limits limits = { .jobs = 10 };
        struct archive_report report;

        assert_ok(ctx, archive_run_due(ctx, &limits, &report));
        return report;
}

static struct archive read_row(struct ctx *ctx)
{
        struct archive archive;

        assert_ok(ctx, archive_of(ctx, JOB, &archive));
        return archive;
}

static void a_failed_attempt_is_repeated_less_and_less_often(void **state)
{
        static const int64_t waits_s[] = { 10, 30, 60, 120, 240, 480, 600, 600 };
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < ARRAY_SIZE(waits_s); i++) {
                assert_int_equal(run(ctx).waiting, 1);
                assert_true(read_row(ctx).state == ARCHIVE_WAITING);
                assert_non_null(read_row(ctx).error);
                assert_true(read_row(ctx).run_at_us ==
                            clock_wall_us(ctx->clock) + waits_s[i] * US_PER_S);
                assert_int_equal(run(ctx).waiting, 0);
                fixture_advance_us(ctx, waits_s[i] * US_PER_S);
        }
}

static void the_last_attempt_comes_after_two_hours_and_the_job_stays_completed(void **state)
{
        struct ctx *ctx = *state;
        unsigned attempts = 0;
        struct job job;

        while (read_row(ctx).run_at_us) {
                fixture_advance_us(ctx, read_row(ctx).run_at_us - clock_wall_us(ctx->clock));
                run(ctx);
                attempts++;
                assert_in_range(attempts, 1, 30);
        }
        assert_true(read_row(ctx).state == ARCHIVE_FAILED);
        assert_true(read_row(ctx).finished_at_us == clock_wall_us(ctx->clock));
        assert_non_null(read_row(ctx).error);
        assert_in_range(clock_wall_us(ctx->clock) - FIXTURE_TIME_US,
                        2 * US_PER_HOUR - 600 * US_PER_S, 2 * US_PER_HOUR + 600 * US_PER_S);
        assert_ok(ctx, store_job_get(ctx, JOB, &job));
        assert_true(job.status == JOB_COMPLETED);
        assert_null(job.error_message);
}

static void an_interrupted_attempt_does_not_count(void **state)
{
        const struct archive_outcome outcome = { .interrupted = true };
        struct archive_hold hold = { 0 };
        enum archive_state now;
        struct ctx *ctx = *state;

        assert_ok(ctx, archive_claim_next(ctx, &hold));
        hold.deadline_us = clock_mono_us(ctx->clock);
        assert_rc(ctx, ERR_NOT_READY, archive_claim_keep(ctx, &hold));
        assert_ok(ctx, archive_claim_settle(ctx, &hold, &outcome, &now));
        assert_true(now == ARCHIVE_WAITING);
        assert_int_equal(read_row(ctx).attempts, 0);
        assert_true(read_row(ctx).run_at_us == clock_wall_us(ctx->clock));
        assert_null(read_row(ctx).error);
}

static void nothing_is_begun_past_the_deadline_or_on_the_way_out(void **state)
{
        struct ctx *ctx = *state;
        struct archive_limits limits = { .jobs = 1, .deadline_us = clock_mono_us(ctx->clock) };
        struct archive_report report;

        assert_ok(ctx, archive_run_due(ctx, &limits, &report));
        assert_int_equal(report.done + report.failed + report.waiting, 0);
        atomic_store(&ctx->cloud->draining, true);
        assert_int_equal(run(ctx).waiting, 0);
        assert_int_equal(read_row(ctx).attempts, 0);
}

static void a_claim_is_kept_as_long_as_there_is_work(void **state)
{
        struct archive_hold hold = { 0 }, other = { 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, archive_claim_next(ctx, &hold));
        for (unsigned minutes = 0; minutes < 20; minutes++) {
                fixture_advance_us(ctx, 60 * US_PER_S);
                assert_ok(ctx, archive_claim_keep(ctx, &hold));
                assert_rc(ctx, ERR_NOT_FOUND, archive_claim_next(ctx, &other));
        }
        fixture_advance_us(ctx, 300 * US_PER_S);
        assert_ok(ctx, archive_claim_next(ctx, &other));
        assert_rc(ctx, ERR_NOT_READY, archive_claim_keep(ctx, &hold));
}

static void a_deleted_job_takes_its_archive_along(void **state)
{
        struct ctx *ctx = *state;
        struct archive archive;

        fixture_sql(ctx, "DELETE FROM jobs");
        run(ctx);
        assert_rc(ctx, ERR_NOT_FOUND, archive_of(ctx, JOB, &archive));
}

static void only_an_ended_job_can_be_asked_for_again(void **state)
{
        struct ctx *ctx = *state;
        struct archive archive;

        run(ctx);
        assert_ok(ctx, archive_ask_again(ctx, JOB, &archive));
        assert_true(archive.state == ARCHIVE_WAITING && archive.attempts == 0);
        assert_true(archive.run_at_us == clock_wall_us(ctx->clock));
        assert_null(archive.error);
        fixture_sql(ctx, "UPDATE jobs SET status = 'running'");
        assert_rc(ctx, ERR_CONFLICT, archive_ask_again(ctx, JOB, &archive));
        fixture_sql(ctx, "UPDATE jobs SET status = 'failed', external_id = NULL");
        assert_rc(ctx, ERR_CONFLICT, archive_ask_again(ctx, JOB, &archive));
        assert_rc(ctx, ERR_NOT_FOUND,
                  archive_ask_again(ctx, "01hm3v00000000000000000002", &archive));
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_failed_attempt_is_repeated_less_and_less_often),
                TEST(the_last_attempt_comes_after_two_hours_and_the_job_stays_completed),
                TEST(an_interrupted_attempt_does_not_count),
                TEST(nothing_is_begun_past_the_deadline_or_on_the_way_out),
                TEST(a_claim_is_kept_as_long_as_there_is_work),
                TEST(a_deleted_job_takes_its_archive_along),
                TEST(only_an_ended_job_can_be_asked_for_again),
        };

        return FIXTURE_RUN("archive", tests);
}
