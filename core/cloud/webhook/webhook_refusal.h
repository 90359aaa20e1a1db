/* Webhooks that were refused, in the audit log: the caller never learns the reason. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_REFUSAL_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_REFUSAL_H

#include "core/base/ctx.h"
#include "core/base/ipnet.h"

/* Why; the order is that of the checks. */
enum webhook_verdict {
        WEBHOOK_GOOD,
        WEBHOOK_IP_DENIED,      /* not in the provider's allowlist */
        WEBHOOK_MISSING_HEADER, /* id, timestamp or signature is not there, or is no such thing */
        WEBHOOK_BAD_SECRET_FORMAT, /* ours: what was set as the signing secret is none */
        WEBHOOK_NO_MATCH,          /* signed with another secret, or changed on the way */
        WEBHOOK_STALE,             /* too old, or too early */
        WEBHOOK_VERDICT_COUNT
};

struct webhook_refusal {
        const char *provider_id;
        struct ipaddr client;
        enum webhook_verdict verdict;
};

/* Write "security.webhook_rejected", within the bounds of security_event.h. Faults. */
NODISCARD enum err webhook_refusal_record(struct ctx *ctx, const struct webhook_refusal *refusal);

#endif
