/* Who did what: one row of the audit log, written in the transaction of the change it records, so
 * that there is neither one without the other. And the log as it is read. */
#ifndef CORE_CLOUD_AUDIT_H
#define CORE_CLOUD_AUDIT_H

#include "core/base/json.h"
#include "core/store/store_audit.h"

struct audit_entry {
        const char *event_type;              /* "job.submitted" */
        const char *target_type, *target_id; /* "job" and its id; NULL: nothing in particular */
        const char *action;                  /* a sentence for people */
        const json_t *details;               /* an object, borrowed; NULL: none */
};

/* Append, for ctx's actor, address and correlation id. Inside a transaction, late in it. Faults. */
NODISCARD enum err audit_add(struct ctx *ctx, const struct audit_entry *entry);

/* Call row for each match, newest first; *ret_total: how many match. An event type without a dot is
 * one of "security.": "webhook_rejected". Faults. */
NODISCARD enum err audit_list(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                              void *arg, int64_t *ret_total);

#endif
