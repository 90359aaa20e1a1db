#include "core/cloud/job_submission.h"

#include <string.h>

#include "core/base/config.h"

#define UPLOAD_PART_SIZE "16777216" /* 16 MiB: well under the 100 MB that tunnels let through */

static enum err check_request(struct ctx *ctx, const struct job_request *request)
{
        json_t *entry;
        size_t i;

        if (!request->config || json_object_size(request->config) == 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "config: No configuration provided; it must be an object with at "
                                "least one member");
        json_array_foreach (request->dataloader_config, i, entry) {
                if (!json_is_object(entry))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "dataloader_config[%zu] must be an object", i);
        }
        return OK;
}

/* A new reference to a tree the arena owns. */
static enum err keep(struct ctx *ctx, json_t *json, const json_t **ret)
{
        if (!json)
                return ctx_nomem(ctx);
        *ret = json;
        return json_keep(ctx, json);
}

/* The environment of the remote job, decisions: "The remote job gets". */
static enum err make_env(struct ctx *ctx, const struct job_plan *plan, const char *public_url,
                         const json_t **ret)
{
        const char *id = plan->job.job_id;
        const char *storage, *upload;

        if (!plan->bucket_directory)
                return keep(ctx, json_pack("{s:s}", "SIMPLETUNER_JOB_ID", id), ret);
        storage = arena_printf(ctx->arena, "%s/api/cloud/storage", public_url);
        upload = storage ? arena_printf(ctx->arena, "%s/%s", storage, id) : NULL;
        if (!upload)
                return ctx_nomem(ctx);
        return keep(ctx,
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "SIMPLETUNER_JOB_ID", id,
                              "SIMPLETUNER_UPLOAD_TOKEN", plan->token.token,
                              "SIMPLETUNER_UPLOAD_URL", upload, "SIMPLETUNER_UPLOAD_PART_SIZE",
                              UPLOAD_PART_SIZE, "AWS_ACCESS_KEY_ID", plan->token.token,
                              "AWS_SECRET_ACCESS_KEY", plan->token.secret_key,
                              "AWS_ENDPOINT_URL_S3", storage, "S3_BUCKET", id),
                    ret);
}

/* The trainer publishes to our storage unless its configuration names another place. */
static enum err add_publishing(struct ctx *ctx, const struct job_plan *plan, const char *public_url,
                               json_t *config)
{
        const char *endpoint;
        json_t *publishing;

        if (!plan->bucket_directory || json_object_get(config, "publishing_config") ||
            json_is_true(json_object_get(config, "push_to_hub")))
                return OK;
        endpoint = arena_printf(ctx->arena, "%s/api/cloud/storage", public_url);
        if (!endpoint)
                return ctx_nomem(ctx);
        publishing = json_pack("[{s:s, s:s, s:s, s:s, s:s, s:b}]", "provider", "s3", "bucket",
                               plan->job.job_id, "endpoint_url", endpoint, "access_key",
                               plan->token.token, "secret_key", plan->token.secret_key, "use_ssl",
                               strncmp(public_url, "https://", 8) == 0);
        if (json_object_set_new(config, "publishing_config", publishing) != 0)
                return ctx_nomem(ctx);
        return OK;
}

static enum err make_config(struct ctx *ctx, const struct job_request *request,
                            const char *public_url, struct job_plan *plan)
{
        CLEANUP(json_decrefp) json_t *config = json_copy((json_t *)(uintptr_t)request->config);
        enum err rc;

        if (!config)
                return ctx_nomem(ctx);
        if (request->tracker_run_name &&
            json_object_set_new(config, "tracker_run_name",
                                json_string(request->tracker_run_name)) != 0)
                return ctx_nomem(ctx);
        rc = add_publishing(ctx, plan, public_url, config);
        if (rc == OK)
                rc = json_text(ctx, config, &plan->submission.config_json);
        if (rc == OK && request->dataloader_config)
                rc = json_text(ctx, request->dataloader_config, &plan->submission.dataloader_json);
        return rc;
}

/* The request's own address, else the provider's, else ours; the id helps where a delivery
 * overtakes the answer to our call. */
static enum err choose_webhook(struct ctx *ctx, const struct provider_session *session,
                               const struct job_request *request, struct job_plan *plan)
{
        const char *public_url = provider_public_url(ctx, &session->settings);
        const char *url =
                request->webhook_url ? request->webhook_url : session->settings.webhook_url;

        if (!url && *public_url) {
                url = arena_printf(ctx->arena, "%s/api/webhooks/%s?job_id=%s", public_url,
                                   session->provider->id, plan->job.job_id);
                if (!url)
                        return ctx_nomem(ctx);
        }
        plan->submission.webhook_url = url;
        return OK;
}

static enum err choose_bucket(struct ctx *ctx, const struct provider_session *session,
                              struct job_plan *plan)
{
        const char *root = session->settings.s3_output_path;
        const char *id = plan->job.job_id;

        if (!session->settings.s3_endpoint_enabled ||
            !*provider_public_url(ctx, &session->settings))
                return OK;
        plan->bucket_directory =
                root ? arena_printf(ctx->arena, "%s/%s", root, id)
                     : arena_printf(ctx->arena, "%s/outputs/%s", ctx->config->home, id);
        if (!plan->bucket_directory)
                return ctx_nomem(ctx);
        return upload_token_new(ctx, &plan->token);
}

static enum err describe(struct ctx *ctx, const struct provider_session *session,
                         const struct job_request *request, struct job_plan *plan)
{
        const char *profile = request->hardware_profile;
        CLEANUP(json_decrefp) json_t *metadata = NULL;
        struct job *job = &plan->job;
        char id[ULID_SIZE];
        enum err rc;

        if (!profile)
                profile = session->settings.hardware_profile;
        rc = hardware_find(ctx, profile ? profile : HARDWARE_DEFAULT, &plan->submission.hardware);
        if (rc == OK)
                rc = crypto_ulid(ctx, id);
        if (rc == OK)
                rc = ctx_strdup(ctx, id, &job->job_id);
        if (rc != OK)
                return rc;
        metadata = json_pack("{s:s*, s:s}", "tracker_run_name", request->tracker_run_name,
                             "hardware_profile", plan->submission.hardware.profile);
        if (!metadata)
                return ctx_nomem(ctx);
        job->provider = session->provider->id;
        job->status = JOB_PENDING;
        job->owner = ctx_actor_name(ctx);
        job->attempt = 1;
        job->config_name = request->config_name;
        job->hardware_profile = plan->submission.hardware.profile;
        job->hardware_type = plan->submission.hardware.label;
        job->price_usd_nanos_per_s =
                hardware_price_nanos(&plan->submission.hardware, session->settings.hardware_info);
        job->cost_usd_micros = JOB_COST_UNKNOWN;
        job->created_at_us = clock_wall_us(ctx->clock);
        plan->submission.job_id = job->job_id;
        return json_text(ctx, metadata, &job->metadata);
}

/* What the provider gets for the job that is described. */
static enum err equip(struct ctx *ctx, const struct provider_session *session,
                      const struct job_request *request, struct job_plan *plan)
{
        const char *public_url = provider_public_url(ctx, &session->settings);
        enum err rc;

        rc = choose_bucket(ctx, session, plan);
        if (rc == OK)
                rc = choose_webhook(ctx, session, request, plan);
        if (rc == OK)
                rc = make_env(ctx, plan, public_url, &plan->submission.env);
        if (rc == OK)
                rc = make_config(ctx, request, public_url, plan);
        return rc;
}

enum err job_plan_make(struct ctx *ctx, const struct provider_session *session,
                       const struct job_request *request, struct job_plan *ret)
{
        struct job_plan plan = { 0 };
        enum err rc;

        rc = check_request(ctx, request);
        if (rc == OK)
                rc = describe(ctx, session, request, &plan);
        if (rc == OK)
                rc = equip(ctx, session, request, &plan);
        if (rc == OK)
                *ret = plan;
        return rc;
}

enum err job_plan_renew(struct ctx *ctx, const struct provider_session *session,
                        const struct job_request *request, const struct job *job,
                        struct job_plan *ret)
{
        const char *profile = job->hardware_profile ? job->hardware_profile : HARDWARE_DEFAULT;
        struct job_plan plan = { .job = *job, .submission.job_id = job->job_id };
        enum err rc;

        rc = hardware_find(ctx, profile, &plan.submission.hardware);
        if (rc == OK)
                rc = equip(ctx, session, request, &plan);
        if (rc == OK)
                *ret = plan;
        return rc;
}
