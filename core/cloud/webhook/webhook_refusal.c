#include "core/cloud/webhook/webhook_refusal.h"

#include "core/base/log.h"
#include "core/cloud/audit/security_event.h"

static const char *const reasons[WEBHOOK_VERDICT_COUNT] = {
        [WEBHOOK_GOOD] = "good",
        [WEBHOOK_IP_DENIED] = "ip_denied",
        [WEBHOOK_MISSING_HEADER] = "missing_header",
        [WEBHOOK_BAD_SECRET_FORMAT] = "bad_secret_format",
        [WEBHOOK_NO_MATCH] = "no_match",
        [WEBHOOK_STALE] = "stale",
};

enum err webhook_refusal_record(struct ctx *ctx, const struct webhook_refusal *refusal)
{
        CLEANUP(json_decrefp)
        json_t *about = json_pack("{s:s}", "reason", reasons[refusal->verdict]);
        const struct security_event event = {
                .kind = SECURITY_WEBHOOK_REJECTED,
                .client = refusal->client,
                .target_type = "provider",
                .target_id = refusal->provider_id,
                .action = "A webhook was refused",
                .about = about,
        };
        char client[IPADDR_TEXT_SIZE];

        if (!about)
                return ctx_nomem(ctx);
        ipaddr_format(&refusal->client, client);
        log_event(ctx, LOG_WARNING, "simpletuner.cloud.webhooks", "Webhook rejected", "provider",
                  refusal->provider_id, "client", client, "reason", reasons[refusal->verdict]);
        return security_event_record(ctx, &event);
}
