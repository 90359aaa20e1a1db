#include "core/cloud/webhook.h"

#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/job.h"
#include "core/cloud/webhook_event.h"
#include "core/cloud/webhook_sender.h"
#include "core/db/db.h"
#include "core/store/store_webhooks.h"

static const char logger[] = "simpletuner.cloud.webhooks";

#define WEBHOOK_ID_MAX 256

static enum err check_address(struct ctx *ctx, const struct webhook_request *request,
                              const json_t *allowed)
{
        json_t *item;
        size_t i;

        if (json_array_size(allowed) == 0)
                return OK;
        json_array_foreach (allowed, i, item) {
                struct ipnet net;

                if (ipnet_parse(json_string_value(item), json_string_length(item), &net) &&
                    ipnet_contains(&net, &request->client))
                        return OK;
        }
        return ctx_fail(ctx, ERR_DENIED, "IP address not in allowlist");
}

static enum err check_signature(struct ctx *ctx, const struct provider_session *session,
                                const struct webhook_request *request)
{
        const struct webhook_headers *headers = &request->headers;
        enum err rc;

        if (!headers->id || !headers->timestamp || !headers->signature) {
                if (!session->settings.webhook_require_signature)
                        return OK;
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Webhook signature required but not provided.");
        }
        if (strlen(headers->id) > WEBHOOK_ID_MAX)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED, "Invalid webhook signature");
        rc = webhook_keys_verify(ctx, session, headers, request->body, request->body_len);
        if (rc != OK)
                return rc;
        if (!webhook_timestamp_is_fresh(headers->timestamp, clock_wall_us(ctx->clock),
                                        ctx->config->webhook_tolerance_s))
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Webhook timestamp is outside the tolerance");
        return OK;
}

/* Our job an event is about: by the provider's id, by ours in the signed body, or by the id in the
 * URL we gave out when the job has no provider's id yet. ERR_NOT_FOUND. */
static enum err find_job(struct ctx *ctx, const char *provider_id, const char *hint,
                         const struct webhook_event *event, struct job *ret)
{
        const char *const ours[] = { event->subject, event->news.our_job_id, hint };
        enum err rc = ERR_NOT_FOUND;

        if (event->subject)
                rc = store_job_by_external_id(ctx, provider_id, event->subject, ret);
        for (size_t i = 0; rc == ERR_NOT_FOUND && i < ARRAY_SIZE(ours); i++) {
                if (!ours[i] || !job_id_is_valid(ours[i]))
                        continue;
                rc = store_job_get(ctx, ours[i], ret);
                if (rc != OK)
                        continue;
                if (strcmp(ret->provider, provider_id) != 0 ||
                    (event->news.external_id && ret->external_id &&
                     strcmp(event->news.external_id, ret->external_id) != 0))
                        rc = ERR_NOT_FOUND;
        }
        return rc;
}

static enum err apply(struct ctx *ctx, const struct webhook_request *request,
                      const struct webhook_event *event, struct webhook_result *ret)
{
        struct job job;
        enum err rc;

        if (!event->subject) {
                *ret = (struct webhook_result){ .outcome = WEBHOOK_IGNORED, .reason = "no job_id" };
                return OK;
        }
        rc = find_job(ctx, request->provider_id, request->job_hint, event, &job);
        if (rc == ERR_NOT_FOUND) {
                *ret = (struct webhook_result){ .outcome = WEBHOOK_IGNORED,
                                                .reason = "unknown job" };
                return OK;
        }
        if (rc != OK)
                return rc;
        *ret = (struct webhook_result){ .outcome = WEBHOOK_RECEIVED,
                                        .job_id = job.job_id,
                                        .status = event->news.status };
        ctx_set_job(ctx, job.job_id);
        return job_take_news(ctx, &job, &event->news, &ret->moved);
}

/* Store and apply at once. The row with the webhook-id is what makes a retry a duplicate. */
static enum err store_and_apply(struct ctx *ctx, const struct webhook_request *request,
                                const struct webhook_event *event, struct webhook_result *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char delivery_id[ULID_SIZE];
        struct webhook_delivery delivery = {
                .delivery_id = delivery_id,
                .provider = request->provider_id,
                .webhook_id = request->headers.id,
                .outcome = "received",
                .body = event->stored_body,
        };
        enum err rc;

        rc = crypto_ulid(ctx, delivery_id);
        if (rc != OK)
                return rc;
        if (!delivery.webhook_id || !request->headers.signature)
                delivery.webhook_id = arena_printf(ctx->arena, "unsigned.%s", delivery_id);
        if (!delivery.webhook_id)
                return ctx_nomem(ctx);
        rc = db_begin(ctx, &tx);
        if (rc != OK)
                return rc;
        rc = store_webhook_insert(ctx, &delivery);
        if (rc == ERR_CONFLICT) {
                *ret = (struct webhook_result){ .outcome = WEBHOOK_DUPLICATE };
                return OK;
        }
        if (rc == OK)
                rc = apply(ctx, request, event, ret);
        if (rc != OK)
                return rc;
        delivery.job_id = ret->job_id;
        delivery.outcome = ret->outcome == WEBHOOK_IGNORED ? "ignored"
                           : ret->moved                    ? "applied"
                                                           : "unchanged";
        rc = store_webhook_settle(ctx, &delivery);
        if (rc != OK)
                return rc;
        return db_commit(&tx);
}

enum err webhook_receive(struct ctx *ctx, const struct webhook_request *request,
                         struct webhook_result *ret)
{
        CLEANUP(json_decrefp) json_t *body = NULL;
        struct webhook_sender sender;
        struct webhook_event event;
        enum err rc;

        rc = cloud_check_schema(ctx);
        if (rc == OK)
                rc = webhook_sender_open(ctx, request->provider_id, request->job_hint, &sender);
        if (rc != OK)
                return rc;
        rc = check_address(ctx, request, sender.session.settings.webhook_allowed_ips);
        if (rc == OK)
                rc = check_signature(ctx, &sender.session, request);
        if (rc == ERR_DENIED || rc == ERR_UNAUTHENTICATED) {
                char client[IPADDR_TEXT_SIZE];

                ipaddr_format(&request->client, client);
                log_event(ctx, LOG_WARNING, logger, "Webhook rejected", "provider",
                          request->provider_id, "client", client, "reason", ctx->detail);
        }
        if (rc == ERR_UNAUTHENTICATED) /* why is for the log alone: it would help a forger */
                return ctx_fail(ctx, rc, "Invalid webhook signature");
        if (rc != OK)
                return rc;
        rc = json_parse_object(ctx, "webhook payload", request->body, request->body_len, &body);
        if (rc != OK)
                return rc;
        rc = webhook_event_read(ctx, sender.session.provider, body, &event);
        if (rc == OK && !webhook_sender_may_tell(&sender, &event))
                rc = ctx_fail(ctx, ERR_DENIED, "This account may not tell of that job");
        if (rc == OK)
                rc = webhook_body_to_store(ctx, body, &event.stored_body);
        if (rc != OK)
                return rc;
        return store_and_apply(ctx, request, &event, ret);
}
