/* Receiving webhooks: allowlist, signature, tolerance, de-duplication, in that order; then the
 * delivery is stored and applied in one transaction, and only then acknowledged. */
#ifndef CORE_CLOUD_WEBHOOK_H
#define CORE_CLOUD_WEBHOOK_H

#include "core/base/ipnet.h"
#include "core/cloud/webhook_keys.h"

struct webhook_request {
        const char *provider_id;
        struct ipaddr client;
        struct webhook_headers headers;
        const char *job_hint; /* job_id of our own webhook URL; NULL: not there */
        const char *body;     /* raw */
        size_t body_len;
};

enum webhook_outcome {
        WEBHOOK_RECEIVED,  /* stored; updates tells what it changed */
        WEBHOOK_DUPLICATE, /* this webhook-id was stored before */
        WEBHOOK_IGNORED,   /* stored, but about no job of ours */
};

struct webhook_result {
        enum webhook_outcome outcome;
        const char *job_id;     /* ours; NULL when ignored */
        const char *reason;     /* why ignored; NULL otherwise */
        bool moved;             /* the job changed */
        enum job_status status; /* what it changed to, when moved */
};

/* OK: durable. ERR_NOT_FOUND: no such provider. ERR_DENIED: the address. ERR_UNAUTHENTICATED: the
 * signature or its time. ERR_INVALID: the body. ERR_NOT_READY and faults: ours, send it again. */
NODISCARD enum err webhook_receive(struct ctx *ctx, const struct webhook_request *request,
                                   struct webhook_result *ret);

#endif
