#include "core/cloud/job/job_recovery.h"
#include "core/cloud/job/poll_finding.h"
#include "core/store/store_job_poll.h"
#include "tests/fixture_job.h"

#define AGAIN_US (FIXTURE_TIME_US + 7)

/* A job the provider has named, in this status. */
static struct job named_job(struct ctx *ctx, unsigned n, enum job_status status)
{
        struct job job = fixture_job_inserted(ctx, n);

        fixture_job_name(ctx, &job, arena_printf(ctx->arena, "ext%u", n));
        fixture_job_apply(
                ctx, &job,
                (struct job_news){ .status = status,
                                   .started_at_us = status == JOB_RUNNING ? FIXTURE_TIME_US : 0,
                                   .cost_usd_micros = JOB_COST_UNKNOWN });
        return fixture_job_stored(ctx, job.job_id);
}

/* Record what was found about a job as it stands now, and return its row after that. */
static struct job record(struct ctx *ctx, const struct job *job, struct poll_finding finding,
                         struct poll_report *report)
{
        struct job before = fixture_job_stored(ctx, job->job_id);

        finding.job = &before;
        assert_ok(ctx, poll_findings_record(ctx, &finding, 1, AGAIN_US, report));
        return fixture_job_stored(ctx, job->job_id);
}

static unsigned due_in_a_year(struct ctx *ctx)
{
        const struct job_due due = { .now_us = FIXTURE_TIME_US + 365 * US_PER_DAY,
                                     .until_us = INT64_MAX,
                                     .limit = 10,
                                     .after_due_us = -1 };
        struct job *jobs;
        size_t count;

        assert_ok(ctx, store_jobs_due(ctx, &due, &jobs, &count));
        return (unsigned)count;
}

static const struct poll_finding failed = { .result = POLL_FAILED, .reason = "HTTP 500" };
static const struct poll_finding missing = { .result = POLL_MISSING };
static const struct poll_finding absent = { .result = POLL_ABSENT };

static struct poll_finding news_of(enum job_status status)
{
        return (struct poll_finding){
                .result = POLL_NEWS,
                .news = { .status_known = true, .status = status, .run_seconds = -1 }
        };
}

static void failures_double_the_wait_up_to_a_quarter_of_an_hour(void **state)
{
        static const int64_t waits_s[] = { 30, 60, 120, 240, 480, 900, 900, 900 };
        struct ctx *ctx = *state;
        struct job job = named_job(ctx, 1, JOB_RUNNING);
        struct poll_report report = { 0 };

        for (unsigned n = 0; n < ARRAY_SIZE(waits_s); n++) {
                job = record(ctx, &job, failed, &report);
                assert_int_equal(job.poll_failures, n + 1);
                assert_true(job.poll_at_us == FIXTURE_TIME_US + waits_s[n] * US_PER_S);
                assert_int_equal(job.status, JOB_RUNNING);
        }
        assert_int_equal(report.failed, ARRAY_SIZE(waits_s));
        job = record(ctx, &job, news_of(JOB_RUNNING), &report);
        assert_int_equal(job.poll_failures, 0);
        assert_true(job.poll_at_us == AGAIN_US);
}

static void a_provider_that_asks_for_patience_gets_it_within_limits(void **state)
{
        struct ctx *ctx = *state;
        struct job job = named_job(ctx, 1, JOB_QUEUED);
        struct poll_finding patient = failed;
        struct poll_report report = { 0 };

        patient.retry_after_s = 45;
        job = record(ctx, &job, patient, &report);
        assert_true(job.poll_at_us == FIXTURE_TIME_US + 45 * US_PER_S);
        patient.retry_after_s = 86400;
        job = record(ctx, &job, patient, &report);
        assert_true(job.poll_at_us == FIXTURE_TIME_US + POLL_WAIT_MAX_US);
}

static void a_job_that_is_missing_three_times_over_a_minute_has_failed(void **state)
{
        struct ctx *ctx = *state;
        struct job job = named_job(ctx, 1, JOB_RUNNING);
        struct poll_report report = { 0 };

        for (unsigned n = 1; n <= 2; n++) {
                job = record(ctx, &job, missing, &report);
                assert_int_equal(job.status, JOB_RUNNING);
                assert_int_equal(job.missing_count, n);
                assert_true(job.poll_at_us == clock_wall_us(ctx->clock) + 30 * US_PER_S);
                fixture_advance_us(ctx, 30 * US_PER_S);
        }
        job = record(ctx, &job, missing, &report);
        assert_int_equal(job.status, JOB_FAILED);
        assert_string_equal(job.error_message, "Job not found at provider");
        assert_int_equal(report.moved, 1);
}

static void an_answer_ends_a_row_of_misses_and_an_error_does_not_count_as_one(void **state)
{
        struct ctx *ctx = *state;
        struct job job = named_job(ctx, 1, JOB_RUNNING);
        struct poll_report report = { 0 };

        record(ctx, &job, missing, &report);
        record(ctx, &job, missing, &report);
        for (unsigned n = 0; n < 5; n++)
                job = record(ctx, &job, failed, &report);
        assert_int_equal(job.status, JOB_RUNNING);
        assert_int_equal(job.missing_count, 2);
        record(ctx, &job, news_of(JOB_RUNNING), &report);
        job = record(ctx, &job, missing, &report);
        assert_int_equal(job.status, JOB_RUNNING);
        assert_int_equal(job.missing_count, 1);
}

static void a_job_that_spoke_meanwhile_is_not_failed_for_its_absence(void **state)
{
        struct ctx *ctx = *state;
        struct job before = fixture_job_inserted(ctx, 1);
        struct poll_finding finding = { .job = &before, .result = POLL_ABSENT };
        struct poll_report report = { 0 };

        fixture_advance_us(ctx, SUBMISSION_GRACE_US + US_PER_S);
        fixture_job_name(ctx, &before, "ext");
        assert_ok(ctx, poll_findings_record(ctx, &finding, 1, AGAIN_US, &report));
        assert_int_equal(fixture_job_stored(ctx, before.job_id).status, JOB_PENDING);
        assert_int_equal(report.moved, 0);
}

static void a_submission_has_its_time_before_its_absence_counts(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job_inserted(ctx, 1);
        struct poll_report report = { 0 };

        fixture_advance_us(ctx, SUBMISSION_GRACE_US - US_PER_S);
        job = record(ctx, &job, absent, &report);
        assert_int_equal(job.status, JOB_PENDING);
        fixture_advance_us(ctx, 2 * US_PER_S);
        job = record(ctx, &job, absent, &report);
        assert_int_equal(job.status, JOB_FAILED);
        assert_string_equal(job.error_message,
                            "Submission was interrupted; the provider does not have this job");
        assert_int_equal(due_in_a_year(ctx), 0);
}

static void an_upload_on_its_way_is_not_failed_by_the_poll(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job(ctx, 1);
        struct poll_report report = { 0 };

        job.status = JOB_UPLOADING;
        fixture_job_insert(ctx, &job);
        fixture_advance_us(ctx, 10 * SUBMISSION_GRACE_US);
        assert_int_equal(record(ctx, &job, absent, &report).status, JOB_UPLOADING);
}

/* Cancelled here before the provider named it. */
static struct job cancelled_early(struct ctx *ctx)
{
        struct job job = fixture_job_inserted(ctx, 1);

        fixture_job_apply(ctx, &job,
                          (struct job_news){ .status = JOB_CANCELLED,
                                             .cost_usd_micros = JOB_COST_UNKNOWN,
                                             .poll_at_us = FIXTURE_TIME_US + SUBMISSION_GRACE_US });
        return job;
}

static void an_early_end_is_looked_for_until_the_grace_is_over(void **state)
{
        struct ctx *ctx = *state;
        struct job job = cancelled_early(ctx);
        struct poll_report report = { 0 };

        job = record(ctx, &job, absent, &report);
        assert_int_equal(due_in_a_year(ctx), 1);
        assert_true(job.poll_at_us == job.created_at_us + SUBMISSION_GRACE_US);
        fixture_advance_us(ctx, SUBMISSION_GRACE_US + US_PER_S);
        job = record(ctx, &job, absent, &report);
        assert_int_equal(due_in_a_year(ctx), 0);
        assert_int_equal(job.status, JOB_CANCELLED);
}

static void a_stray_is_named_and_not_looked_for_again(void **state)
{
        struct ctx *ctx = *state;
        struct job job = cancelled_early(ctx);
        struct poll_report report = { 0 };

        job = record(ctx, &job,
                     (struct poll_finding){ .result = POLL_STRAY,
                                            .news = { .external_id = "there", .run_seconds = -1 } },
                     &report);
        assert_string_equal(job.external_id, "there");
        assert_int_equal(job.status, JOB_CANCELLED);
        assert_int_equal(due_in_a_year(ctx), 0);
}

static void what_was_not_asked_stays_as_it_is(void **state)
{
        struct ctx *ctx = *state;
        struct job job = named_job(ctx, 1, JOB_RUNNING), after;
        struct poll_report report = { 0 };

        after = record(ctx, &job, (struct poll_finding){ .result = POLL_NOT_ASKED }, &report);
        assert_true(after.poll_at_us == job.poll_at_us);
        assert_int_equal(report.asked, 0);
}

static void news_of_many_jobs_are_each_taken(void **state)
{
        static const enum job_status told[] = { JOB_RUNNING, JOB_COMPLETED, JOB_FAILED,
                                                JOB_QUEUED };
        struct poll_finding findings[ARRAY_SIZE(told)];
        struct job jobs[ARRAY_SIZE(told)];
        struct ctx *ctx = *state;
        struct poll_report report = { 0 };

        for (unsigned n = 0; n < ARRAY_SIZE(told); n++) {
                jobs[n] = named_job(ctx, n, JOB_QUEUED);
                findings[n] = news_of(told[n]);
                findings[n].job = &jobs[n];
        }
        assert_ok(ctx, poll_findings_record(ctx, findings, ARRAY_SIZE(told), AGAIN_US, &report));
        for (unsigned n = 0; n < ARRAY_SIZE(told); n++)
                assert_int_equal(fixture_job_stored(ctx, jobs[n].job_id).status, told[n]);
        assert_int_equal(report.asked, 4);
        assert_int_equal(report.moved, 3);
        assert_int_equal(due_in_a_year(ctx), 2);
}

static void an_upload_without_progress_for_half_an_hour_has_failed(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job(ctx, 1);
        unsigned failed_count = 99;

        job.status = JOB_UPLOADING;
        fixture_job_insert(ctx, &job);
        fixture_advance_us(ctx, 30 * 60 * US_PER_S);
        assert_ok(ctx, job_recovery_end_stalled(ctx, 10, &failed_count));
        assert_int_equal(failed_count, 0);
        fixture_advance_us(ctx, US_PER_S);
        assert_ok(ctx, job_recovery_end_stalled(ctx, 10, &failed_count));
        assert_int_equal(failed_count, 1);
        job = fixture_job_stored(ctx, job.job_id);
        assert_int_equal(job.status, JOB_FAILED);
        assert_string_equal(job.error_message, "Upload interrupted");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(failures_double_the_wait_up_to_a_quarter_of_an_hour),
                FIXTURE_DB_TEST(a_provider_that_asks_for_patience_gets_it_within_limits),
                FIXTURE_DB_TEST(a_job_that_is_missing_three_times_over_a_minute_has_failed),
                FIXTURE_DB_TEST(an_answer_ends_a_row_of_misses_and_an_error_does_not_count_as_one),
                FIXTURE_DB_TEST(a_job_that_spoke_meanwhile_is_not_failed_for_its_absence),
                FIXTURE_DB_TEST(a_submission_has_its_time_before_its_absence_counts),
                FIXTURE_DB_TEST(an_upload_on_its_way_is_not_failed_by_the_poll),
                FIXTURE_DB_TEST(an_early_end_is_looked_for_until_the_grace_is_over),
                FIXTURE_DB_TEST(a_stray_is_named_and_not_looked_for_again),
                FIXTURE_DB_TEST(what_was_not_asked_stays_as_it_is),
                FIXTURE_DB_TEST(news_of_many_jobs_are_each_taken),
                FIXTURE_DB_TEST(an_upload_without_progress_for_half_an_hour_has_failed),
        };

        return FIXTURE_RUN("poll finding", tests);
}
