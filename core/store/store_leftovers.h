/* Names in an S3 store that no object has: on their way to one, or left by one. */
#ifndef CORE_STORE_STORE_LEFTOVERS_H
#define CORE_STORE_STORE_LEFTOVERS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct leftover {
        const char *url;       /* "s3://bucket/name" */
        const char *remote_id; /* an upload in parts that is to be aborted; NULL or "": none */
        int64_t due_at_us;     /* from then on it may be removed */
};

/* Inside a transaction: write or replace; forget one that may not be there. */
NODISCARD enum err store_leftover_put(struct ctx *ctx, const struct leftover *leftover);
NODISCARD enum err store_leftover_forget(struct ctx *ctx, const char *url);

/* One that is due before a time. ERR_NOT_FOUND: none. */
NODISCARD enum err store_leftover_due(struct ctx *ctx, int64_t before_us, struct leftover *ret);

#endif
