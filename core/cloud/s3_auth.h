/* The one place that knows what an S3 access key id can be: the upload token of a job, or the id of
 * a user's S3 credential. It says who that is and what the request must be signed with; whether it
 * is so signed is the caller's to check, and only then to make the actor its own. */
#ifndef CORE_CLOUD_S3_AUTH_H
#define CORE_CLOUD_S3_AUTH_H

#include "core/base/crypto.h"

struct s3_identity {
        struct secret secret_key; /* in the arena */
        struct actor actor;       /* ACTOR_JOB with its job_id; else the owner */
};

/* Outside a transaction. ERR_UNAUTHENTICATED: nobody's, or of a job that has ended, or revoked or
 * expired, all in the same words: S3's InvalidAccessKeyId. Faults. */
NODISCARD enum err s3_auth_secret(struct ctx *ctx, const char *access_key_id,
                                  struct s3_identity *ret);

#endif
