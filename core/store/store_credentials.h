/* Tokens of users at providers as rows; values are sealed texts here. */
#ifndef CORE_STORE_STORE_CREDENTIALS_H
#define CORE_STORE_STORE_CREDENTIALS_H

#include <stdint.h>

#include "core/base/ctx.h"

/* What names one. */
struct credential_key {
        const char *owner, *provider, *name;
};

struct credential_row {
        struct credential_key key;
        const char *value;       /* sealed */
        const char *description; /* NULL: none */
        int64_t created_at_us;   /* when this value was stored */
        int64_t last_used_at_us; /* 0: not yet */
};

/* Write, or replace what is there. Inside a transaction. */
NODISCARD enum err store_credential_put(struct ctx *ctx, const struct credential_row *row);

/* ERR_NOT_FOUND. Everything of *ret is in the arena. */
NODISCARD enum err store_credential_get(struct ctx *ctx, const struct credential_key *key,
                                        struct credential_row *ret);

/* Inside a transaction. ERR_NOT_FOUND. */
NODISCARD enum err store_credential_delete(struct ctx *ctx, const struct credential_key *key);

/* Inside a transaction: it is used now, unless that was said since since_us. */
NODISCARD enum err store_credential_used(struct ctx *ctx, const struct credential_key *key,
                                         int64_t since_us);

/* Call row for each of an owner's, by provider and name; texts live until it returns. */
typedef void credential_row_fn(void *arg, const struct credential_row *row);
NODISCARD enum err store_credentials_each(struct ctx *ctx, const char *owner,
                                          credential_row_fn *row, void *arg);

#endif
