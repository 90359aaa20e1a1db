/* The provider "http": any service that speaks the small protocol of README.md, "A provider of your
 * own". Requests are signed as Standard Webhooks are, with the secret that signs its webhooks. */
#include <string.h>

#include "core/base/buf.h"
#include "core/cloud/provider/credential.h"
#include "core/cloud/provider/provider_http_job.h"
#include "core/cloud/provider/provider_rest.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/webhook/webhook_keys.h"

#define NAME        "HTTP"
#define SECRET_NAME "CLOUD_WEBHOOK_SECRET"
#define CURSOR_MAX  1024

/* Signature, one more line, NULL. */
#define LINES (WEBHOOK_SIGN_LINES + 2)

/* Without a secret requests go unsigned. */
static enum err sign(struct ctx *ctx, const struct http_request *request, const char **lines)
{
        const struct crypto_bytes body = { request->body ? request->body : "", request->body_len };
        struct secret secret;
        enum err rc = secrets_get(ctx, SECRET_NAME, &secret);

        if (rc == ERR_NOT_FOUND)
                return OK;
        if (rc == OK)
                rc = webhook_sign(ctx, secret.bytes, body, lines);
        return rc == ERR_INVALID ? ctx_prefix(ctx, ERR_PROVIDER, SECRET_NAME) : rc;
}

/* Complete a request: its body when there is one, the token when there is one, the signature, and
 * one more header line unless that is NULL. */
static enum err prepare(struct ctx *ctx, const struct provider_session *session, const json_t *body,
                        const char *line, struct http_request *request)
{
        const char **lines = arena_alloc(ctx->arena, LINES * sizeof(*lines));
        size_t count = 0;
        enum err rc = OK;

        if (!lines)
                return ctx_nomem(ctx);
        if (body)
                rc = provider_rest_body(ctx, body, request);
        if (rc == OK)
                rc = sign(ctx, request, lines);
        if (rc != OK)
                return rc;
        while (lines[count])
                count++;
        lines[count] = line;
        request->headers = lines;
        if (session->token.len > 0)
                request->bearer = session->token.bytes;
        credential_note_use(ctx, session);
        return OK;
}

static enum err check_address(struct ctx *ctx, const struct provider_session *session)
{
        if (session->api_base)
                return OK;
        return ctx_fail(ctx, ERR_PROVIDER, "api_base_url not set");
}

/* A call that may be made twice. ERR_NOT_FOUND. ERR_PROVIDER. */
static enum err call(struct ctx *ctx, const struct provider_session *session, const char *method,
                     const char *url, json_t **ret_json)
{
        struct http_request request = { .method = method, .url = url, .repeatable = true };
        enum err rc = prepare(ctx, session, NULL, NULL, &request);

        if (strcmp(method, "POST") == 0) /* the one there is that may be made twice */
                request.op = "cancel";
        if (rc == OK)
                rc = provider_rest_call(ctx, session, &request, ret_json);
        return provider_rest_settled(rc);
}

static enum err call_path(struct ctx *ctx, const struct provider_session *session, const char *path,
                          json_t **ret_json)
{
        const char *url;
        enum err rc = check_address(ctx, session);

        if (rc != OK)
                return rc;
        url = arena_printf(ctx->arena, "%s%s", session->api_base, path);
        return url ? call(ctx, session, "GET", url, ret_json) : ctx_nomem(ctx);
}

static enum err read_job(struct ctx *ctx, const json_t *json, struct provider_job *ret)
{
        if (!http_job_read(json, ret))
                return ctx_fail(ctx, ERR_OUTCOME_UNKNOWN,
                                NAME " answered with something that is not a job");
        return OK;
}

static enum err validate(struct ctx *ctx, const struct provider_session *session,
                         struct provider_account *ret)
{
        json_t *json = NULL;
        enum err rc = call_path(ctx, session, "/account", &json);

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        *ret = provider_rest_account(json);
        return OK;
}

static enum err submit(struct ctx *ctx, const struct provider_session *session,
                       const struct provider_submission *submission, struct provider_job *ret)
{
        const char *key = arena_printf(ctx->arena, "Idempotency-Key: %s", submission->job_id);
        struct http_request request = { .op = "submit", .method = "POST" };
        CLEANUP(json_decrefp) json_t *body = NULL;
        json_t *json = NULL;
        enum err rc;

        if (!key)
                return ctx_nomem(ctx);
        rc = check_address(ctx, session);
        if (rc == OK)
                rc = http_job_request(ctx, submission, &body);
        if (rc != OK)
                return rc;
        request.url = arena_printf(ctx->arena, "%s/jobs", session->api_base);
        if (!request.url)
                return ctx_nomem(ctx);
        rc = prepare(ctx, session, body, key, &request);
        if (rc == OK)
                rc = provider_rest_call(ctx, session, &request, &json);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_PROVIDER, NAME " has no POST /jobs at its address");
        return rc == OK ? read_job(ctx, json, ret) : rc;
}

static enum err job_url(struct ctx *ctx, const struct provider_session *session,
                        const char *external_id, const char *suffix, const char **ret)
{
        const char *const parts[] = { "/jobs", external_id, suffix };
        enum err rc = check_address(ctx, session);

        return rc == OK ? provider_rest_job_url(ctx, session, parts, ret) : rc;
}

static enum err status_request(struct ctx *ctx, const struct provider_session *session,
                               const char *external_id, struct http_request *ret)
{
        struct http_request request = { .op = "status", .method = "GET" };
        enum err rc = job_url(ctx, session, external_id, "", &request.url);

        if (rc == OK)
                rc = prepare(ctx, session, NULL, NULL, &request);
        if (rc == OK)
                *ret = request;
        return rc;
}

static enum err status_answer(struct ctx *ctx, const struct http_answer *answer,
                              struct provider_job *ret)
{
        json_t *json = NULL;
        enum err rc = provider_rest_read(ctx, NAME, answer, &json);

        if (rc == OK)
                rc = read_job(ctx, json, ret);
        return provider_rest_settled(rc);
}

static enum err cancel(struct ctx *ctx, const struct provider_session *session,
                       const char *external_id)
{
        json_t *json = NULL;
        const char *url;
        enum err rc = job_url(ctx, session, external_id, "/cancel", &url);

        if (rc == OK)
                rc = call(ctx, session, "POST", url, &json);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* "/jobs", or "/jobs?cursor=..." with the cursor percent-encoded: it is the service's own text. */
static enum err list_path(struct ctx *ctx, const char *cursor, const char **ret)
{
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
        struct buf path;
        enum err rc;

        buf_init(&path, sizeof("/jobs?cursor=") + 3 * (size_t)CURSOR_MAX);
        buf_puts(&path, cursor ? "/jobs?cursor=" : "/jobs");
        for (; cursor && *cursor; cursor++) {
                if (strchr(plain, *cursor))
                        buf_putc(&path, *cursor);
                else
                        buf_printf(&path, "%%%02X", (unsigned char)*cursor);
        }
        rc = buf_ok(&path) ? ctx_strdup(ctx, buf_str(&path), ret)
                           : ctx_fail(ctx, ERR_PROVIDER, NAME "'s cursor is too long");
        buf_done(&path);
        return rc;
}

static enum err list(struct ctx *ctx, const struct provider_session *session, const char *cursor,
                     struct provider_page *ret)
{
        struct provider_page page = { 0 };
        json_t *json = NULL, *jobs, *job;
        const char *path;
        size_t i;
        enum err rc = list_path(ctx, cursor, &path);

        if (rc == OK)
                rc = call_path(ctx, session, path, &json);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        jobs = json_object_get(json, "jobs");
        if (!json_is_array(jobs))
                return ctx_fail(ctx, ERR_PROVIDER, NAME "'s list has no jobs");
        page.next = json_string_at(json, "next");
        page.jobs = arena_alloc(ctx->arena, (json_array_size(jobs) + 1) * sizeof(*page.jobs));
        if (!page.jobs)
                return ctx_nomem(ctx);
        json_array_foreach (jobs, i, job) {
                int64_t created_us = provider_rest_time(job, "created_at");

                if (created_us)
                        page.oldest_created_us = created_us;
                if (http_job_read(job, &page.jobs[page.count]))
                        page.count++;
        }
        *ret = page;
        return OK;
}

const struct provider provider_http = {
        .id = "http",
        .name = NAME,
        .description = "Any service that speaks the small protocol of the README",
        .token_name = "HTTP_PROVIDER_TOKEN",
        .token_optional = true,
        .webhook_secret_name = SECRET_NAME,
        .balance_note = "This provider does not tell a balance",
        .validate = validate,
        .submit = submit,
        .status_request = status_request,
        .status_answer = status_answer,
        .cancel = cancel,
        .list = list,
        .parse_webhook = http_job_read,
        .hardware_find = hardware_listed_find,
        .hardware_at = hardware_listed_at,
};
