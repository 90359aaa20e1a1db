#include "core/cloud/job/job.h"
#include "tests/fixture_job.h"

static struct job insert(struct ctx *ctx, unsigned n, const char *provider)
{
        struct job job = fixture_job(ctx, n);

        job.provider = provider;
        fixture_job_insert(ctx, &job);
        return job;
}

static int64_t position(struct ctx *ctx, const struct job *job)
{
        struct job_queue queue;

        assert_ok(ctx, job_queue_load(ctx, &queue));
        return job_queue_position(&queue, job);
}

static void a_job_stands_behind_those_of_its_provider_only(void **state)
{
        struct ctx *ctx = *state;
        const struct job first = insert(ctx, 1, "replicate"), other = insert(ctx, 2, "custom"),
                         second = insert(ctx, 3, "replicate"), third = insert(ctx, 4, "replicate");

        assert_int_equal(position(ctx, &first), 1);
        assert_int_equal(position(ctx, &other), 1);
        assert_int_equal(position(ctx, &second), 2);
        assert_int_equal(position(ctx, &third), 3);
}

static void a_job_that_runs_stands_nowhere_and_those_behind_it_move_up(void **state)
{
        struct ctx *ctx = *state;
        const struct job first = insert(ctx, 1, "replicate"), second = insert(ctx, 2, "replicate");
        struct job running;

        fixture_job_apply(ctx, &first, (struct job_news){ .status = JOB_RUNNING });
        running = fixture_job_stored(ctx, first.job_id);
        assert_int_equal(position(ctx, &running), 0);
        assert_int_equal(position(ctx, &second), 1);
}

static void an_empty_queue_has_no_positions(void **state)
{
        struct ctx *ctx = *state;
        const struct job stranger = fixture_job(ctx, 1);

        assert_int_equal(position(ctx, &stranger), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_job_stands_behind_those_of_its_provider_only),
                FIXTURE_DB_TEST(a_job_that_runs_stands_nowhere_and_those_behind_it_move_up),
                FIXTURE_DB_TEST(an_empty_queue_has_no_positions),
        };

        return FIXTURE_RUN("job queue", tests);
}
