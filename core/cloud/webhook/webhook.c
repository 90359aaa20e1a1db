#include "core/cloud/webhook/webhook.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/jsonw.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/job/job.h"
#include "core/cloud/limits/rate_rules.h"
#include "core/cloud/metrics/meter.h"
#include "core/cloud/secrets/seal.h"
#include "core/cloud/webhook/webhook_apply.h"
#include "core/cloud/webhook/webhook_intake.h"
#include "core/cloud/webhook/webhook_refusal.h"
#include "core/cloud/webhook/webhook_sender.h"

#define WEBHOOK_ID_MAX   256
#define HEADERS_TEXT_MAX (16 * KiB)

static bool is_allowed(const struct ipaddr *client, const json_t *allowed)
{
        json_t *item;
        size_t i;

        json_array_foreach (allowed, i, item) {
                struct ipnet net;

                if (ipnet_parse(json_string_value(item), json_string_length(item), &net) &&
                    ipnet_contains(&net, client))
                        return true;
        }
        return json_array_size(allowed) == 0;
}

/* An id is one printable word. */
static bool is_webhook_id(const char *id)
{
        size_t len = 0;

        while (id[len] > ' ' && id[len] <= '~')
                len++;
        return len > 0 && len <= WEBHOOK_ID_MAX && id[len] == '\0';
}

static bool is_signed(const struct webhook_headers *headers)
{
        return headers->id && headers->timestamp && headers->signature;
}

static enum err check_signature(struct ctx *ctx, const struct provider_session *session,
                                const struct webhook_request *request,
                                enum webhook_verdict *ret_verdict)
{
        const struct webhook_headers *headers = &request->headers;
        enum err rc;

        *ret_verdict = WEBHOOK_MISSING_HEADER;
        if (!is_signed(headers)) {
                if (!session->settings.webhook_require_signature)
                        *ret_verdict = WEBHOOK_GOOD;
                return OK;
        }
        if (!is_webhook_id(headers->id))
                return OK;
        rc = webhook_keys_verify(ctx, session, headers, request->body, request->body_len);
        if (rc == ERR_UNAUTHENTICATED)
                *ret_verdict = WEBHOOK_NO_MATCH;
        else if (rc == ERR_CONFLICT)
                *ret_verdict = WEBHOOK_BAD_SECRET_FORMAT;
        else if (rc != OK)
                return rc;
        else if (webhook_timestamp_is_fresh(headers->timestamp, clock_wall_us(ctx->clock),
                                            ctx->config->webhook_tolerance_s))
                *ret_verdict = WEBHOOK_GOOD;
        else
                *ret_verdict = WEBHOOK_STALE;
        return OK;
}

static void count_refusal(const struct ctx *ctx, const char *provider, enum webhook_verdict verdict)
{
        static const char *const results[WEBHOOK_VERDICT_COUNT] = {
                [WEBHOOK_GOOD] = "accepted",
                [WEBHOOK_IP_DENIED] = "ip_denied",
                [WEBHOOK_MISSING_HEADER] = "missing_header",
                [WEBHOOK_BAD_SECRET_FORMAT] = "bad_secret",
                [WEBHOOK_NO_MATCH] = "bad_signature",
                [WEBHOOK_STALE] = "stale",
        };

        meter_add(ctx, METER_WEBHOOKS, METER_LABELS(provider, results[verdict]), 1);
}

/* One that passed the checks, by what became of it. */
static void count_genuine(const struct ctx *ctx, const char *provider, enum err rc,
                          const struct webhook_result *result)
{
        static const char *const results[] = { [WEBHOOK_RECEIVED] = "accepted",
                                               [WEBHOOK_DUPLICATE] = "duplicate",
                                               [WEBHOOK_IGNORED] = "unmatched" };
        const char *word = rc == OK            ? results[result->outcome]
                           : rc == ERR_INVALID ? "bad_body"
                           : rc == ERR_DENIED  ? "not_its_job"
                           : rc == ERR_LIMITED ? "limited"
                                               : "error";

        meter_add(ctx, METER_WEBHOOKS, METER_LABELS(provider, word), 1);
        meter_set(ctx, METER_WEBHOOK_LAST, METER_LABELS(provider),
                  (double)clock_wall_us(ctx->clock) / 1e6);
}

/* Audit why; the caller learns no more than that it was refused. A secret of ours that is none is
 * no fault of the sender: it may try again. */
static enum err refuse(struct ctx *ctx, const struct webhook_request *request,
                       enum webhook_verdict verdict)
{
        struct webhook_refusal refusal = { request->provider_id, request->client, verdict };
        enum err rc = webhook_refusal_record(ctx, &refusal);

        count_refusal(ctx, request->provider_id, verdict);
        if (rc != OK)
                return rc;
        if (verdict == WEBHOOK_IP_DENIED)
                return ctx_fail(ctx, ERR_DENIED, "IP address not in allowlist");
        if (verdict == WEBHOOK_BAD_SECRET_FORMAT)
                return ctx_fail(ctx, ERR_NOT_READY, WEBHOOK_NO_SECRET);
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "Invalid webhook signature");
}

static enum err check(struct ctx *ctx, const struct provider_session *session,
                      const struct webhook_request *request)
{
        enum webhook_verdict verdict = WEBHOOK_IP_DENIED;
        enum err rc = OK;

        if (is_allowed(&request->client, session->settings.webhook_allowed_ips))
                rc = check_signature(ctx, session, request, &verdict);
        if (rc == OK && verdict != WEBHOOK_GOOD)
                rc = refuse(ctx, request, verdict);
        return rc;
}

/* Of the headers what says where a delivery came from; never the signature. */
static enum err write_headers(struct ctx *ctx, const struct webhook_request *request,
                              const char **ret)
{
        const char *const kept[][2] = {
                { "webhook-id", request->headers.id },
                { "webhook-timestamp", request->headers.timestamp },
                { "content-type", request->content_type },
                { "user-agent", request->user_agent },
        };
        struct jsonw json;
        struct buf text;
        enum err rc;

        buf_init(&text, HEADERS_TEXT_MAX);
        json = jsonw_to(&text);
        jsonw_object(&json, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
                if (kept[i][1])
                        jsonw_string(&json, kept[i][0], kept[i][1]);
        }
        jsonw_object_end(&json);
        rc = ctx_strdup(ctx, buf_ok(&text) ? buf_str(&text) : "{}", ret);
        buf_done(&text);
        return rc;
}

/* The row of a delivery. What an unsigned caller says its webhook-id is counts for nothing. */
static enum err make_delivery(struct ctx *ctx, const struct webhook_request *request,
                              struct webhook_delivery *ret)
{
        const struct secret body = { request->body, request->body_len };
        bool is_verified = is_signed(&request->headers);
        char *delivery_id = arena_alloc(ctx->arena, ULID_SIZE);
        const char *place;
        enum err rc;

        rc = delivery_id ? crypto_ulid(ctx, delivery_id) : ctx_nomem(ctx);
        if (rc != OK)
                return rc;
        *ret = (struct webhook_delivery){
                .delivery_id = delivery_id,
                .provider = request->provider_id,
                .webhook_id = is_verified ? request->headers.id
                                          : arena_printf(ctx->arena, "unsigned.%s", delivery_id),
                .received_at_us = clock_wall_us(ctx->clock),
                .client = ctx->client,
                .verdict = is_verified ? "signed" : "unsigned",
                .correlation_id = *ctx->correlation_id ? ctx->correlation_id : NULL,
        };
        if (request->job_hint && job_id_is_valid(request->job_hint))
                ret->job_hint = request->job_hint;
        place = webhook_body_place(ctx, delivery_id);
        rc = ret->webhook_id && place ? write_headers(ctx, request, &ret->headers) : ctx_nomem(ctx);
        return rc == OK ? seal_text(ctx, place, body, &ret->body) : rc;
}

static enum err store(struct ctx *ctx, const struct webhook_request *request,
                      const struct webhook_event *event, struct webhook_result *ret)
{
        struct webhook_delivery delivery;
        enum err rc;

        rc = make_delivery(ctx, request, &delivery);
        if (rc != OK)
                return rc;
        delivery.outcome = event->subject ? "received" : "ignored";
        delivery.reason = event->subject ? NULL : "no job_id";
        delivery.apply_at_us = event->subject ? delivery.received_at_us : 0;
        rc = webhook_intake_store(ctx, &delivery);
        if (rc == ERR_CONFLICT) {
                ret->outcome = WEBHOOK_DUPLICATE;
                return OK;
        }
        if (rc != OK)
                return rc;
        FAULT_POINT("webhook.stored");
        ret->outcome = event->subject ? WEBHOOK_RECEIVED : WEBHOOK_IGNORED;
        ret->delivery_id = delivery.delivery_id;
        ret->job_id = event->news.our_job_id ? event->news.our_job_id : event->subject;
        ret->reason = delivery.reason;
        ret->status_known = event->news.status_known;
        ret->status = event->news.status;
        if (event->subject)
                bell_ring(ctx->cloud->bells, BELL_INBOX);
        return OK;
}

/* What is genuine counts for its provider, whatever address it comes from. */
static enum err admit_genuine(struct ctx *ctx, const struct webhook_request *request,
                              const struct provider_settings *settings, struct webhook_result *ret)
{
        struct limit limit = { RATE_RULE_PROVIDER, (unsigned)ctx->config->webhooks_per_minute, 60 };

        if (!is_signed(&request->headers))
                return OK;
        ret->is_genuine = true;
        if (settings->webhook_rate_limit_max > 0) {
                limit.calls = (unsigned)settings->webhook_rate_limit_max;
                if (settings->webhook_rate_limit_window > 0)
                        limit.period_s = (unsigned)settings->webhook_rate_limit_window;
        }
        return limiter_check(ctx, &limit, request->provider_id, &ret->usage);
}

/* It is genuine: read what it says, and store it. */
static enum err take(struct ctx *ctx, const struct webhook_sender *sender,
                     const struct webhook_request *request, struct webhook_result *ret)
{
        struct webhook_event event;
        json_t *body = NULL;
        enum err rc;

        rc = json_parse_object(ctx, "webhook payload", request->body, request->body_len, &body);
        if (rc == OK)
                rc = json_keep(ctx, body);
        if (rc == OK)
                rc = webhook_event_read(ctx, sender->session.provider, body, &event);
        if (rc == OK && !webhook_sender_may_tell(sender, &event))
                rc = ctx_fail(ctx, ERR_DENIED, "This account may not tell of that job");
        return rc == OK ? store(ctx, request, &event, ret) : rc;
}

enum err webhook_receive(struct ctx *ctx, const struct webhook_request *request,
                         struct webhook_result *ret)
{
        struct webhook_sender sender;
        enum err rc;

        *ret = (struct webhook_result){ 0 };
        rc = cloud_check_schema(ctx);
        if (rc == OK)
                rc = webhook_sender_open(ctx, request->provider_id, request->job_hint, &sender);
        if (rc == OK)
                rc = check(ctx, &sender.session, request);
        if (rc != OK)
                return rc;
        rc = admit_genuine(ctx, request, &sender.session.settings, ret);
        if (rc == OK)
                rc = take(ctx, &sender, request, ret);
        count_genuine(ctx, sender.session.provider->id, rc, ret);
        return rc;
}
