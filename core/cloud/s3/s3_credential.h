/* What users sign S3 requests with (AWS Signature Version 4): an access key id, which is no secret,
 * and a secret access key, sealed at rest and shown once. It acts with the rights of its owner. */
#ifndef CORE_CLOUD_S3_CREDENTIAL_H
#define CORE_CLOUD_S3_CREDENTIAL_H

#include <stdbool.h>

#include "core/base/crypto.h"
#include "core/base/jsonw.h"
#include "core/store/store_s3_credentials.h"

/* Where S3 clients are pointed, below the base URL, and the region they must name. */
#define S3_ENDPOINT_PATH "/api/cloud/storage"
#define S3_REGION        "us-east-1"

#define S3_CREDENTIAL_PREFIX   "STC" /* of every access key id */
#define S3_CREDENTIAL_ID_SIZE  (20 + 1)
#define S3_CREDENTIAL_KEY_SIZE (40 + 1)
#define S3_CREDENTIAL_DAYS_MAX 3650
#define S3_CREDENTIAL_NAME_MAX 100 /* bytes */

/* What a user gives; the owner is whoever asks. */
struct s3_credential_given {
        const char *name;        /* NULL: none */
        int64_t expires_in_days; /* 0: it does not expire */
};

/* The one time that the secret can be read; NUL-terminated. */
struct s3_credential_made {
        char access_key_id[S3_CREDENTIAL_ID_SIZE];      /* "STC" and 17 of A-Z2-7 */
        char secret_access_key[S3_CREDENTIAL_KEY_SIZE]; /* 40 of A-Za-z0-9 */
        const char *name;                               /* as given, or "" */
        int64_t created_at_us, expires_at_us;           /* 0: it does not expire */
};

/* Make and store one, with the audit row. ERR_INVALID names the field. ERR_CONFLICT: the owner has
 * as many as one may. Faults. */
NODISCARD enum err s3_credential_new(struct ctx *ctx, const struct s3_credential_given *given,
                                     struct s3_credential_made *ret);

/* Those of whoever asks, or all, that are not revoked; secrets stay where they are. ERR_DENIED: all
 * are for administrators to see. */
NODISCARD enum err s3_credential_list(struct ctx *ctx, bool all, s3_credential_row_fn *row,
                                      void *arg);

/* "active" or "expired". */
const char *s3_credential_state(const struct ctx *ctx, const struct s3_credential *row);

/* As an object in a list, for answers. */
void s3_credential_render(const struct ctx *ctx, struct jsonw *json,
                          const struct s3_credential *row);

/* With the audit row; from its commit on nothing that is signed with it is accepted. ERR_NOT_FOUND:
 * no such one, or somebody else's, unless an administrator asks. */
NODISCARD enum err s3_credential_revoke(struct ctx *ctx, const char *access_key_id);

/* For a request that names this id: its row and what the request must be signed with, both in the
 * arena. ERR_UNAUTHENTICATED: unknown, revoked or expired, all in the same words. Faults. */
NODISCARD enum err s3_credential_open(struct ctx *ctx, const char *access_key_id,
                                      struct s3_credential *ret, struct secret *ret_secret);

/* It was used: written down at most once a minute; trouble with that stops nothing. Outside a
 * transaction. */
void s3_credential_note_use(struct ctx *ctx, const struct s3_credential *row);

#endif
