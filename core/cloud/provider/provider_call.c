#include "core/cloud/provider/provider_call.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/http/http_retry.h"
#include "core/cloud/metrics/meter.h"
#include "core/cloud/provider/breaker.h"

/* What a call says about the provider's health. A refusal proves that it is there; a wrong setting
 * of ours proves nothing. */
static void report(struct ctx *ctx, const struct breaker_pass *pass, enum err rc,
                   const struct http_answer *answer)
{
        enum breaker_outcome outcome = BREAKER_NO_VERDICT;
        char status[32];

        if (rc == OK && (answer->status == 429 || answer->status >= 500)) {
                snprintf(status, sizeof(status), "HTTP %ld", answer->status);
                breaker_report(ctx, pass, BREAKER_FAILURE, status);
                return;
        }
        if (rc == OK)
                outcome = BREAKER_SUCCESS;
        else if ((rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN) && !answer->permanent)
                outcome = BREAKER_FAILURE;
        breaker_report(ctx, pass, outcome, ctx->detail);
}

/* A call that was made, for the meters: "unknown" may have taken effect, "failed" has not. */
struct made_call {
        const char *provider;
        const struct http_request *request;
        const struct http_answer *answer;
        int64_t start_us;
};

static void count(const struct ctx *ctx, const struct made_call *call, enum err rc)
{
        const char *outcome = "failed", *op = call->request->op;

        if (!op)
                op = strcmp(call->request->method, "GET") == 0 ? "read" : "call";
        if (rc == OK)
                outcome = call->answer->status < 400   ? "ok"
                          : call->answer->status < 500 ? "refused"
                                                       : "failed";
        else if (rc == ERR_OUTCOME_UNKNOWN)
                outcome = "unknown";
        meter_observe(ctx, METER_PROVIDER_SECONDS, METER_LABELS(call->provider, op, outcome),
                      (double)(clock_mono_us(ctx->clock) - call->start_us) / 1e6);
}

enum err provider_call(struct ctx *ctx, const struct provider_session *session,
                       const struct http_request *request, struct http_answer *ret)
{
        struct http_retry retry = http_retry_begin(ctx, session->http.timeout_s);
        struct http_settings settings = session->http;
        struct breaker_pass pass;
        int64_t start_us;
        enum err rc;

        do {
                rc = breaker_check(ctx, session->provider->id, &pass);
                if (rc != OK)
                        return rc;
                settings.timeout_s = http_retry_left_s(ctx, &retry);
                start_us = clock_mono_us(ctx->clock);
                rc = http_perform(ctx, &settings, request, ret);
                count(ctx, &(struct made_call){ pass.provider, request, ret, start_us }, rc);
                report(ctx, &pass, rc, ret);
        } while (http_retry_wait(ctx, &retry, request, rc, ret));
        return rc;
}

/* What provider_call_all hangs on each call in place of the caller's arg. */
struct guarded {
        const struct provider_session *session;
        struct breaker_pass pass;
        const struct http_calls *calls;
        int64_t start_us;
        void *arg;
};

static enum err begin_guarded(struct ctx *ctx, struct http_call *call)
{
        struct guarded *guarded = call->arg;
        enum err rc = OK;

        call->arg = guarded->arg;
        if (guarded->calls->begin)
                rc = guarded->calls->begin(ctx, call);
        call->arg = guarded;
        if (rc != OK)
                return rc;
        guarded->start_us = clock_mono_us(ctx->clock);
        return breaker_check(ctx, guarded->session->provider->id, &guarded->pass);
}

static void end_guarded(struct ctx *ctx, struct http_call *call)
{
        struct guarded *guarded = call->arg;

        if (guarded->pass.provider) {
                count(ctx,
                      &(struct made_call){ guarded->pass.provider, &call->request, &call->answer,
                                           guarded->start_us },
                      call->rc);
                report(ctx, &guarded->pass, call->rc, &call->answer);
        }
        call->arg = guarded->arg;
        guarded->calls->done(ctx, call);
}

enum err provider_call_all(struct ctx *ctx, const struct provider_session *session,
                           const struct http_calls *calls)
{
        struct http_calls guarded_calls = *calls;
        struct guarded *guarded = arena_alloc(ctx->arena, (calls->count + 1) * sizeof(*guarded));

        if (!guarded)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < calls->count; i++) {
                guarded[i] = (struct guarded){ .session = session, .calls = calls };
                guarded[i].arg = calls->calls[i].arg;
                calls->calls[i].arg = &guarded[i];
        }
        guarded_calls.begin = begin_guarded;
        guarded_calls.done = end_guarded;
        return http_perform_all(ctx, &session->http, &guarded_calls);
}
