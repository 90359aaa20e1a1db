#include "core/cloud/webhook/webhook_test.h"

#include "core/cloud/provider/provider_rest.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/webhook/webhook_keys.h"

#define OWN_TIMEOUT_S 10.0

/* NULL: there is none. */
static enum err own_url(struct ctx *ctx, const struct provider_session *session, const char **ret)
{
        const char *base = provider_public_url(ctx, &session->settings);

        *ret = session->settings.webhook_url;
        if (*ret || !*base)
                return OK;
        *ret = arena_printf(ctx->arena, "%s/api/webhooks/%s", base, session->provider->id);
        return *ret ? OK : ctx_nomem(ctx);
}

/* What signs the provider's webhooks: as set, else as it says. NULL: not known. */
static const char *signing_secrets(struct ctx *ctx, const struct provider_session *session)
{
        const struct provider *provider = session->provider;
        struct secret secret;
        const char *fetched;

        if (secrets_get(ctx, provider->webhook_secret_name, &secret) == OK)
                return secret.bytes;
        if (provider->webhook_secret && provider->webhook_secret(ctx, session, &fetched) == OK)
                return fetched;
        return NULL;
}

static double now_s(struct ctx *ctx)
{
        return (double)clock_wall_us(ctx->clock) / 1e6;
}

/* What the far side's status, or its absence, means. */
static enum err judge_status(struct ctx *ctx, struct webhook_test *test)
{
        long status = (long)test->status_code;

        test->success = status >= 200 && status <= 299;
        if (test->success) {
                test->message = arena_printf(ctx->arena, "Webhook reachable (HTTP %ld)", status);
                return test->message ? OK : ctx_nomem(ctx);
        }
        test->message = "Webhook returned error status";
        test->error = arena_printf(
                ctx->arena, "HTTP %ld%s", status,
                status >= 300 && status <= 399 ? ": senders do not follow redirects" : "");
        return test->error ? OK : ctx_nomem(ctx);
}

static enum err judge_failure(struct ctx *ctx, double timeout_s, struct webhook_test *test)
{
        bool late = test->latency_ms >= timeout_s * 1000;

        test->message = late ? "Connection timeout" : "Connection failed";
        test->error =
                late ? arena_printf(ctx->arena, "Request timed out after %g seconds", timeout_s)
                     : arena_strdup(ctx->arena, ctx->detail);
        return test->error ? OK : ctx_nomem(ctx);
}

/* Make the call and judge what comes. ERR_DENIED: the address is not public, and that was wanted.
 */
static enum err post(struct ctx *ctx, const struct http_settings *http,
                     const struct http_request *request, struct webhook_test *ret)
{
        int64_t start_us = clock_mono_us(ctx->clock);
        struct webhook_test test = { 0 };
        struct http_answer answer = { 0 };
        enum err rc = http_perform(ctx, http, request, &answer);

        test.latency_ms = (double)(clock_mono_us(ctx->clock) - start_us) / 1000.0;
        test.status_code = answer.status;
        if (rc == OK)
                rc = judge_status(ctx, &test);
        else if (rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN)
                rc = judge_failure(ctx, http->timeout_s, &test);
        if (rc == OK)
                *ret = test;
        return rc;
}

static enum err no_url(struct webhook_test *ret)
{
        *ret = (struct webhook_test){ .message = "No webhook URL configured", .latency_ms = -1 };
        ret->error = ret->message;
        return OK;
}

enum err webhook_test_own(struct ctx *ctx, const struct provider_session *session,
                          struct webhook_test *ret)
{
        const char *lines[1 + WEBHOOK_SIGN_LINES + 1] = { "X-SimpleTuner-Test: true" };
        struct http_request request = { .method = "POST", .headers = lines };
        struct http_settings http = session->http;
        CLEANUP(json_decrefp) json_t *body = NULL;
        const char *secrets;
        enum err rc = own_url(ctx, session, &request.url);

        if (rc != OK)
                return rc;
        if (!request.url)
                return no_url(ret);
        body = json_pack("{s:s, s:s, s:s, s:f}", "event_type", "test.connection", "job_id",
                         "test-webhook-connection", "message",
                         "A test of SimpleTuner Cloud: this address can be reached", "timestamp",
                         now_s(ctx));
        if (!body)
                return ctx_nomem(ctx);
        rc = provider_rest_body(ctx, body, &request);
        if (rc != OK)
                return rc;
        secrets = signing_secrets(ctx, session);
        if (secrets) {
                rc = webhook_sign(ctx, secrets,
                                  (struct crypto_bytes){ request.body, request.body_len },
                                  lines + 1);
                if (rc != OK && rc != ERR_INVALID)
                        return rc;
        }
        http.timeout_s = OWN_TIMEOUT_S;
        return post(ctx, &http, &request, ret);
}

enum err webhook_test_url(struct ctx *ctx, const struct provider_session *session, const char *url,
                          double timeout_s, struct webhook_test *ret)
{
        static const char *const lines[] = { "X-SimpleTuner-Event: webhook_check", NULL };
        struct http_request request = { .method = "POST", .url = url, .headers = lines };
        struct http_settings http = session->http;
        CLEANUP(json_decrefp)
        json_t *body = json_pack("{s:s, s:s, s:s, s:f}", "event", "webhook_check", "status", "test",
                                 "message", "A test of SimpleTuner Cloud", "timestamp", now_s(ctx));
        enum err rc;

        if (!body)
                return ctx_nomem(ctx);
        http.timeout_s = timeout_s;
        http.public_only = true;
        rc = provider_rest_body(ctx, body, &request);
        if (rc == OK)
                rc = post(ctx, &http, &request, ret);
        if (rc == ERR_DENIED)
                return ctx_fail(ctx, ERR_INVALID, "webhook_url must lead to a public address");
        return rc;
}

/* A check that could not be made is an answer too. */
static enum err judge_probe(struct ctx *ctx, const struct provider_session *session,
                            const struct provider_probe *probe, struct webhook_test *ret)
{
        struct webhook_test test = {
                .success = probe->success,
                .latency_ms = probe->latency_ms,
                .status_code = probe->status_code,
                .prediction = probe->external_id,
                .details = probe->details,
                .error = probe->error,
        };

        test.message = arena_printf(ctx->arena, "Webhook %sreachable from %s",
                                    test.success ? "" : "not ", session->provider->name);
        if (!test.message)
                return ctx_nomem(ctx);
        *ret = test;
        return OK;
}

enum err webhook_test_external(struct ctx *ctx, const struct provider_session *session,
                               const char *url, struct webhook_test *ret)
{
        struct provider_probe probe = { 0 };
        enum err rc = url ? OK : own_url(ctx, session, &url);

        if (rc != OK)
                return rc;
        if (!url)
                return no_url(ret);
        if (!session->provider->probe) {
                *ret = (struct webhook_test){
                        .message = "External test only supported for Replicate",
                        .error = "External test only supported for Replicate",
                        .latency_ms = -1,
                };
                return OK;
        }
        rc = session->provider->probe(ctx, session, url, &probe);
        if (rc == OK)
                return judge_probe(ctx, session, &probe, ret);
        if (rc != ERR_PROVIDER)
                return rc;
        *ret = (struct webhook_test){ .message = "Test failed", .latency_ms = -1 };
        return ctx_strdup(ctx, ctx->detail, &ret->error);
}
