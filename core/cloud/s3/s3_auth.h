/* The one place that knows what an S3 access key id can be: the upload token of a job, or the id of
 * a user's S3 credential. It says who that is and what the request must be signed with; whether it
 * is so signed is the caller's to check, before it calls s3_auth_accept. */
#ifndef CORE_CLOUD_S3_AUTH_H
#define CORE_CLOUD_S3_AUTH_H

#include "core/cloud/s3/s3_credential.h"

struct s3_identity {
        struct secret secret_key;        /* in the arena */
        struct actor actor;              /* ACTOR_JOB with its job_id; else the owner */
        struct s3_credential credential; /* of a user; its id is NULL for a job */
};

/* Outside a transaction. ERR_UNAUTHENTICATED: nobody's, or of a job that has ended, or revoked or
 * expired, all in the same words: S3's InvalidAccessKeyId. Faults. */
NODISCARD enum err s3_auth_secret(struct ctx *ctx, const char *access_key_id,
                                  struct s3_identity *ret);

/* The signature is right: ctx acts for this identity from now on. */
void s3_auth_accept(struct ctx *ctx, const struct s3_identity *identity);

#endif
