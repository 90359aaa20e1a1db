/* S3 credentials of users as rows; secrets are sealed texts here. A revoked one is in no answer but
 * that of store_s3_credential_get. */
#ifndef CORE_STORE_STORE_S3_CREDENTIALS_H
#define CORE_STORE_STORE_S3_CREDENTIALS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct s3_credential {
        const char *access_key_id;
        const char *owner;
        const char *name;          /* "": none was given */
        const char *secret_sealed; /* "": it is revoked */
        int64_t created_at_us;
        int64_t expires_at_us;   /* 0: never */
        int64_t last_used_at_us; /* 0: not yet */
        int64_t revoked_at_us;   /* 0: it is not */
};

/* Write a new one. Inside a transaction. ERR_CONFLICT: the id is taken. */
NODISCARD enum err store_s3_credential_insert(struct ctx *ctx, const struct s3_credential *row);

/* ERR_NOT_FOUND. Everything of *ret is in the arena. */
NODISCARD enum err store_s3_credential_get(struct ctx *ctx, const char *access_key_id,
                                           struct s3_credential *ret);

/* How many an owner has that are neither revoked nor expired. */
NODISCARD enum err store_s3_credentials_live(struct ctx *ctx, const char *owner, int64_t *ret);

/* It is no good from now on, and its secret is forgotten. Inside a transaction. ERR_NOT_FOUND:
 * there is none, or it was revoked before. */
NODISCARD enum err store_s3_credential_revoke(struct ctx *ctx, const char *access_key_id);
/* The same for all of an owner. */
NODISCARD enum err store_s3_credentials_revoke_all(struct ctx *ctx, const char *owner);

/* Inside a transaction: it is used now, unless that was said since since_us. */
NODISCARD enum err store_s3_credential_used(struct ctx *ctx, const char *access_key_id,
                                            int64_t since_us);

/* Call row for each, expired ones too, the oldest first; texts live until it returns. owner NULL:
 * of all owners. */
typedef void s3_credential_row_fn(void *arg, const struct s3_credential *row);
NODISCARD enum err store_s3_credentials_each(struct ctx *ctx, const char *owner,
                                             s3_credential_row_fn *row, void *arg);

#endif
