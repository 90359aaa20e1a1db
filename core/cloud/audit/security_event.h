/* What strangers and users are refused, in the audit log: the reason is for the operator alone.
 * Whoever is refused must not be able to fill the log, so what one source, and all together, can
 * write of each type is bounded. */
#ifndef CORE_CLOUD_AUDIT_SECURITY_EVENT_H
#define CORE_CLOUD_AUDIT_SECURITY_EVENT_H

#include "core/base/ipnet.h"
#include "core/base/json.h"

/* The types that this writes. */
enum security_kind {
        SECURITY_WEBHOOK_REJECTED,  /* "security.webhook_rejected" */
        SECURITY_PERMISSION_DENIED, /* "security.permission_denied" */
        SECURITY_SUSPICIOUS,        /* "security.suspicious": a request that looks forged */
        SECURITY_RATE_LIMITED,      /* "security.rate_limited" */
        SECURITY_KIND_COUNT
};

struct security_event {
        enum security_kind kind;
        struct ipaddr client;
        const char *target_type, *target_id;
        const char *action;  /* a sentence for people */
        const json_t *about; /* an object, borrowed; its members go into the details */
};

/* Write it, as done by the one who acts, in a transaction of its own, unless the source (an IPv4
 * address or the /64 of an IPv6 one) has caused 5 such rows (of SECURITY_RATE_LIMITED 20) within a
 * minute, or all sources 100.
 * The details have the client, and the first row after some that this process did not write says
 * how many those were. Faults. */
NODISCARD enum err security_event_record(struct ctx *ctx, const struct security_event *event);

#endif
