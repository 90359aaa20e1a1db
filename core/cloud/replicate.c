/* Replicate: the calls of its API (replicate.com/docs/reference/http, api.replicate.com/v1). */
#include <string.h>

#include "core/cloud/provider.h"
#include "core/cloud/replicate_prediction.h"

/* What Replicate's error bodies say: {"detail": text, "title"?: text}. In the arena's tree. */
static const char *reason_in(const json_t *answer)
{
        const char *detail = json_string_at(answer, "detail");
        const char *title = json_string_at(answer, "title");

        return detail ? detail : title ? title : "no reason given";
}

/* Does this status leave open whether a POST took effect? */
static bool is_ambiguous(long status)
{
        return status >= 500 && status != 501;
}

/* Complete a request: the token, and the body when there is one. */
static enum err prepare(struct ctx *ctx, const struct provider_session *session, const json_t *body,
                        struct http_request *request)
{
        enum err rc;

        if (session->token.len == 0)
                return ctx_fail(ctx, ERR_PROVIDER, "REPLICATE_API_TOKEN not set");
        request->bearer = session->token.bytes;
        if (!body)
                return OK;
        rc = json_text(ctx, body, &request->body);
        if (rc != OK)
                return rc;
        request->body_len = strlen(request->body);
        request->content_type = "application/json";
        return OK;
}

/* What an answer means. *ret_json: parsed, owned by the arena, NULL when a 2xx had no body.
 * ERR_NOT_FOUND: 404. ERR_PROVIDER, ERR_OUTCOME_UNKNOWN as in provider.h. */
static enum err read_answer(struct ctx *ctx, const struct http_answer *answer, json_t **ret_json)
{
        json_t *json = NULL;
        enum err rc, parsed;

        parsed = answer->body_len ? json_parse(ctx, "answer", answer->body, answer->body_len, &json)
                                  : ERR_INVALID;
        if (parsed == OK) {
                rc = json_keep(ctx, json);
                if (rc != OK)
                        return rc;
        }
        if (answer->status == 404)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Replicate: not found");
        if (answer->status < 200 || answer->status > 299)
                return ctx_fail(ctx,
                                is_ambiguous(answer->status) ? ERR_OUTCOME_UNKNOWN : ERR_PROVIDER,
                                "Replicate answered HTTP %ld: %.200s", answer->status,
                                parsed == OK ? reason_in(json) : "no readable answer");
        if (parsed != OK && answer->body_len)
                return ctx_fail(ctx, ERR_OUTCOME_UNKNOWN,
                                "Replicate answered HTTP %ld with something that is not JSON",
                                answer->status);
        *ret_json = json;
        return OK;
}

/* One call: prepare, perform, read. */
static enum err call(struct ctx *ctx, const struct provider_session *session,
                     struct http_request request, const json_t *body, json_t **ret_json)
{
        struct http_answer answer = { 0 };
        enum err rc;

        rc = prepare(ctx, session, body, &request);
        if (rc != OK)
                return rc;
        rc = http_perform(ctx, &session->http, &request, &answer);
        if (rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN)
                return ctx_prefix(ctx, rc, "Replicate cannot be reached");
        return rc == OK ? read_answer(ctx, &answer, ret_json) : rc;
}

static enum err call_path(struct ctx *ctx, const struct provider_session *session,
                          const char *method, const char *path, json_t **ret_json)
{
        const char *url = arena_printf(ctx->arena, "%s%s", session->api_base, path);

        if (!url)
                return ctx_nomem(ctx);
        return call(ctx, session, (struct http_request){ .method = method, .url = url }, NULL,
                    ret_json);
}

/* For calls that change nothing, an unknown outcome is a plain failure. */
static enum err settled(enum err rc)
{
        return rc == ERR_OUTCOME_UNKNOWN ? ERR_PROVIDER : rc;
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
        enum err rc = settled(call_path(ctx, session, "GET", "/account", &json));

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        *ret = (struct provider_account){
                .username = json_string_at(json, "username"),
                .name = json_string_at(json, "name"),
                .github_url = json_string_at(json, "github_url"),
        };
        return OK;
}

/* "owner/name:id" of the version to run: the one set, else the newest of the profile's model. */
static enum err choose_version(struct ctx *ctx, const struct provider_session *session,
                               const struct hardware *hardware, const char **ret)
{
        const char *newest = NULL, *newest_at = "", *path, *model;
        const json_t *results;
        json_t *json = NULL, *version;
        size_t i;
        enum err rc;

        if (session->settings.version_override) {
                *ret = session->settings.version_override;
                return OK;
        }
        model = arena_printf(ctx->arena, "simpletuner/advanced-trainer-%s", hardware->profile);
        path = model ? arena_printf(ctx->arena, "/models/%s/versions", model) : NULL;
        if (!path)
                return ctx_nomem(ctx);
        rc = settled(call_path(ctx, session, "GET", path, &json));
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate has no model %s", model);
        if (rc != OK)
                return rc;
        results = json_object_get(json, "results");
        json_array_foreach (results, i, version) {
                const char *created_at = json_string_at(version, "created_at");

                if (json_string_at(version, "id") && created_at &&
                    strcmp(created_at, newest_at) > 0) {
                        newest = json_string_at(version, "id");
                        newest_at = created_at;
                }
        }
        if (!newest)
                return ctx_fail(ctx, ERR_PROVIDER, "No versions available for model %s", model);
        *ret = arena_printf(ctx->arena, "%s:%s", model, newest);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err submit(struct ctx *ctx, const struct provider_session *session,
                       const struct provider_submission *submission, struct provider_job *ret)
{
        CLEANUP(json_decrefp) json_t *body = NULL;
        json_t *json = NULL;
        struct http_request request = { .method = "POST" };
        const char *version;
        enum err rc;

        rc = choose_version(ctx, session, &submission->hardware, &version);
        if (rc != OK)
                return rc;
        body = replicate_prediction_request(submission, version);
        request.url = arena_printf(ctx->arena, "%s/predictions", session->api_base);
        if (!body || !request.url)
                return ctx_nomem(ctx);
        rc = call(ctx, session, request, body, &json);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate has no version %s", version);
        if (rc != OK)
                return rc;
        return read_prediction(ctx, json, ret);
}

/* Ids from outside go into a path only when they cannot change its meaning. */
static enum err prediction_path(struct ctx *ctx, const char *external_id, const char *suffix,
                                const char **ret)
{
        static const char safe[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

        if (external_id[strspn(external_id, safe)] != '\0')
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate's prediction id has odd characters");
        *ret = arena_printf(ctx->arena, "/predictions/%s%s", external_id, suffix);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err status_request(struct ctx *ctx, const struct provider_session *session,
                               const char *external_id, struct http_request *ret)
{
        struct http_request request = { .method = "GET" };
        const char *path;
        enum err rc;

        rc = prediction_path(ctx, external_id, "", &path);
        if (rc == OK)
                rc = prepare(ctx, session, NULL, &request);
        if (rc != OK)
                return rc;
        request.url = arena_printf(ctx->arena, "%s%s", session->api_base, path);
        if (!request.url)
                return ctx_nomem(ctx);
        *ret = request;
        return OK;
}

static enum err status_answer(struct ctx *ctx, const struct http_answer *answer,
                              struct provider_job *ret)
{
        json_t *json = NULL;
        enum err rc = settled(read_answer(ctx, answer, &json));

        return rc == OK ? settled(read_prediction(ctx, json, ret)) : rc;
}

static enum err cancel(struct ctx *ctx, const struct provider_session *session,
                       const char *external_id)
{
        json_t *json = NULL;
        const char *path;
        enum err rc;

        rc = prediction_path(ctx, external_id, "/cancel", &path);
        if (rc == OK)
                rc = settled(call_path(ctx, session, "POST", path, &json));
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* The predictions of a page; those that are none are left out. */
static enum err read_page(struct ctx *ctx, const json_t *json, struct provider_page *ret)
{
        const json_t *results = json_object_get(json, "results");
        struct provider_page page = { .next = json_string_at(json, "next") };
        json_t *prediction;
        size_t i;

        if (!json_is_array(results))
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate's list has no results");
        page.jobs = arena_alloc(ctx->arena, (json_array_size(results) + 1) * sizeof(*page.jobs));
        if (!page.jobs)
                return ctx_nomem(ctx);
        json_array_foreach (results, i, prediction) {
                const char *created_at = json_string_at(prediction, "created_at");
                int64_t created_us;

                if (created_at && clock_parse_iso(created_at, &created_us))
                        page.oldest_created_us = created_us;
                if (replicate_prediction_read(prediction, &page.jobs[page.count]))
                        page.count++;
        }
        *ret = page;
        return OK;
}

static enum err list(struct ctx *ctx, const struct provider_session *session, const char *cursor,
                     struct provider_page *ret)
{
        struct http_request request = { .method = "GET", .url = cursor };
        json_t *json = NULL;
        enum err rc;

        /* The token goes to no other place than the one the administrator set. */
        if (cursor && strncmp(cursor, session->api_base, strlen(session->api_base)) != 0)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate's list leads elsewhere");
        if (!cursor)
                request.url = arena_printf(ctx->arena, "%s/predictions", session->api_base);
        if (!request.url)
                return ctx_nomem(ctx);
        rc = settled(call(ctx, session, request, NULL, &json));
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        return read_page(ctx, json, ret);
}

static enum err webhook_secret(struct ctx *ctx, const struct provider_session *session,
                               const char **ret_secret)
{
        json_t *json = NULL;
        enum err rc = settled(call_path(ctx, session, "GET", "/webhooks/default/secret", &json));

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        *ret_secret = json_string_at(json, "key");
        if (!*ret_secret)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate gave no webhook secret");
        return OK;
}

/* POST /files, replicate.com/docs/reference/http#files.create. */
static enum err upload_file(struct ctx *ctx, const struct provider_session *session,
                            const struct http_file *file, const char **ret_url)
{
        struct http_file content = *file;
        struct http_request request = { .method = "POST", .file = &content };
        json_t *json = NULL;
        const char *url;
        enum err rc;

        content.field = "content";
        request.url = arena_printf(ctx->arena, "%s/files", session->api_base);
        if (!request.url)
                return ctx_nomem(ctx);
        rc = settled(call(ctx, session, request, NULL, &json));
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        url = json_string_at(json_object_get(json, "urls"), "get");
        if (!url)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate did not say where the file is");
        *ret_url = url;
        return OK;
}

const struct provider provider_replicate = {
        .id = "replicate",
        .name = "Replicate",
        .description = "Training on Replicate's H100 and L40S machines",
        .default_api_base = "https://api.replicate.com/v1",
        .token_name = "REPLICATE_API_TOKEN",
        .token_prefix = "r8_",
        .webhook_secret_name = "REPLICATE_WEBHOOK_SECRET",
        .file_max_bytes = (int64_t)(100 * MiB),
        .validate = validate,
        .submit = submit,
        .status_request = status_request,
        .status_answer = status_answer,
        .cancel = cancel,
        .list = list,
        .webhook_secret = webhook_secret,
        .upload_file = upload_file,
        .parse_webhook = replicate_prediction_read,
};
