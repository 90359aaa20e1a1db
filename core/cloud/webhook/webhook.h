/* Receiving webhooks: allowlist, signature, tolerance, de-duplication, in that order; then the
 * delivery is stored and acknowledged. The inbox applies it after that. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_H

#include "core/base/ipnet.h"
#include "core/cloud/limits/limiter.h"
#include "core/cloud/webhook/webhook_keys.h"

struct webhook_request {
        const char *provider_id;
        struct ipaddr client;
        struct webhook_headers headers;
        const char *content_type, *user_agent; /* NULL: not there; kept for the operator */
        const char *job_hint;                  /* job_id of our own webhook URL; NULL: not there */
        const char *body;                      /* raw */
        size_t body_len;
};

enum webhook_outcome {
        WEBHOOK_RECEIVED,  /* stored, and will be applied */
        WEBHOOK_DUPLICATE, /* this webhook-id was stored before */
        WEBHOOK_IGNORED,   /* stored, but it names no job */
};

struct webhook_result {
        enum webhook_outcome outcome;
        const char *delivery_id;  /* NULL when a duplicate */
        const char *job_id;       /* as the body says; NULL: it does not */
        const char *reason;       /* why ignored; NULL otherwise */
        bool is_genuine;          /* it is signed well; said also when this fails after that */
        struct limit_usage usage; /* of the provider's limit; likewise */
        bool status_known;        /* it says something about the job's status: */
        enum job_status status;
};

/* OK: durable; texts are in the arena. ERR_NOT_FOUND: no such provider. ERR_DENIED: the address.
 * ERR_UNAUTHENTICATED: the signature or its time. ERR_LIMITED: the provider sends too many.
 * ERR_INVALID: the body. ERR_NOT_READY and faults: ours, send it again. */
NODISCARD enum err webhook_receive(struct ctx *ctx, const struct webhook_request *request,
                                   struct webhook_result *ret);

#endif
