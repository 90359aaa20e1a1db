/* How long the audit log is kept. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_RETENTION_H
#define CORE_CLOUD_AUDIT_AUDIT_RETENTION_H

#include "core/base/ctx.h"

/* Delete the oldest entries that are older than SIMPLETUNER_AUDIT_RETENTION_DAYS, at most limit of
 * them, and move the signed anchor behind them, in one transaction; the chain stays whole. They are
 * verified first: of a log that is not what was written nothing is deleted. An entry that waits to
 * be forwarded is kept, up to twice as long. *ret_count of them. ERR_CONFLICT: the log is broken;
 * detail says where. Faults. */
NODISCARD enum err audit_retention_prune(struct ctx *ctx, unsigned limit, unsigned *ret_count);

#endif
