#include "core/cloud/s3/s3_auth.h"

#include <string.h>

#include "core/cloud/auth/identity.h"
#include "core/cloud/s3/s3_credential.h"
#include "core/cloud/storage/upload_token.h"

/* docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, InvalidAccessKeyId. */
static enum err unknown(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_UNAUTHENTICATED, "InvalidAccessKeyId",
                           "The AWS Access Key Id you provided does not exist in our records.");
}

/* Who an owner's name stands for. ERR_UNAUTHENTICATED: nobody, whatever was stored in that name. */
static enum err actor_of(struct ctx *ctx, const char *owner, struct actor *ret)
{
        const struct actor local = { .kind = ACTOR_LOCAL_ADMIN, .name = "local" };
        const char *key = identity_name_key(ctx, owner);
        struct identity identity;
        enum err rc;

        if (strcmp(owner, local.name) == 0) { /* by the companion, or before there were users */
                *ret = local;
                return OK;
        }
        if (!key)
                return ctx_nomem(ctx);
        rc = store_identity_by_name(ctx, key, &identity);
        if (rc == ERR_NOT_FOUND)
                return unknown(ctx);
        if (rc == OK)
                *ret = identity_actor(&identity, VIA_S3_CREDENTIAL, NULL);
        return rc;
}

static enum err identify_owner(struct ctx *ctx, const char *access_key_id, struct s3_identity *ret)
{
        enum err rc = s3_credential_open(ctx, access_key_id, &ret->credential, &ret->secret_key);

        return rc == OK ? actor_of(ctx, ret->credential.owner, &ret->actor) : rc;
}

static enum err identify_job(struct ctx *ctx, const char *token, struct s3_identity *ret)
{
        const char *job_id;
        enum err rc = upload_token_secret(ctx, token, &job_id, &ret->secret_key);

        if (rc == OK)
                ret->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = job_id };
        return rc;
}

/* By length: an upload token may begin with any letters. */
static bool is_credential_id(const char *access_key_id)
{
        return strlen(access_key_id) == S3_CREDENTIAL_ID_SIZE - 1 &&
               strncmp(access_key_id, S3_CREDENTIAL_PREFIX, strlen(S3_CREDENTIAL_PREFIX)) == 0;
}

enum err s3_auth_secret(struct ctx *ctx, const char *access_key_id, struct s3_identity *ret)
{
        struct s3_identity identity = { .actor = { .kind = ACTOR_ANONYMOUS } };
        enum err rc = is_credential_id(access_key_id)
                              ? identify_owner(ctx, access_key_id, &identity)
                              : identify_job(ctx, access_key_id, &identity);

        if (rc == ERR_UNAUTHENTICATED)
                return unknown(ctx);
        if (rc == OK)
                *ret = identity;
        return rc;
}

void s3_auth_accept(struct ctx *ctx, const struct s3_identity *identity)
{
        ctx->actor = identity->actor;
        ctx_set_job(ctx, identity->actor.job_id);
        if (identity->credential.access_key_id)
                s3_credential_note_use(ctx, &identity->credential);
}
