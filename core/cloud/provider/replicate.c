/* Replicate: the calls of its API (replicate.com/docs/reference/http, api.replicate.com/v1). */
#include <inttypes.h>

#include "core/cloud/provider/credential.h"
#include "core/cloud/provider/provider_rest.h"
#include "core/cloud/provider/replicate_api.h"
#include "core/cloud/provider/replicate_prediction.h"

#define MODEL_PREFIX "simpletuner/advanced-trainer-"

enum err replicate_prepare(struct ctx *ctx, const struct provider_session *session,
                           const json_t *body, struct http_request *request)
{
        if (session->token.len == 0)
                return ctx_fail(ctx, ERR_PROVIDER, "REPLICATE_API_TOKEN not set");
        request->bearer = session->token.bytes;
        credential_note_use(ctx, session);
        return body ? provider_rest_body(ctx, body, request) : OK;
}

enum err replicate_call(struct ctx *ctx, const struct provider_session *session,
                        struct http_request request, const json_t *body, json_t **ret_json)
{
        enum err rc = replicate_prepare(ctx, session, body, &request);

        return rc == OK ? provider_rest_call(ctx, session, &request, ret_json) : rc;
}

static enum err get_url(struct ctx *ctx, const struct provider_session *session, const char *url,
                        json_t **ret_json)
{
        struct http_request request = { .method = "GET", .url = url };

        return provider_rest_settled(replicate_call(ctx, session, request, NULL, ret_json));
}

enum err replicate_get(struct ctx *ctx, const struct provider_session *session, const char *path,
                       json_t **ret_json)
{
        const char *url = arena_printf(ctx->arena, "%s%s", session->api_base, path);

        return url ? get_url(ctx, session, url, ret_json) : ctx_nomem(ctx);
}

enum err replicate_get_page(struct ctx *ctx, const struct provider_session *session,
                            const char *path, const char *cursor, struct replicate_page *ret)
{
        json_t *json = NULL;
        enum err rc;

        /* The token goes to no other place than the one the administrator set. */
        if (cursor && !provider_rest_is_below(session->api_base, cursor))
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate's list leads elsewhere");
        rc = cursor ? get_url(ctx, session, cursor, &json)
                    : replicate_get(ctx, session, path, &json);
        if (rc != OK)
                return rc;
        if (!json_is_array(json_object_get(json, "results")))
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate's list has no results");
        *ret = (struct replicate_page){
                .results = json_object_get(json, "results"),
                .next = json_string_at(json, "next"),
        };
        return OK;
}

static enum err read_prediction(struct ctx *ctx, const json_t *json, struct provider_job *ret)
{
        if (!replicate_prediction_read(json, ret))
                return ctx_fail(ctx, ERR_OUTCOME_UNKNOWN,
                                "Replicate answered with something that is not a prediction");
        return OK;
}

static enum err validate(struct ctx *ctx, const struct provider_session *session,
                         struct provider_account *ret)
{
        json_t *json = NULL;
        enum err rc = replicate_get(ctx, session, "/account", &json);

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        *ret = provider_rest_account(json);
        return OK;
}

/* "owner/name:id" of the version to run: the one set, else the newest of the profile's model. */
static enum err choose_version(struct ctx *ctx, const struct provider_session *session,
                               const struct hardware *hardware, const char **ret)
{
        struct provider_versions versions;
        const char *model;
        enum err rc;

        if (session->settings.version_override) {
                *ret = session->settings.version_override;
                return OK;
        }
        model = arena_printf(ctx->arena, MODEL_PREFIX "%s", hardware->profile);
        if (!model)
                return ctx_nomem(ctx);
        rc = replicate_versions(ctx, session, model, &versions);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        if (versions.count == 0)
                return ctx_fail(ctx, ERR_PROVIDER, "No versions available for model %s", model);
        *ret = arena_printf(ctx->arena, "%s:%s", model, versions.items[0].id);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err submit(struct ctx *ctx, const struct provider_session *session,
                       const struct provider_submission *submission, struct provider_job *ret)
{
        CLEANUP(json_decrefp) json_t *body = NULL;
        json_t *json = NULL;
        const char *headers[] = { NULL, NULL };
        struct http_request request = { .op = "submit", .method = "POST", .headers = headers };
        const char *version;
        enum err rc;

        rc = choose_version(ctx, session, &submission->hardware, &version);
        if (rc != OK)
                return rc;
        body = replicate_prediction_request(submission, version);
        request.url = arena_printf(ctx->arena, "%s/predictions", session->api_base);
        if (!body || !request.url)
                return ctx_nomem(ctx);
        if (submission->max_runtime_s > 0) {
                headers[0] = arena_printf(ctx->arena, "Cancel-After: %" PRId64 "s",
                                          submission->max_runtime_s);
                if (!headers[0])
                        return ctx_nomem(ctx);
        }
        rc = replicate_call(ctx, session, request, body, &json);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate has no version %s", version);
        if (rc != OK)
                return rc;
        return read_prediction(ctx, json, ret);
}

static enum err status_request(struct ctx *ctx, const struct provider_session *session,
                               const char *external_id, struct http_request *ret)
{
        const char *const parts[] = { "/predictions", external_id, "" };
        struct http_request request = { .op = "status", .method = "GET" };
        enum err rc;

        rc = provider_rest_job_url(ctx, session, parts, &request.url);
        if (rc == OK)
                rc = replicate_prepare(ctx, session, NULL, &request);
        if (rc == OK)
                *ret = request;
        return rc;
}

static enum err status_answer(struct ctx *ctx, const struct http_answer *answer,
                              struct provider_job *ret)
{
        json_t *json = NULL;
        enum err rc = provider_rest_read(ctx, "Replicate", answer, &json);

        if (rc == OK)
                rc = read_prediction(ctx, json, ret);
        return provider_rest_settled(rc);
}

static enum err cancel(struct ctx *ctx, const struct provider_session *session,
                       const char *external_id)
{
        struct http_request request = { .op = "cancel", .method = "POST", .repeatable = true };
        const char *const parts[] = { "/predictions", external_id, "/cancel" };
        json_t *json = NULL;
        enum err rc;

        rc = provider_rest_job_url(ctx, session, parts, &request.url);
        if (rc == OK)
                rc = provider_rest_settled(replicate_call(ctx, session, request, NULL, &json));
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* One page of predictions; those that are none are left out. */
static enum err list(struct ctx *ctx, const struct provider_session *session, const char *cursor,
                     struct provider_page *ret)
{
        struct provider_page page = { 0 };
        struct replicate_page answer;
        json_t *prediction;
        size_t i;
        enum err rc;

        rc = replicate_get_page(ctx, session, "/predictions", cursor, &answer);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        page.next = answer.next;
        page.jobs =
                arena_alloc(ctx->arena, (json_array_size(answer.results) + 1) * sizeof(*page.jobs));
        if (!page.jobs)
                return ctx_nomem(ctx);
        json_array_foreach (answer.results, i, prediction) {
                int64_t created_us = provider_rest_time(prediction, "created_at");

                if (created_us)
                        page.oldest_created_us = created_us;
                if (replicate_prediction_read(prediction, &page.jobs[page.count]))
                        page.count++;
        }
        *ret = page;
        return OK;
}

static enum err find_hardware(struct ctx *ctx, const json_t *info, const char *name,
                              struct hardware *ret)
{
        (void)info;
        return hardware_find(ctx, name, ret);
}

static bool nth_hardware(const json_t *info, size_t n, struct hardware *ret)
{
        (void)info;
        return hardware_at(n, ret);
}

const struct provider provider_replicate = {
        .id = "replicate",
        .name = "Replicate",
        .description = "Training on Replicate's H100 and L40S machines",
        .default_api_base = "https://api.replicate.com/v1",
        .token_name = "REPLICATE_API_TOKEN",
        .token_prefix = "r8_",
        .webhook_secret_name = "REPLICATE_WEBHOOK_SECRET",
        .model_prefix = MODEL_PREFIX,
        .default_profile = HARDWARE_DEFAULT,
        .status_page_url = "https://status.replicate.com/api/v2/summary.json",
        .balance_note = "Check balance on replicate.com/account",
        .default_run_limit_s = 1800, /* replicate.com/docs/topics/predictions/lifecycle */
        .file_max_bytes = (int64_t)(100 * MiB),
        .validate = validate,
        .submit = submit,
        .status_request = status_request,
        .status_answer = status_answer,
        .cancel = cancel,
        .list = list,
        .webhook_secret = replicate_webhook_secret,
        .parse_webhook = replicate_prediction_read,
        .hardware_find = find_hardware,
        .hardware_at = nth_hardware,
        .hardware_now = replicate_hardware_now,
        .versions = replicate_versions,
        .upload_file = replicate_upload_file,
        .probe = replicate_probe,
};
