#include "core/cloud/submission.h"

#include "core/cloud/data_consent.h"
#include "core/cloud/data_pack.h"
#include "core/db/db.h"

enum err submission_check(struct ctx *ctx, const struct provider_session *session,
                          const struct job_request *request, bool *ret_needed)
{
        const struct provider *provider = session->provider;
        struct data_sets sets;
        const struct data_packing packing = {
                .sets = &sets,
                .limit = { provider->name, provider->file_max_bytes },
        };
        struct data_total total;
        enum err rc;

        rc = data_sets_find(ctx, request->dataloader_config, &sets);
        if (rc != OK)
                return rc;
        *ret_needed = sets.count > 0;
        if (sets.count == 0)
                return OK;
        if (!provider->upload_file)
                return ctx_fail(ctx, ERR_INVALID, "%s: %s takes no local data sets",
                                sets.sets[0].field, provider->name);
        rc = data_consent_require(ctx, request->data_consent);
        return rc == OK ? data_measure_all(ctx, &packing, &total) : rc;
}

enum err submission_add(struct ctx *ctx, const struct job *job)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        const struct submission submission = {
                .job_id = job->job_id,
                .run_at_us = now_us,
                .stage = STAGE_SCANNING,
                .updated_at_us = now_us,
        };

        return store_submission_insert(ctx, &submission);
}

enum err submission_get(struct ctx *ctx, const char *job_id, struct submission *ret)
{
        return store_submission_get(ctx, job_id, ret);
}

enum err submission_cancel(struct ctx *ctx, const struct job *job, bool *ret_cancelled)
{
        static const struct provider_job news = { .status_known = true,
                                                  .status = JOB_CANCELLED,
                                                  .run_seconds = -1,
                                                  .error = "Job cancelled during upload" };
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool stopped = false, moved = false;
        enum err rc;

        *ret_cancelled = false;
        if (job->status != JOB_UPLOADING)
                return OK;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_submission_stop(ctx, job->job_id, news.error, &stopped);
        if (rc == OK && stopped)
                rc = job_take_news(ctx, job, &news, &moved);
        if (rc != OK || !moved)
                return rc;
        rc = db_commit(&tx);
        *ret_cancelled = rc == OK;
        return rc;
}
