/* Forwarding the audit log to a webhook and to syslog (audit_target.h). The log itself is the
 * queue: a cursor in the database says what has arrived, so every entry arrives at least once, in
 * order, whatever is restarted; when a receiver is away, it is tried again after a second, then
 * after twice as long, up to five minutes. One process at a time works on each target. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_FORWARD_H
#define CORE_CLOUD_AUDIT_AUDIT_FORWARD_H

#include <stdbool.h>

#include "core/cloud/audit/audit_target.h"
#include "core/store/store_audit_forward.h"

/* Forward a batch to each target that is due. *ret_more: there is more to do at once. A receiver
 * that is away is no failure: its cursor says so. Faults. */
NODISCARD enum err audit_forward_run(struct ctx *ctx, bool *ret_more);

/* How far it is with a target. ERR_NOT_FOUND: nothing is forwarded to it. */
NODISCARD enum err audit_forward_state(struct ctx *ctx, const char *target,
                                       struct audit_cursor *ret);

/* For the companion's task: the same, until nothing is left or limit_us have passed. *ret_count:
 * entries that arrived. */
NODISCARD enum err audit_forward_all(struct ctx *ctx, int64_t limit_us, unsigned *ret_count);

#endif
