/* Tests whether webhooks arrive. */
#include "core/cloud/webhook/webhook_test.h"

#include <string.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "fcgi/handlers.h"

static void render_test(struct jsonw *json, const struct webhook_test *test)
{
        jsonw_bool(json, "success", test->success);
        jsonw_string(json, "message", test->message);
        if (test->latency_ms >= 0)
                jsonw_number(json, "latency_ms", test->latency_ms, 1);
        else
                jsonw_null(json, "latency_ms");
        if (test->status_code)
                jsonw_int(json, "status_code", test->status_code);
        else
                jsonw_null(json, "status_code");
        jsonw_string(json, "error", test->error);
}

/* Our own webhook takes what the global account signs, whoever asks for the test. */
static enum err webhook_test_stored_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct provider_session session;
        struct webhook_test test;
        struct jsonw json;
        enum err rc;

        rc = provider_open_for(ctx, request_param(request, "provider"), "", &session);
        if (rc == OK)
                rc = webhook_test_own(ctx, &session, &test);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_test(&json, &test);
        return reply_json_end(ctx, reply, &json);
}

const struct operation webhook_test_stored = {
        OPERATION(webhook_test_stored),
        .summary = "Call the webhook address from here",
};

static enum err webhook_test_outside_run(struct ctx *ctx, const struct request *request,
                                         struct reply *reply)
{
        struct provider_session session;
        struct webhook_test test;
        struct jsonw json;
        enum err rc;

        rc = provider_open(ctx, request_param(request, "provider"), &session);
        if (rc == OK)
                rc = webhook_test_external(ctx, &session, NULL, &test);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_test(&json, &test);
        jsonw_string(&json, "prediction_id", test.prediction);
        jsonw_string(&json, "details", test.details);
        return reply_json_end(ctx, reply, &json);
}

const struct operation webhook_test_outside = {
        OPERATION(webhook_test_outside),
        .summary = "Have the provider call the webhook address",
};

struct given {
        const char *webhook_url, *provider, *method;
        double timeout;
};

static const char *const methods[] = { "direct", "replicate_cog", NULL };

static const struct field given_fields[] = {
        FIELD(struct given, webhook_url, FIELD_URL, .max = 2048, .required = true),
        FIELD(struct given, provider, FIELD_STRING, .max = 64),
        FIELD(struct given, timeout, FIELD_NUMBER, .min = 0.1, .max = 60),
        FIELD(struct given, method, FIELD_CHOICE, .choices = methods),
};

static enum err webhook_test_given_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct given given = {
                .provider = ctx->config->default_provider,
                .timeout = 30,
                .method = "direct",
        };
        struct provider_session session;
        struct webhook_test test;
        struct jsonw json;
        enum err rc;

        rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = provider_open(ctx, given.provider, &session);
        if (rc == OK)
                rc = strcmp(given.method, "direct") == 0
                             ? webhook_test_url(ctx, &session, given.webhook_url, given.timeout,
                                                &test)
                             : webhook_test_external(ctx, &session, given.webhook_url, &test);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_test(&json, &test);
        jsonw_string(&json, "method", given.method);
        return reply_json_end(ctx, reply, &json);
}

const struct operation webhook_test_given = {
        OPERATION(webhook_test_given),
        .summary = "Call a webhook address that is given",
        .body = FIELDS(given_fields),
};
