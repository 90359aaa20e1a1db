/* Jobs: how they begin. Submit, retry, and the configurations that can be submitted by name. */
#include <string.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/base/json_secrets.h"
#include "core/cloud/job/job_submit.h"
#include "core/cloud/job/named_config.h"
#include "fcgi/handlers.h"

/* Put the key of the header Idempotency-Key (a text, with or without the quotes that
 * draft-ietf-httpapi-idempotency-key-header wants) where the body has its own. */
static enum err take_key_header(struct ctx *ctx, const struct request *request, json_t *body)
{
        const char *header = request_header(request, "Idempotency-Key");
        const json_t *given = json_object_get(body, "idempotency_key");
        CLEANUP(json_decrefp) json_t *key = NULL;
        size_t len = header ? strlen(header) : 0;

        if (!header)
                return OK;
        if (len >= 2 && header[0] == '"' && header[len - 1] == '"')
                key = json_stringn(header + 1, len - 2);
        else
                key = json_string(header);
        if (!key)
                return ctx_fail(ctx, ERR_INVALID, "Idempotency-Key is not valid UTF-8");
        if (given && !json_is_null(given) && !json_equal(given, key))
                return ctx_fail(ctx, ERR_INVALID,
                                "idempotency_key and the header Idempotency-Key are not the same");
        return json_object_set(body, "idempotency_key", key) == 0 ? OK : ctx_nomem(ctx);
}

static enum err read_submit(struct ctx *ctx, const struct request *request, struct job_request *ret)
{
        const char *provider;
        json_t *body;
        enum err rc;

        rc = request_query(ctx, request, "provider", &provider);
        if (rc == OK)
                rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = take_key_header(ctx, request, body);
        if (rc == OK)
                rc = job_request_decode(ctx, provider ? provider : ctx->config->default_provider,
                                        body, ret);
        return rc == OK ? request_query_bool(ctx, request, "dry_run", &ret->dry_run) : rc;
}

static enum err render_tree(struct ctx *ctx, struct jsonw *json, const char *key,
                            const json_t *tree)
{
        const char *text = NULL;
        enum err rc = tree ? json_text(ctx, tree, &text) : OK;

        if (rc == OK)
                jsonw_raw(json, key, text);
        return rc;
}

/* What a job waits for; null when it does not. */
static void render_approval(struct jsonw *json, const struct submit_result *result)
{
        const struct approval_request *approval = &result->approval;

        jsonw_bool(json, "requires_approval", result->job.status == JOB_BLOCKED);
        if (result->job.status != JOB_BLOCKED) {
                jsonw_null(json, "approval_request");
                return;
        }
        jsonw_object(json, "approval_request");
        jsonw_int(json, "id", approval->request_id);
        jsonw_string(json, "reason", approval->reason);
        jsonw_string(json, "required_approver_level", approval->required_approver_level);
        jsonw_time(json, "expires_at", approval->expires_at_us);
        jsonw_object_end(json);
}

static enum err render_result(struct ctx *ctx, struct reply *reply,
                              const struct submit_result *result)
{
        struct jsonw json = reply_json(reply);
        const struct job *job = &result->job;
        enum err rc;

        if (job->status == JOB_BLOCKED)
                reply->status = 202;
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "job_id", job->job_id);
        jsonw_string(&json, "status", job_status_name(job->status));
        jsonw_string(&json, "external_id", job->external_id);
        jsonw_string(&json, "retry_of", job->retry_of);
        jsonw_int(&json, "attempt", job->attempt);
        jsonw_string(&json, "error", job->error_message);
        jsonw_bool(&json, "data_uploaded", false); /* local data goes later, see data_upload */
        jsonw_null(&json, "upload_id");
        jsonw_number(&json, "estimated_cost_usd", (double)job->estimated_cost_usd_micros / 1e6, 6);
        jsonw_string(&json, "cost_limit_warning", result->cost_limit_warning);
        if (!result->quota_warnings)
                jsonw_raw(&json, "quota_warnings", "[]");
        rc = result->quota_warnings
                     ? render_tree(ctx, &json, "quota_warnings", result->quota_warnings)
                     : OK;
        if (rc == OK)
                rc = render_tree(ctx, &json, "warnings", result->warnings);
        render_approval(&json, result);
        jsonw_bool(&json, "idempotent_hit", result->idempotent_hit);
        return rc == OK ? reply_json_end(ctx, reply, &json) : rc;
}

static enum err render_input(struct ctx *ctx, struct jsonw *json, const struct dry_run *run)
{
        enum err rc;

        jsonw_object(json, "input");
        rc = render_tree(ctx, json, "config", run->config);
        if (rc == OK)
                rc = render_tree(ctx, json, "dataloader_config", run->dataloader);
        if (rc == OK)
                rc = render_tree(ctx, json, "lycoris_config", run->lycoris);
        jsonw_string(json, "hf_token", run->plan.submission.hf_token ? JSON_SECRET_MASK : NULL);
        jsonw_string(json, "hub_model_id", run->plan.submission.hub_model_id);
        jsonw_object_end(json);
        return rc;
}

static void render_estimate(struct jsonw *json, const struct job_plan *plan)
{
        jsonw_object(json, "estimate");
        jsonw_bool(json, "has_estimate", plan->estimate.has_history);
        jsonw_number(json, "estimated_cost_usd", (double)plan->estimate.usd_micros / 1e6, 6);
        jsonw_int(json, "run_seconds", plan->estimate.run_s);
        jsonw_object_end(json);
}

static enum err dry_run(struct ctx *ctx, const struct job_request *request, struct reply *reply)
{
        struct dry_run run;
        struct jsonw json;
        enum err rc;

        rc = job_dry_run(ctx, request, &run);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_bool(&json, "dry_run", true);
        jsonw_string(&json, "provider", run.plan.job.provider);
        jsonw_string(&json, "config_name", run.plan.job.config_name);
        jsonw_string(&json, "hardware_profile", run.plan.job.hardware_profile);
        jsonw_string(&json, "hardware_type", run.plan.job.hardware_type);
        rc = render_input(ctx, &json, &run);
        if (rc == OK)
                rc = render_tree(ctx, &json, "env", run.env);
        jsonw_string(&json, "webhook_url", run.plan.submission.webhook_url);
        jsonw_raw(&json, "metadata", run.plan.job.metadata);
        render_estimate(&json, &run.plan);
        jsonw_string(&json, "cost_limit_warning", run.cost_limit_warning);
        if (rc == OK)
                rc = render_tree(ctx, &json, "quota_warnings", run.quota_warnings);
        jsonw_string(&json, "quota_exceeded", run.quota_refusal);
        jsonw_bool(&json, "requires_approval", run.approval_reason != NULL);
        jsonw_string(&json, "approval_reason", run.approval_reason);
        if (rc == OK)
                rc = render_tree(ctx, &json, "warnings", run.plan.warnings);
        return rc == OK ? reply_json_end(ctx, reply, &json) : rc;
}

static const struct query submit_query[] = {
        QUERY(TEXT, "provider"),
        QUERY(BOOL, "dry_run"),
        { 0 },
};

static enum err jobs_submit_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct job_request job_request;
        struct submit_result result;
        enum err rc;

        rc = read_submit(ctx, request, &job_request);
        if (rc != OK)
                return rc;
        if (job_request.dry_run)
                return dry_run(ctx, &job_request, reply);
        rc = job_submit(ctx, &job_request, &result);
        return rc == OK ? render_result(ctx, reply, &result) : rc;
}

const struct operation jobs_submit = {
        OPERATION(jobs_submit),
        .summary = "Submit a job",
        .body = &job_request_fields,
        .query = submit_query,
};

struct retry_body {
        const char *idempotency_key;
};

static const struct field retry_fields[] = {
        FIELD(struct retry_body, idempotency_key, FIELD_STRING, .min = 1,
              .max = IDEMPOTENCY_KEY_MAX),
};

static enum err jobs_retry_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct retry_body body = { 0 };
        struct submit_result result;
        json_t *tree;
        enum err rc;

        rc = request_json_or_empty(ctx, request, &tree);
        if (rc == OK)
                rc = take_key_header(ctx, request, tree);
        if (rc == OK)
                rc = request_fields_of(ctx, request, tree, &body);
        if (rc == OK)
                rc = job_retry(ctx, request_param(request, "job_id"), body.idempotency_key,
                               &result);
        return rc == OK ? render_result(ctx, reply, &result) : rc;
}

const struct operation jobs_retry = {
        OPERATION(jobs_retry),
        .summary = "Submit a job that has ended once more",
        .body = FIELDS(retry_fields),
};

static enum err configs_list_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        const char *const *names;
        struct jsonw json;
        size_t count;
        enum err rc;

        (void)request;
        rc = named_config_list(ctx, &names, &count);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_array(&json, "configs");
        for (size_t i = 0; i < count; i++) {
                jsonw_object(&json, NULL);
                jsonw_string(&json, "name", names[i]);
                jsonw_bool(&json, "is_active", false);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        jsonw_null(&json, "active_config");
        return reply_json_end(ctx, reply, &json);
}

const struct operation configs_list = {
        OPERATION(configs_list),
        .summary = "List the saved configurations",
};
