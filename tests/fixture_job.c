#include "tests/fixture_job.h"

struct job fixture_job(struct ctx *ctx, unsigned n)
{
        struct job job = {
                .job_id = arena_printf(ctx->arena, "01hm3v0000000000000000%04u", n),
                .provider = "replicate",
                .status = JOB_PENDING,
                .metadata = "{}",
                .owner = "somebody",
                .attempt = 1,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = FIXTURE_TIME_US + n,
        };

        assert_non_null(job.job_id);
        return job;
}

void fixture_job_insert(struct ctx *ctx, const struct job *job)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, db_commit(&tx));
}

struct job fixture_job_inserted(struct ctx *ctx, unsigned n)
{
        struct job job = fixture_job(ctx, n);

        fixture_job_insert(ctx, &job);
        return job;
}

struct job fixture_job_stored(struct ctx *ctx, const char *job_id)
{
        struct job job;

        assert_ok(ctx, store_job_get(ctx, job_id, &job));
        return job;
}

void fixture_job_name(struct ctx *ctx, const struct job *job, const char *external_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_set_external_id(ctx, job->job_id, external_id));
        assert_ok(ctx, db_commit(&tx));
}

void fixture_job_apply(struct ctx *ctx, const struct job *job, struct job_news news)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool moved;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_apply(ctx, job, &news, &moved, NULL));
        assert_ok(ctx, db_commit(&tx));
}
