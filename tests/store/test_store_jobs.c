
#include "core/store/store_job_list.h"
#include "tests/fixture_db.h"

#define PROVIDER "replicate"

/* The n-th job's id: in the form of ours, and sorted by n. */
static const char *job_id(struct ctx *ctx, unsigned n)
{
        const char *id = arena_printf(ctx->arena, "01hm3v0000000000000000%04u", n);

        assert_non_null(id);
        return id;
}

static struct job new_job(struct ctx *ctx, unsigned n)
{
        return (struct job){
                .job_id = job_id(ctx, n),
                .provider = PROVIDER,
                .status = JOB_PENDING,
                .config_name = "my config",
                .hardware_profile = "h100",
                .hardware_type = "H100",
                .metadata = "{\"a\":1}",
                .owner = "somebody",
                .attempt = 1,
                .price_usd_nanos_per_s = 1525000,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = FIXTURE_TIME_US + n,
        };
}

static enum err insert(struct ctx *ctx, const struct job *job, const char *token_sha256)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_job_insert(ctx, job,
                                      &(struct job_secrets){ .token_sha256 = token_sha256 });
        return rc == OK ? db_commit(&tx) : rc;
}

static struct job inserted(struct ctx *ctx, unsigned n)
{
        struct job job = new_job(ctx, n);

        assert_ok(ctx, insert(ctx, &job, NULL));
        return job;
}

static struct job stored(struct ctx *ctx, const char *id)
{
        struct job job;

        assert_ok(ctx, store_job_get(ctx, id, &job));
        return job;
}

/* True: the row changed. */
static bool apply(struct ctx *ctx, const struct job *job, struct job_news news)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool moved = false;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_apply(ctx, job, &news, &moved, NULL));
        assert_ok(ctx, db_commit(&tx));
        return moved;
}

static bool move(struct ctx *ctx, const struct job *job, enum job_status status)
{
        return apply(ctx, job,
                     (struct job_news){ .status = status, .cost_usd_micros = JOB_COST_UNKNOWN });
}

/* The counters and statistics always equal the rows, for each status, each provider and all. */
static void assert_counts_are_true(struct ctx *ctx)
{
        struct job_filter all = { 0 };
        int64_t count = -1;

        assert_int_equal(fixture_number(ctx,
                                        "SELECT COUNT(*) FROM (SELECT provider, CASE WHEN "
                                        "requires_approval = 1 THEN 'blocked' ELSE status END AS "
                                        "status, COUNT(*) AS jobs FROM jobs GROUP BY 1, 2) AS real "
                                        "LEFT JOIN job_counts ON real.provider = "
                                        "job_counts.provider AND real.status = job_counts.status "
                                        "WHERE COALESCE(job_counts.jobs, -1) <> real.jobs"),
                         0);
        assert_ok(ctx, store_jobs_count(ctx, &all, &count));
        assert_int_equal(count, fixture_number(ctx, "SELECT COUNT(*) FROM jobs"));
        assert_int_equal(
                fixture_number(ctx, "SELECT COUNT(*) FROM (SELECT COUNT(*) AS jobs, "
                                    "COALESCE(SUM(cost_usd_micros), 0) AS cost, "
                                    "SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) AS "
                                    "completed, SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) "
                                    "AS failed, SUM(CASE WHEN status = 'completed' AND "
                                    "completed_at_us > started_at_us THEN completed_at_us - "
                                    "started_at_us ELSE 0 END) AS run FROM jobs) AS r, "
                                    "(SELECT COALESCE(SUM(jobs), 0) AS jobs, "
                                    "COALESCE(SUM(cost_usd_micros), 0) AS cost, "
                                    "COALESCE(SUM(completed), 0) AS completed, "
                                    "COALESCE(SUM(failed), 0) AS failed, "
                                    "COALESCE(SUM(run_us), 0) AS run FROM job_hours) AS h "
                                    "WHERE r.jobs = h.jobs AND r.cost = h.cost AND r.completed = "
                                    "h.completed AND r.failed = h.failed AND r.run = h.run"),
                1);
        for (unsigned s = 0; s < JOB_STATUS_COUNT; s++) {
                struct job_filter filter = { .status = job_status_name((enum job_status)s) };
                int64_t of_status = -1;

                assert_ok(ctx, store_jobs_count(ctx, &filter, &of_status));
                count -= of_status;
        }
        assert_int_equal(count, 0);
}

static void every_status_has_a_name_that_reads_back(void **state)
{
        enum job_status status;

        (void)state;
        for (unsigned s = 0; s < JOB_STATUS_COUNT; s++) {
                assert_true(job_status_parse(job_status_name((enum job_status)s), &status));
                assert_int_equal(status, s);
                assert_int_equal(job_status_is_terminal(status), s >= JOB_COMPLETED);
        }
        assert_false(job_status_parse("Running", &status));
        assert_false(job_status_parse("", &status));
}

static void a_job_reads_back_as_it_was_written(void **state)
{
        struct ctx *ctx = *state;
        struct job written = inserted(ctx, 1), read = stored(ctx, written.job_id);

        assert_string_equal(read.job_id, written.job_id);
        assert_string_equal(read.provider, PROVIDER);
        assert_null(read.external_id);
        assert_int_equal(read.status, JOB_PENDING);
        assert_string_equal(read.config_name, "my config");
        assert_string_equal(read.hardware_profile, "h100");
        assert_string_equal(read.hardware_type, "H100");
        assert_null(read.error_message);
        assert_null(read.output_url);
        assert_string_equal(read.metadata, "{\"a\":1}");
        assert_true(read.price_usd_nanos_per_s == 1525000);
        assert_true(read.cost_usd_micros == JOB_COST_UNKNOWN);
        assert_true(read.created_at_us == FIXTURE_TIME_US + 1);
        assert_true(read.started_at_us == 0 && read.completed_at_us == 0);
}

static void an_id_is_taken_once(void **state)
{
        struct ctx *ctx = *state;
        struct job job = inserted(ctx, 1);

        assert_rc(ctx, ERR_CONFLICT, insert(ctx, &job, NULL));
        assert_counts_are_true(ctx);
        assert_rc(ctx, ERR_NOT_FOUND, store_job_get(ctx, job_id(ctx, 2), &job));
}

/* From each status, in the enum's order, to each: may the row change? */
static const bool may_move[JOB_STATUS_COUNT][JOB_STATUS_COUNT] = {
        [JOB_BLOCKED] = { true, true, true, true, true, true, true, true },
        [JOB_PENDING] = { false, true, true, true, true, true, true, true },
        [JOB_UPLOADING] = { false, false, true, true, true, true, true, true },
        [JOB_QUEUED] = { false, false, false, true, true, true, true, true },
        [JOB_RUNNING] = { false, false, false, false, true, true, true, true },
        [JOB_COMPLETED] = { false },
        [JOB_FAILED] = { false },
        [JOB_CANCELLED] = { false },
};

static void a_status_moves_forward_only_and_a_final_one_never(void **state)
{
        struct ctx *ctx = *state;
        unsigned n = 0;

        for (unsigned from = 0; from < JOB_STATUS_COUNT; from++) {
                for (unsigned to = 0; to < JOB_STATUS_COUNT; to++) {
                        struct job job = new_job(ctx, n++);
                        bool moved;

                        job.status = from == JOB_BLOCKED ? JOB_BLOCKED : JOB_PENDING;
                        assert_ok(ctx, insert(ctx, &job, NULL));
                        if (from > JOB_PENDING)
                                assert_true(move(ctx, &job, (enum job_status)from));
                        moved = move(ctx, &job, (enum job_status)to);
                        if (from != to)
                                assert_int_equal(moved, may_move[from][to]);
                        assert_int_equal(stored(ctx, job.job_id).status,
                                         may_move[from][to] ? to : from);
                        arena_reset(ctx->arena);
                }
        }
        assert_counts_are_true(ctx);
}

static void news_fill_the_row_and_silence_leaves_it_alone(void **state)
{
        struct ctx *ctx = *state;
        struct job job = inserted(ctx, 1);

        assert_true(apply(ctx, &job,
                          (struct job_news){ .status = JOB_RUNNING,
                                             .started_at_us = 11,
                                             .cost_usd_micros = JOB_COST_UNKNOWN }));
        assert_true(apply(ctx, &job,
                          (struct job_news){ .status = JOB_FAILED,
                                             .error_message = "out of memory",
                                             .output_url = "https://files.example/1",
                                             .started_at_us = 99,
                                             .completed_at_us = 22,
                                             .cost_usd_micros = 0 }));
        job = stored(ctx, job.job_id);
        assert_int_equal(job.status, JOB_FAILED);
        assert_true(job.started_at_us == 11 && job.completed_at_us == 22);
        assert_true(job.cost_usd_micros == 0);
        assert_string_equal(job.error_message, "out of memory");
        assert_string_equal(job.output_url, "https://files.example/1");
}

static void late_news_change_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct job job = inserted(ctx, 1), before, after;

        assert_true(apply(ctx, &job,
                          (struct job_news){ .status = JOB_COMPLETED,
                                             .completed_at_us = 22,
                                             .cost_usd_micros = 5 }));
        before = stored(ctx, job.job_id);
        for (unsigned status = 0; status < JOB_STATUS_COUNT; status++) {
                if (status == JOB_COMPLETED || status == JOB_RUNNING)
                        continue; /* these may fill in, see below */
                assert_false(apply(ctx, &job,
                                   (struct job_news){ .status = (enum job_status)status,
                                                      .error_message = "late",
                                                      .output_url = "https://late.example",
                                                      .started_at_us = 33,
                                                      .completed_at_us = 44,
                                                      .cost_usd_micros = 66 }));
        }
        after = stored(ctx, job.job_id);
        assert_int_equal(after.status, JOB_COMPLETED);
        assert_null(after.error_message);
        assert_null(after.output_url);
        assert_true(after.started_at_us == 0 && after.completed_at_us == 22);
        assert_true(after.cost_usd_micros == before.cost_usd_micros);
        assert_counts_are_true(ctx);
}

static void news_of_the_same_end_fill_in_what_was_not_known(void **state)
{
        struct ctx *ctx = *state;
        struct job job = inserted(ctx, 1);

        assert_true(apply(ctx, &job,
                          (struct job_news){ .status = JOB_COMPLETED,
                                             .completed_at_us = 44,
                                             .cost_usd_micros = JOB_COST_UNKNOWN }));
        assert_true(apply(ctx, &job,
                          (struct job_news){ .status = JOB_COMPLETED,
                                             .output_url = "https://files.example/1",
                                             .completed_at_us = 22,
                                             .cost_usd_micros = 5 }));
        assert_true(apply(ctx, &job,
                          (struct job_news){ .status = JOB_RUNNING,
                                             .started_at_us = 11,
                                             .cost_usd_micros = JOB_COST_UNKNOWN }));
        job = stored(ctx, job.job_id);
        assert_int_equal(job.status, JOB_COMPLETED);
        assert_true(job.started_at_us == 11 && job.completed_at_us == 22);
        assert_true(job.cost_usd_micros == 5);
        assert_string_equal(job.output_url, "https://files.example/1");
        assert_counts_are_true(ctx);
}

static void news_that_say_nothing_new_do_not_count_as_a_change(void **state)
{
        struct job_news news = { .status = JOB_RUNNING,
                                 .started_at_us = 11,
                                 .cost_usd_micros = JOB_COST_UNKNOWN };
        struct ctx *ctx = *state;
        struct job job = inserted(ctx, 1);

        assert_true(apply(ctx, &job, news));
        assert_false(apply(ctx, &job, news));
}

/* What the provider says of a job's life; each says all that was true by then. */
static const struct job_news life[] = {
        { .status = JOB_QUEUED, .cost_usd_micros = JOB_COST_UNKNOWN },
        { .status = JOB_RUNNING, .started_at_us = 11, .cost_usd_micros = JOB_COST_UNKNOWN },
        { .status = JOB_RUNNING, .started_at_us = 11, .cost_usd_micros = JOB_COST_UNKNOWN },
        { .status = JOB_COMPLETED,
          .output_url = "https://files.example/1",
          .started_at_us = 11,
          .completed_at_us = 22,
          .cost_usd_micros = 33 },
};

/* Deliver life in the order of the n-th permutation, the first of them twice. */
static void live(struct ctx *ctx, const struct job *job, unsigned n)
{
        unsigned left[ARRAY_SIZE(life)];
        unsigned count = ARRAY_SIZE(life);

        for (unsigned i = 0; i < count; i++)
                left[i] = i;
        for (; count > 0; count--) {
                unsigned pick = n % count, event = left[pick];

                n /= count;
                left[pick] = left[count - 1];
                apply(ctx, job, life[event]);
                if (count == ARRAY_SIZE(life))
                        apply(ctx, job, life[event]);
        }
}

static void the_end_is_the_same_in_whatever_order_news_arrive(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned n = 0; n < 24; n++) {
                struct job job = inserted(ctx, n);

                live(ctx, &job, n);
                job = stored(ctx, job.job_id);
                assert_int_equal(job.status, JOB_COMPLETED);
                assert_true(job.started_at_us == 11 && job.completed_at_us == 22);
                assert_true(job.cost_usd_micros == 33);
                assert_string_equal(job.output_url, "https://files.example/1");
                assert_null(job.error_message);
                arena_reset(ctx->arena);
        }
        assert_counts_are_true(ctx);
}

static bool end_differently(struct ctx *ctx, unsigned index, void *arg)
{
        const struct job *job = arg;
        const struct job_news news = { .status = (enum job_status)(JOB_COMPLETED + index % 3),
                                       .cost_usd_micros = JOB_COST_UNKNOWN };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool moved;

        return db_begin(ctx, &tx) == OK && store_job_apply(ctx, job, &news, &moved, NULL) == OK &&
               db_commit(&tx) == OK;
}

static void of_ends_told_at_once_one_is_kept_and_counted(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned n = 0; n < 5; n++) {
                struct job job = inserted(ctx, n);

                fixture_threads(ctx, 6, end_differently, &job);
                assert_true(job_status_is_terminal(stored(ctx, job.job_id).status));
                assert_counts_are_true(ctx);
        }
}

static void the_upload_token_dies_with_the_job(void **state)
{
        static const enum job_status ends[] = { JOB_COMPLETED, JOB_FAILED, JOB_CANCELLED };
        struct ctx *ctx = *state;
        struct token_owner owner;

        for (unsigned n = 0; n < ARRAY_SIZE(ends); n++) {
                const char *token = arena_printf(ctx->arena, "token%u", n);
                struct job job = new_job(ctx, n);

                assert_ok(ctx, insert(ctx, &job, token));
                for (unsigned status = JOB_PENDING; status < JOB_COMPLETED; status++) {
                        move(ctx, &job, (enum job_status)status);
                        assert_ok(ctx, store_job_by_token(ctx, token, &owner));
                        assert_string_equal(owner.job_id, job.job_id);
                }
                assert_true(move(ctx, &job, ends[n]));
                assert_rc(ctx, ERR_NOT_FOUND, store_job_by_token(ctx, token, &owner));
        }
}

static enum err set_external_id(struct ctx *ctx, const char *id, const char *external_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_job_set_external_id(ctx, id, external_id);
        return rc == OK ? db_commit(&tx) : rc;
}

static void an_external_id_is_kept_once_it_is_known(void **state)
{
        struct ctx *ctx = *state;
        struct job one = inserted(ctx, 1), two = inserted(ctx, 2), found;

        assert_ok(ctx, set_external_id(ctx, one.job_id, "ext1"));
        assert_ok(ctx, set_external_id(ctx, one.job_id, "other"));
        assert_ok(ctx, store_job_by_external_id(ctx, PROVIDER, "ext1", &found));
        assert_string_equal(found.job_id, one.job_id);
        assert_string_equal(found.external_id, "ext1");
        assert_rc(ctx, ERR_NOT_FOUND, store_job_by_external_id(ctx, PROVIDER, "other", &found));
        assert_rc(ctx, ERR_NOT_FOUND, store_job_by_external_id(ctx, "elsewhere", "ext1", &found));
        assert_rc(ctx, ERR_CONFLICT, set_external_id(ctx, two.job_id, "ext1"));
}

static void a_note_explains_without_moving(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job = inserted(ctx, 1);

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_note(ctx, job.job_id, "the provider did not answer"));
        assert_ok(ctx, db_commit(&tx));
        job = stored(ctx, job.job_id);
        assert_int_equal(job.status, JOB_PENDING);
        assert_string_equal(job.error_message, "the provider did not answer");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(every_status_has_a_name_that_reads_back),
                FIXTURE_DB_TEST(a_job_reads_back_as_it_was_written),
                FIXTURE_DB_TEST(an_id_is_taken_once),
                FIXTURE_DB_TEST(a_status_moves_forward_only_and_a_final_one_never),
                FIXTURE_DB_TEST(news_fill_the_row_and_silence_leaves_it_alone),
                FIXTURE_DB_TEST(late_news_change_nothing),
                FIXTURE_DB_TEST(news_of_the_same_end_fill_in_what_was_not_known),
                FIXTURE_DB_TEST(news_that_say_nothing_new_do_not_count_as_a_change),
                FIXTURE_DB_TEST(the_end_is_the_same_in_whatever_order_news_arrive),
                FIXTURE_DB_TEST(of_ends_told_at_once_one_is_kept_and_counted),
                FIXTURE_DB_TEST(the_upload_token_dies_with_the_job),
                FIXTURE_DB_TEST(an_external_id_is_kept_once_it_is_known),
                FIXTURE_DB_TEST(a_note_explains_without_moving),
        };

        return FIXTURE_RUN("store jobs", tests);
}
