/* Circuit breakers: how the providers are doing, and closing one by hand. */
#include "core/cloud/provider/breaker.h"
#include "core/cloud/provider/provider.h"
#include "fcgi/handlers.h"

static void render_breaker(const struct ctx *ctx, struct jsonw *json, const struct breaker *breaker)
{
        const int64_t wait_s = breaker_retry_after_s(ctx, breaker);

        jsonw_string(json, "name", breaker->provider);
        jsonw_string(json, "provider", breaker->provider);
        jsonw_string(json, "state", breaker_state_name(breaker->state));
        jsonw_int(json, "failure_count", breaker->failures);
        jsonw_int(json, "success_count", breaker->successes);
        jsonw_int(json, "total_failures", breaker->total_failures);
        jsonw_time(json, "opened_at", breaker->opened_at_us);
        jsonw_time(json, "last_failure", breaker->last_failure_us);
        if (wait_s > 0)
                jsonw_int(json, "retry_after", wait_s);
        else
                jsonw_null(json, "retry_after");
        jsonw_int(json, "retry_after_seconds", wait_s);
        jsonw_string(json, "last_error", breaker->last_error);
}

static enum err breakers_list_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct breaker breaker;
        struct jsonw json;
        size_t i;

        (void)request;
        json = reply_json(reply);
        jsonw_array(&json, "circuit_breakers");
        for (i = 0; provider_at(i); i++) {
                enum err rc = breaker_get(ctx, provider_at(i)->id, &breaker);

                if (rc != OK)
                        return rc;
                jsonw_object(&json, NULL);
                render_breaker(ctx, &json, &breaker);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        jsonw_int(&json, "total", (int64_t)i);
        return reply_json_end(ctx, reply, &json);
}

const struct operation breakers_list = {
        OPERATION(breakers_list),
        .summary = "List the circuit breakers of the providers",
};

static enum err breakers_reset_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        const struct provider *provider;
        struct breaker breaker;
        struct jsonw json;
        enum err rc;

        rc = provider_find(ctx, request_param(request, "provider"), &provider);
        if (rc == OK)
                rc = breaker_reset(ctx, provider->id, &breaker);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_breaker(ctx, &json, &breaker);
        return reply_json_end(ctx, reply, &json);
}

const struct operation breakers_reset = {
        OPERATION(breakers_reset),
        .summary = "Close the circuit breaker of a provider",
};
