#include "core/cloud/job/job_submission.h"

#include <string.h>

#include "core/cloud/secrets/secrets.h"

#define UPLOAD_PART_SIZE "16777216" /* 16 MiB: well under the 100 MB that tunnels let through */

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

/* A token for the Hub, under the names that its own tools look for. *ret NULL: there is none. */
static enum err hub_token(struct ctx *ctx, const char **ret)
{
        static const char *const names[] = { "HF_TOKEN", "HUGGINGFACE_HUB_TOKEN",
                                             "HUGGINGFACEHUB_API_TOKEN", "HF_API_TOKEN",
                                             "HUGGING_FACE_HUB_TOKEN" };
        struct secret token = { 0 };
        enum err rc = ERR_NOT_FOUND;

        for (size_t i = 0; rc == ERR_NOT_FOUND && i < ARRAY_SIZE(names); i++)
                rc = secrets_get(ctx, names[i], &token);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = token.bytes;
        return OK;
}

static enum err add_warning(struct ctx *ctx, struct job_plan *plan, const char *text)
{
        return text && json_array_append_new(plan->warnings, json_string(text)) == 0
                       ? OK
                       : ctx_nomem(ctx);
}

/* The provider shows the inputs of a job to the account it runs in and to the address that hears of
 * it: the server's own token goes only where both are the operator's. */
static bool may_have_hub_token(const struct provider_session *session,
                               const struct job_request *request)
{
        return !session->token_is_owners && !request->webhook_url;
}

/* The trainer publishes to the Hub: with what right, and where. */
static enum err add_hub(struct ctx *ctx, const struct provider_session *session,
                        const struct job_request *request, struct job_plan *plan)
{
        const json_t *config = request->config;
        enum err rc;

        if (!json_is_true(json_object_get(config, "push_to_hub")))
                return OK;
        plan->submission.hub_model_id = json_string_at(config, "hub_model_id");
        if (!may_have_hub_token(session, request))
                return add_warning(
                        ctx, plan,
                        "push_to_hub is set, but this server's HF_TOKEN is not handed on "
                        "to an own account or with a webhook_url");
        rc = hub_token(ctx, &plan->submission.hf_token);
        if (rc != OK || plan->submission.hf_token)
                return rc;
        return add_warning(ctx, plan,
                           "push_to_hub is set, but this server has no HF_TOKEN to hand on");
}

/* A LyCORIS configuration given as an object is an input of its own. */
static enum err take_lycoris(struct ctx *ctx, json_t *config, struct job_plan *plan)
{
        const json_t *lycoris = json_object_get(config, "lycoris_config");
        enum err rc;

        if (!json_is_object(lycoris))
                return OK;
        rc = json_text(ctx, lycoris, &plan->submission.lycoris_json);
        if (rc == OK)
                json_object_del(config, "lycoris_config");
        return rc;
}

static enum err make_config(struct ctx *ctx, const struct provider_session *session,
                            const struct job_request *request, struct job_plan *plan)
{
        const char *public_url = provider_public_url(ctx, &session->settings);
        json_t *config = json_copy((json_t *)(uintptr_t)request->config);
        enum err rc;

        rc = keep(ctx, config, &plan->config);
        if (rc != OK)
                return rc;
        if (request->tracker_run_name &&
            json_object_set_new(config, "tracker_run_name",
                                json_string(request->tracker_run_name)) != 0)
                return ctx_nomem(ctx);
        rc = add_publishing(ctx, plan, public_url, config);
        if (rc == OK)
                rc = add_hub(ctx, session, request, plan);
        if (rc == OK)
                rc = take_lycoris(ctx, config, plan);
        if (rc == OK)
                rc = json_text(ctx, config, &plan->submission.config_json);
        if (rc == OK && request->dataloader_config)
                rc = json_text(ctx, request->dataloader_config, &plan->submission.dataloader_json);
        return rc;
}

/* The request's own address, else the provider's, else ours; the id helps where a delivery
 * overtakes the answer to our call, and that of the request joins their lines in the log. */
static enum err choose_webhook(struct ctx *ctx, const struct provider_session *session,
                               const struct job_request *request, struct job_plan *plan)
{
        const char *public_url = provider_public_url(ctx, &session->settings);
        const char *url =
                request->webhook_url ? request->webhook_url : session->settings.webhook_url;

        if (!url && *public_url) {
                url = arena_printf(ctx->arena, "%s/api/webhooks/%s?job_id=%s&correlation_id=%s",
                                   public_url, session->provider->id, plan->job.job_id,
                                   ctx->correlation_id);
                if (!url)
                        return ctx_nomem(ctx);
        }
        plan->submission.webhook_url = url;
        return OK;
}

static enum err choose_bucket(struct ctx *ctx, const struct provider_session *session,
                              struct job_plan *plan)
{
        if (!session->settings.s3_endpoint_enabled ||
            !*provider_public_url(ctx, &session->settings))
                return OK;
        plan->bucket_directory =
                provider_settings_bucket(ctx, &session->settings, plan->job.job_id);
        if (!plan->bucket_directory)
                return ctx_nomem(ctx);
        return upload_token_new(ctx, &plan->token);
}

static enum err make_metadata(struct ctx *ctx, const struct job_request *request,
                              struct job_plan *plan)
{
        CLEANUP(json_decrefp)
        json_t *metadata = json_pack("{s:s*, s:s, s:s*}", "tracker_run_name",
                                     request->tracker_run_name, "hardware_profile",
                                     plan->job.hardware_profile, "upload_id", request->upload_id);

        if (!metadata)
                return ctx_nomem(ctx);
        if ((request->snapshot_name || request->snapshot_message) &&
            json_object_set_new(metadata, "snapshot",
                                json_pack("{s:s*, s:s*}", "name", request->snapshot_name, "message",
                                          request->snapshot_message)) != 0)
                return ctx_nomem(ctx);
        return json_text(ctx, metadata, &plan->job.metadata);
}

static enum err describe(struct ctx *ctx, const struct provider_session *session,
                         const struct job_request *request, struct job_plan *plan)
{
        const struct provider_settings *settings = &session->settings;
        struct job *job = &plan->job;
        char id[ULID_SIZE];
        enum err rc;

        rc = provider_hardware(ctx, session, request->hardware_profile, &plan->submission.hardware);
        if (rc == OK)
                rc = crypto_ulid(ctx, id);
        if (rc == OK)
                rc = ctx_strdup(ctx, id, &job->job_id);
        if (rc != OK)
                return rc;
        job->provider = session->provider->id;
        job->status = JOB_PENDING;
        job->owner = ctx_actor_name(ctx);
        job->retry_of = request->retry_of;
        job->attempt = request->attempt > 1 ? request->attempt : 1;
        job->config_name = request->config_name;
        job->hardware_profile = plan->submission.hardware.profile;
        job->hardware_type = plan->submission.hardware.label;
        job->price_usd_nanos_per_s =
                hardware_price_nanos(&plan->submission.hardware, settings->hardware_info);
        job->cost_usd_micros = JOB_COST_UNKNOWN;
        job->created_at_us = clock_wall_us(ctx->clock);
        job->max_runtime_s = 60 * (request->max_runtime_minutes ? request->max_runtime_minutes
                                                                : settings->max_runtime_minutes);
        plan->submission.job_id = job->job_id;
        plan->submission.max_runtime_s = job->max_runtime_s;
        return make_metadata(ctx, request, plan);
}

static enum err warn_of_run_limit(struct ctx *ctx, const struct provider *provider,
                                  struct job_plan *plan)
{
        const int64_t limit_s = provider->default_run_limit_s;
        int64_t run_s = plan->estimate.run_s;

        if (plan->job.max_runtime_s > run_s)
                run_s = plan->job.max_runtime_s;
        if (limit_s == 0 || run_s <= limit_s)
                return OK;
        return add_warning(
                ctx, plan,
                arena_printf(ctx->arena,
                             "%s ends a job after %lld minutes unless your account allows more; "
                             "this one may take %lld",
                             provider->name, (long long)limit_s / 60,
                             (long long)(run_s + 59) / 60));
}

static enum err estimate(struct ctx *ctx, const struct provider *provider, struct job_plan *plan)
{
        enum err rc = cost_estimate(ctx, provider, &plan->job, &plan->estimate);

        if (rc != OK)
                return rc;
        plan->job.estimated_cost_usd_micros = plan->estimate.usd_micros;
        return warn_of_run_limit(ctx, provider, plan);
}

static enum err new_warnings(struct ctx *ctx, struct job_plan *plan)
{
        plan->warnings = json_array();
        return plan->warnings ? json_keep(ctx, plan->warnings) : ctx_nomem(ctx);
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
                rc = make_config(ctx, session, request, plan);
        return rc;
}

enum err job_plan_make(struct ctx *ctx, const struct provider_session *session,
                       const struct job_request *request, struct job_plan *ret)
{
        struct job_plan plan = { 0 };
        enum err rc;

        rc = new_warnings(ctx, &plan);
        if (rc == OK)
                rc = describe(ctx, session, request, &plan);
        if (rc == OK)
                rc = equip(ctx, session, request, &plan);
        if (rc == OK)
                rc = estimate(ctx, session->provider, &plan);
        if (rc == OK)
                *ret = plan;
        return rc;
}

enum err job_plan_renew(struct ctx *ctx, const struct provider_session *session,
                        const struct job_request *request, const struct job *job,
                        struct job_plan *ret)
{
        struct job_plan plan = { .job = *job,
                                 .submission.job_id = job->job_id,
                                 .submission.max_runtime_s = job->max_runtime_s };
        enum err rc;

        rc = new_warnings(ctx, &plan);
        if (rc == OK)
                rc = provider_hardware(ctx, session, job->hardware_profile,
                                       &plan.submission.hardware);
        if (rc == OK)
                rc = equip(ctx, session, request, &plan);
        if (rc == OK)
                *ret = plan;
        return rc;
}
