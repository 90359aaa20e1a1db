/* Rows that have been kept long enough. A call names or forgets at most limit of them, so that no
 * transaction is long. */
#ifndef CORE_STORE_STORE_RETENTION_H
#define CORE_STORE_STORE_RETENTION_H

#include <stdint.h>

#include "core/base/ctx.h"

/* Ids of jobs that ended before before_us, the first to end first, at most limit, into the arena.
 * Jobs that are active, or that a provider is still to be asked about, are never among them. */
NODISCARD enum err store_jobs_ended(struct ctx *ctx, int64_t before_us, unsigned limit,
                                    const char ***ret_ids, size_t *ret_count);

/* Forget what was kept to submit a job and to fetch its results: idempotency keys, the state of
 * uploads and of its archive. Its files and its bucket stay. Inside a transaction. */
NODISCARD enum err store_job_traces_delete(struct ctx *ctx, const char *job_id);

/* Forget idempotency keys that expired before before_us. Inside a transaction. */
NODISCARD enum err store_idempotency_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                           int64_t *ret_pruned);

#endif
