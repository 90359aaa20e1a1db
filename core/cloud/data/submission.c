#include "core/cloud/data/submission.h"

#include "core/cloud/data/data_consent.h"
#include "core/cloud/data/data_pack.h"

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
        rc = data_consent_require(ctx, request->data_consent || request->dry_run);
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
                .added_at_us = now_us,
        };

        return store_submission_insert(ctx, &submission);
}

enum err submission_get(struct ctx *ctx, const char *job_id, struct submission *ret)
{
        return store_submission_get(ctx, job_id, ret);
}

enum err submission_forget(struct ctx *ctx, const char *job_id)
{
        struct submission row;
        enum err rc = store_submission_get(ctx, job_id, &row);

        if (rc == ERR_NOT_FOUND)
                return OK;
        if (rc == OK && row.stage == STAGE_SUBMITTING && row.run_at_us)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "The submission of job %s may still turn up at the provider. "
                                "Delete it in a quarter of an hour.",
                                job_id);
        return rc == OK ? store_submission_delete(ctx, job_id) : rc;
}
