/* Idempotency keys as rows: which job an owner's key stands for, and for which request. */
#ifndef CORE_STORE_STORE_IDEMPOTENCY_H
#define CORE_STORE_STORE_IDEMPOTENCY_H

#include <stdint.h>

#include "core/base/ctx.h"

struct idempotency_key {
        const char *owner, *key;
        const char *request_sha256; /* hex, of what was asked */
        const char *job_id;
        int64_t expires_at_us;
};

/* Take the key for a new job. Inside the transaction that writes the job; another transaction that
 * takes the same key is waited for. ERR_CONFLICT: it is taken already; by which job is told by
 * store_idempotency_get in the same transaction. */
NODISCARD enum err store_idempotency_claim(struct ctx *ctx, const struct idempotency_key *key);

/* What a key stands for. ERR_NOT_FOUND: nothing, or it is out of date. */
NODISCARD enum err store_idempotency_get(struct ctx *ctx, const char *owner, const char *key,
                                         struct idempotency_key *ret);

/* Free the keys that stand for a job of this owner. Inside the transaction that deletes it. */
NODISCARD enum err store_idempotency_forget(struct ctx *ctx, const char *owner, const char *job_id);

#endif
