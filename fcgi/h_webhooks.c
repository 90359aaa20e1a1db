/* Webhooks of providers and of the trainer, as they come in. */
#include "core/cloud/webhook/webhook.h"
#include "fcgi/handlers.h"
#include "fcgi/rate_gate.h"

static enum err render(struct ctx *ctx, struct reply *reply, const struct webhook_result *result)
{
        static const char *const words[] = { "received", "duplicate", "ignored" };
        struct jsonw json = reply_json(reply);

        jsonw_string(&json, "status", words[result->outcome]);
        if (result->delivery_id)
                jsonw_string(&json, "delivery_id", result->delivery_id);
        if (result->reason)
                jsonw_string(&json, "reason", result->reason);
        if (result->job_id)
                jsonw_string(&json, "job_id", result->job_id);
        if (result->outcome == WEBHOOK_RECEIVED) {
                jsonw_object(&json, "updates");
                if (result->status_known)
                        jsonw_string(&json, "status", job_status_name(result->status));
                jsonw_object_end(&json);
        }
        return reply_json_end(ctx, reply, &json);
}

/* Standard Webhooks; or the same under the names of the service that many senders use. */
static struct webhook_headers read_headers(const struct request *request)
{
        struct webhook_headers headers = {
                .id = request_header(request, "Webhook-Id"),
                .timestamp = request_header(request, "Webhook-Timestamp"),
                .signature = request_header(request, "Webhook-Signature"),
        };

        if (headers.id || headers.timestamp || headers.signature)
                return headers;
        return (struct webhook_headers){
                .id = request_header(request, "Svix-Id"),
                .timestamp = request_header(request, "Svix-Timestamp"),
                .signature = request_header(request, "Svix-Signature"),
        };
}

static const struct query webhook_query[] = {
        QUERY(TEXT, "job_id"),
        QUERY(TEXT, "correlation_id"),
        { 0 },
};

static enum err webhooks_receive_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct webhook_request webhook = {
                .provider_id = request_param(request, "provider"),
                .client = request->client,
                .headers = read_headers(request),
                .content_type = request_header(request, "Content-Type"),
                .user_agent = request_header(request, "User-Agent"),
        };
        struct webhook_result result = { 0 };
        const char *correlation_id;
        enum err rc;

        rc = request_query(ctx, request, "job_id", &webhook.job_hint);
        if (rc == OK)
                rc = request_query(ctx, request, "correlation_id", &correlation_id);
        if (rc == OK && !request_header(request, "X-Correlation-ID"))
                ctx_adopt_correlation_id(ctx, correlation_id);
        if (rc == OK)
                rc = request_body(ctx, request, &webhook.body, &webhook.body_len);
        if (rc == OK) {
                rc = webhook_receive(ctx, &webhook, &result);
                if (result.is_genuine)
                        rate_gate_note(reply, RATE_RULE_PROVIDER, &result.usage, rc == ERR_LIMITED);
        }
        if (rc != OK)
                return rc;
        return render(ctx, reply, &result);
}

const struct operation webhooks_receive = {
        OPERATION(webhooks_receive),
        .summary = "Take a webhook of a provider",
        .query = webhook_query,
};
