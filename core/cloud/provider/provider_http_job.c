#include "core/cloud/provider/provider_http_job.h"

#include <string.h>

#include "core/cloud/provider/provider_rest.h"

#define ID_MAX 128

/* clang-format off */
static const struct { const char *word; enum job_status status; } words[] = {
        { "queued",    JOB_QUEUED },
        { "running",   JOB_RUNNING },
        { "completed", JOB_COMPLETED },
        { "failed",    JOB_FAILED },
        { "cancelled", JOB_CANCELLED },
        { "canceled",  JOB_CANCELLED },
};
/* clang-format on */

/* Set a member of what is under way; takes the value. */
static bool set(json_t *body, const char *key, json_t *value)
{
        return json_object_set_new(body, key, value) == 0;
}

enum err http_job_request(struct ctx *ctx, const struct provider_submission *submission,
                          json_t **ret)
{
        const char *config = submission->config_json, *loader = submission->dataloader_json;
        CLEANUP(json_decrefp)
        json_t *body = json_pack("{s:s, s:O, s:s, s:s*}", "job_id", submission->job_id, "env",
                                 submission->env, "hardware_profile", submission->hardware.profile,
                                 "webhook_url", submission->webhook_url);
        json_t *tree = NULL;
        enum err rc;

        if (!body)
                return ctx_nomem(ctx);
        rc = json_parse(ctx, "config", config, strlen(config), &tree);
        if (rc == OK && !set(body, "config", tree))
                rc = ctx_nomem(ctx);
        if (rc == OK && loader) {
                rc = json_parse(ctx, "dataloader", loader, strlen(loader), &tree);
                if (rc == OK && !set(body, "dataloader", tree))
                        rc = ctx_nomem(ctx);
        }
        if (rc == OK && submission->max_runtime_s > 0 &&
            !set(body, "max_runtime_seconds", json_integer(submission->max_runtime_s)))
                rc = ctx_nomem(ctx);
        if (rc == OK)
                *ret = TAKE(body);
        return rc;
}

bool http_job_read(const json_t *job, struct provider_job *ret)
{
        const char *status = json_string_at(job, "status");
        const char *id = json_string_at(job, "id");

        if (!status || !id || !*id || strlen(id) > ID_MAX)
                return false;
        *ret = (struct provider_job){
                .external_id = id,
                .output_url = provider_rest_output_url(json_object_get(job, "output")),
                .started_at_us = provider_rest_time(job, "started_at"),
                .completed_at_us = provider_rest_time(job, "completed_at"),
                .run_seconds = json_number_at(job, "run_seconds", -1),
                .cost_known = json_is_number(json_object_get(job, "cost_usd")),
                .cost_usd = json_number_at(job, "cost_usd", 0),
                .our_job_id = json_string_at(job, "job_id"),
                .logs = json_string_at(job, "logs"),
                .output = json_object_get(job, "output"),
        };
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strcmp(status, words[i].word) == 0) {
                        ret->status_known = true;
                        ret->status = words[i].status;
                }
        }
        if (ret->status_known && ret->status == JOB_FAILED) {
                ret->error = json_string_at(job, "error");
                if (!ret->error)
                        ret->error = "The provider reported a failure without a reason";
        }
        return true;
}
