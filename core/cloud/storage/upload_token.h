/* The credential of one job for its own bucket: a random token, of which only the SHA-256 is kept,
 * and an S3 secret key derived from it and the key of the installation that seals at that moment,
 * so that nothing secret is stored. It dies with the job. */
#ifndef CORE_CLOUD_STORAGE_UPLOAD_TOKEN_H
#define CORE_CLOUD_STORAGE_UPLOAD_TOKEN_H

#include "core/cloud/secrets/key_file.h"

#define UPLOAD_TOKEN_SIZE 44 /* base64url of 32 bytes, unpadded, and NUL */

struct upload_token {
        const char *token;            /* 43 base64url characters; the S3 access key id */
        const char *secret_key;       /* 43 base64url characters; the S3 secret access key */
        char sha256[SHA256_HEX_SIZE]; /* what is stored, and */
        char key_id[KEY_ID_SIZE];     /* with it: which key it was derived from */
};

/* Make a new one, in the arena; this is the one time it can be read. Faults. */
NODISCARD enum err upload_token_new(struct ctx *ctx, struct upload_token *ret);

/* The id of the active job that owns the token. ERR_UNAUTHENTICATED: none does. */
NODISCARD enum err upload_token_owner(struct ctx *ctx, const char *token, const char **ret_job_id);

/* The same, and the S3 secret key that belongs to the token, in the arena. */
NODISCARD enum err upload_token_secret(struct ctx *ctx, const char *token, const char **ret_job_id,
                                       struct secret *ret_secret_key);

#endif
