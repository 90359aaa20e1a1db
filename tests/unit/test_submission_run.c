#include <string.h>
#include <sys/stat.h>

#include "core/cloud/data/data_consent.h"
#include "core/cloud/data/submission.h"
#include "core/cloud/data/submission_run.h"
#include "core/cloud/job/job.h"
#include "core/cloud/job/job_submit.h"
#include "core/cloud/provider/provider_settings.h"
#include "core/cloud/secrets/secrets.h"
#include "core/store/store_job_poll.h"
#include "core/store/store_providers.h"
#include "tests/fixture_db.h"

/* A provider nobody can reach, a data root with one data set, and consent. */
static void start(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        fixture_config(ctx)->data_roots = fixture_dir(ctx);
        assert_int_equal(mkdir(fixture_path(ctx, "pictures"), 0700), 0);
        fixture_write(ctx, "pictures/a.txt", "12345");
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_provider_put(ctx, "replicate",
                                          "{\"api_base_url\":\"http://127.0.0.1:1/v1\"}"));
        assert_ok(ctx, db_commit(&tx));
        assert_ok(ctx, secrets_put(ctx, "REPLICATE_API_TOKEN", "r8_x"));
        assert_ok(ctx, data_consent_set(ctx, "allow"));
}

static struct job submitted(struct ctx *ctx)
{
        const char *text = arena_printf(ctx->arena, "[{\"instance_data_dir\":\"%s\"}]",
                                        fixture_path(ctx, "pictures"));
        json_t *config = json_pack("{s:i}", "a", 1), *data = json_loads(text, 0, NULL);
        const struct job_request request = { .provider_id = "replicate",
                                             .config = config,
                                             .dataloader_config = data };
        struct submit_result result;

        assert_ok(ctx, json_keep(ctx, config));
        assert_ok(ctx, json_keep(ctx, data));
        assert_ok(ctx, job_submit(ctx, &request, &result));
        assert_int_equal(result.job.status, JOB_UPLOADING);
        return result.job;
}

static bool run(struct ctx *ctx)
{
        bool more = false;

        assert_ok(ctx, submission_run_due(ctx, &more));
        return more;
}

static struct submission row_of(struct ctx *ctx, const struct job *job)
{
        struct submission row;

        assert_ok(ctx, submission_get(ctx, job->job_id, &row));
        return row;
}

static struct job stored(struct ctx *ctx, const struct job *job)
{
        struct job now;

        assert_ok(ctx, store_job_get(ctx, job->job_id, &now));
        return now;
}

/* Nobody's, and not as it was before anybody had it: who saw it then comes too late. */
static void assert_free(struct ctx *ctx, struct submission row)
{
        assert_true(row.claimed_until_us <= clock_wall_us(ctx->clock) && row.claimed_until_us > 0);
}

static void change(struct ctx *ctx, struct submission row, int64_t claimed_until_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool held = false;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_submission_update(ctx, &row, claimed_until_us, &held));
        assert_ok(ctx, db_commit(&tx));
        assert_true(held);
}

/* As after a process that died once it had begun to call the provider. */
static void leave_submitting(struct ctx *ctx, const struct job *job)
{
        struct submission row = row_of(ctx, job);

        row.stage = STAGE_SUBMITTING;
        change(ctx, row, 0);
}

static void without_work_nothing_is_done(void **state)
{
        start(*state);
        assert_false(run(*state));
}

static void a_job_is_stored_with_its_request_and_without_a_token(void **state)
{
        struct ctx *ctx = *state;
        struct submission row;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        row = row_of(ctx, &job);
        assert_int_equal(row.stage, STAGE_SCANNING);
        assert_true(row.run_at_us == FIXTURE_TIME_US && row.claimed_until_us == 0);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs WHERE request IS NOT NULL "
                                             "AND upload_token_sha256 IS NULL"),
                         1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM buckets"), 0);
}

static size_t due_for_a_poll(struct ctx *ctx)
{
        const struct job_due due = { .now_us = INT64_MAX, .until_us = INT64_MAX, .limit = 10 };
        struct job *jobs;
        size_t count;

        assert_ok(ctx, store_jobs_due(ctx, &due, &jobs, &count));
        return count;
}

static void the_provider_is_not_asked_about_a_job_it_cannot_have(void **state)
{
        struct ctx *ctx = *state;
        const struct provider_job news = {
                .external_id = "p1", .status_known = true, .status = JOB_QUEUED, .run_seconds = -1
        };
        struct job job;
        bool moved;

        start(ctx);
        job = submitted(ctx);
        assert_int_equal(due_for_a_poll(ctx), 0);
        assert_ok(ctx, job_record_news(ctx, &job, &news, &moved));
        assert_int_equal(due_for_a_poll(ctx), 1);
}

static bool give_token(struct ctx *ctx, const struct job *job)
{
        static const struct job_secrets abc = { .token_sha256 = "abc", .token_key_id = "0123abcd" };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool given = false;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_submission_give_token(ctx, job->job_id, &abc, &given));
        assert_ok(ctx, db_commit(&tx));
        return given;
}

static void only_a_job_that_is_uploading_is_given_a_token(void **state)
{
        struct ctx *ctx = *state;
        struct token_owner owner;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        assert_true(give_token(ctx, &job));
        assert_ok(ctx, store_job_by_token(ctx, "abc", &owner));
        assert_string_equal(owner.job_id, job.job_id);
        assert_string_equal(owner.key_id, "0123abcd");
        assert_ok(ctx, job_cancel(ctx, job.job_id, &job));
        assert_false(give_token(ctx, &job));
        assert_rc(ctx, ERR_NOT_FOUND, store_job_by_token(ctx, "abc", &owner));
}

static void an_upload_that_fails_fails_the_job(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_FAILED);
        assert_non_null(strstr(stored(ctx, &job).error_message, "Failed to upload data: "));
        assert_int_equal(row_of(ctx, &job).stage, STAGE_ERROR);
        assert_true(row_of(ctx, &job).run_at_us == 0);
        assert_false(run(ctx));
}

static void a_claim_of_another_is_respected(void **state)
{
        struct ctx *ctx = *state;
        struct submission row;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        row = row_of(ctx, &job);
        row.claimed_until_us = FIXTURE_TIME_US + US_PER_S;
        change(ctx, row, 0);
        assert_false(run(ctx));
        fixture_advance_us(ctx, US_PER_S);
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_FAILED);
}

static void a_cancelled_job_is_not_begun(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        assert_ok(ctx, job_cancel(ctx, job.job_id, &job));
        assert_int_equal(job.status, JOB_CANCELLED);
        assert_string_equal(job.error_message, "Job cancelled during upload");
        assert_int_equal(row_of(ctx, &job).stage, STAGE_ERROR);
        assert_false(run(ctx));
}

static void a_job_that_was_failed_by_others_is_not_begun(void **state)
{
        struct ctx *ctx = *state;
        const struct provider_job news = { .status_known = true,
                                           .status = JOB_FAILED,
                                           .run_seconds = -1,
                                           .error = "Upload interrupted" };
        struct job job;
        bool moved;

        start(ctx);
        job = submitted(ctx);
        assert_ok(ctx, job_record_news(ctx, &job, &news, &moved));
        assert_true(run(ctx));
        assert_int_equal(row_of(ctx, &job).stage, STAGE_ERROR);
        assert_string_equal(row_of(ctx, &job).message, "Upload interrupted");
        assert_false(run(ctx));
}

static void consent_taken_back_holds_for_what_waits(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        assert_ok(ctx, data_consent_set(ctx, "deny"));
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_FAILED);
        assert_non_null(strstr(stored(ctx, &job).error_message, "deny"));
}

static void a_process_on_its_way_out_hands_back(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        atomic_store(&ctx->cloud->draining, true);
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_UPLOADING);
        assert_free(ctx, row_of(ctx, &job));
        assert_true(row_of(ctx, &job).run_at_us == FIXTURE_TIME_US);
}

static void a_fault_of_ours_is_tried_again_but_not_for_ever(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        fixture_write(ctx, "run", "no directory");
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_UPLOADING);
        assert_free(ctx, row_of(ctx, &job));
        assert_true(row_of(ctx, &job).run_at_us > FIXTURE_TIME_US);
        assert_false(run(ctx));
        fixture_advance_us(ctx, US_PER_HOUR);
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_FAILED);
}

static void a_call_that_may_have_been_made_is_not_made_again(void **state)
{
        struct ctx *ctx = *state;
        struct submission row;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        leave_submitting(ctx, &job);
        assert_true(run(ctx)); /* looked for, at a provider that does not answer */
        row = row_of(ctx, &job);
        assert_int_equal(row.stage, STAGE_SUBMITTING);
        assert_true(row.run_at_us > FIXTURE_TIME_US);
        assert_free(ctx, row);
        assert_true(row.updated_at_us == FIXTURE_TIME_US); /* since when */
        assert_int_equal(stored(ctx, &job).status, JOB_UPLOADING);
        fixture_advance_us(ctx, US_PER_DAY);
        assert_true(run(ctx));
        assert_int_equal(stored(ctx, &job).status, JOB_UPLOADING);
}

static void what_others_found_at_the_provider_is_complete(void **state)
{
        struct ctx *ctx = *state;
        const struct provider_job news = {
                .external_id = "p1", .status_known = true, .status = JOB_RUNNING, .run_seconds = -1
        };
        struct job job;
        bool moved;

        start(ctx);
        job = submitted(ctx);
        leave_submitting(ctx, &job);
        assert_ok(ctx, job_record_news(ctx, &job, &news, &moved));
        assert_true(run(ctx));
        assert_int_equal(row_of(ctx, &job).stage, STAGE_COMPLETE);
        assert_int_equal(stored(ctx, &job).status, JOB_RUNNING);
}

static void a_cancel_after_the_call_began_asks_the_provider(void **state)
{
        struct ctx *ctx = *state;
        struct job job, after;

        start(ctx);
        job = submitted(ctx);
        leave_submitting(ctx, &job);
        assert_rc(ctx, ERR_PROVIDER, job_cancel(ctx, job.job_id, &after));
        assert_int_equal(stored(ctx, &job).status, JOB_UPLOADING);
        assert_int_equal(row_of(ctx, &job).stage, STAGE_SUBMITTING);
}

static void a_job_that_was_deleted_is_forgotten(void **state)
{
        struct ctx *ctx = *state;
        struct submission row;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        fixture_sql(ctx, "DELETE FROM jobs");
        assert_true(run(ctx));
        assert_rc(ctx, ERR_NOT_FOUND, submission_get(ctx, job.job_id, &row));
        assert_false(run(ctx));
}

static void deleting_a_job_forgets_how_its_data_went(void **state)
{
        struct ctx *ctx = *state;
        struct submission row;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        assert_ok(ctx, job_cancel(ctx, job.job_id, &job));
        assert_ok(ctx, job_delete(ctx, job.job_id));
        assert_rc(ctx, ERR_NOT_FOUND, submission_get(ctx, job.job_id, &row));
}

static void a_job_that_may_turn_up_at_the_provider_is_not_deleted(void **state)
{
        struct ctx *ctx = *state;
        const struct provider_job news = { .status_known = true,
                                           .status = JOB_FAILED,
                                           .run_seconds = -1 };
        struct job job;
        bool moved;

        start(ctx);
        job = submitted(ctx);
        leave_submitting(ctx, &job);
        assert_ok(ctx, job_record_news(ctx, &job, &news, &moved));
        assert_rc(ctx, ERR_CONFLICT, job_delete(ctx, job.job_id));
        assert_int_equal(row_of(ctx, &job).stage, STAGE_SUBMITTING);
}

static void a_cancel_is_audited(void **state)
{
        struct ctx *ctx = *state;
        struct job job;

        start(ctx);
        job = submitted(ctx);
        assert_ok(ctx, job_cancel(ctx, job.job_id, &job));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'job.cancelled'"),
                         1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(without_work_nothing_is_done),
                FIXTURE_CLOUD_TEST(a_job_is_stored_with_its_request_and_without_a_token),
                FIXTURE_CLOUD_TEST(the_provider_is_not_asked_about_a_job_it_cannot_have),
                FIXTURE_CLOUD_TEST(only_a_job_that_is_uploading_is_given_a_token),
                FIXTURE_CLOUD_TEST(an_upload_that_fails_fails_the_job),
                FIXTURE_CLOUD_TEST(a_claim_of_another_is_respected),
                FIXTURE_CLOUD_TEST(a_cancelled_job_is_not_begun),
                FIXTURE_CLOUD_TEST(a_job_that_was_failed_by_others_is_not_begun),
                FIXTURE_CLOUD_TEST(consent_taken_back_holds_for_what_waits),
                FIXTURE_CLOUD_TEST(a_process_on_its_way_out_hands_back),
                FIXTURE_CLOUD_TEST(a_fault_of_ours_is_tried_again_but_not_for_ever),
                FIXTURE_CLOUD_TEST(a_call_that_may_have_been_made_is_not_made_again),
                FIXTURE_CLOUD_TEST(what_others_found_at_the_provider_is_complete),
                FIXTURE_CLOUD_TEST(a_cancel_after_the_call_began_asks_the_provider),
                FIXTURE_CLOUD_TEST(a_job_that_was_deleted_is_forgotten),
                FIXTURE_CLOUD_TEST(deleting_a_job_forgets_how_its_data_went),
                FIXTURE_CLOUD_TEST(a_job_that_may_turn_up_at_the_provider_is_not_deleted),
                FIXTURE_CLOUD_TEST(a_cancel_is_audited),
        };

        return FIXTURE_RUN("submission run", tests);
}
