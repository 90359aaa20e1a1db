/* How changes of identity are written down: users, levels, rules, organisations. */
#ifndef CORE_CLOUD_AUTH_IDENTITY_AUDIT_H
#define CORE_CLOUD_AUTH_IDENTITY_AUDIT_H

#include "core/base/json.h"

struct identity_event {
        const char *type;        /* "user.created" */
        const char *target_type; /* "user" */
        int64_t target_id;
        const char *action; /* a sentence for people */
};

/* Inside the transaction of the change, late in it. details: taken in every case; NULL: there was
 * no memory to make it. Never a secret in it. Faults. */
NODISCARD enum err identity_audit(struct ctx *ctx, const struct identity_event *event,
                                  json_t *details);

/* The same for what was and what is, as {"before", "after"}; both are taken. */
NODISCARD enum err identity_audit_change(struct ctx *ctx, const struct identity_event *event,
                                         json_t *before, json_t *after);

#endif
