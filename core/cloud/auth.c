#include "core/cloud/auth.h"

#include <string.h>
#include <strings.h>

#include "core/cloud/upload_token.h"

static const char *const names[PERM_COUNT] = {
        [PERM_UNSET] = "unset",
        [PERM_PUBLIC] = "public",
        [PERM_JOB_VIEW] = "job.view.all",
        [PERM_JOB_SUBMIT] = "job.submit",
        [PERM_JOB_CANCEL] = "job.cancel.all",
        [PERM_JOB_DELETE] = "job.delete.all",
        [PERM_CONFIG] = "admin.config",
        [PERM_ADMIN_AUDIT] = "admin.audit",
        [PERM_LOGIN] = "login",
        [PERM_STORAGE_READ] = "storage.read",
        [PERM_STORAGE_WRITE] = "storage.write",
};

const char *permission_name(enum permission permission)
{
        return names[permission];
}

/* The token of "Bearer xyz", NULL when it is another scheme. RFC 6750 2.1, RFC 9110 11.1. */
static const char *bearer_token(const char *authorization)
{
        if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
                return NULL;
        return authorization + 7 + strspn(authorization + 7, " ");
}

static enum err identify_job(struct ctx *ctx, const char *token)
{
        const char *job_id;
        enum err rc;

        rc = upload_token_owner(ctx, token, &job_id);
        if (rc != OK)
                return rc;
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = job_id };
        ctx_set_job(ctx, job_id);
        return OK;
}

enum err auth_identify(struct ctx *ctx, const struct credentials *credentials)
{
        const char *bearer = bearer_token(credentials->authorization);

        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        if (credentials->api_key || (bearer && strncmp(bearer, "st_", 3) == 0))
                return ctx_fail(ctx, ERR_UNAUTHENTICATED, "Invalid API key");
        if (credentials->upload_token)
                return identify_job(ctx, credentials->upload_token);
        if (bearer)
                return identify_job(ctx, bearer);
        if (credentials->authorization)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Authorization must be of the form \"Bearer TOKEN\"");
        if (ipaddr_is_loopback(&credentials->peer) && !credentials->forwarded &&
            !credentials->foreign)
                ctx->actor.kind = ACTOR_LOCAL_ADMIN;
        return OK;
}

enum err auth_require(struct ctx *ctx, enum permission permission)
{
        if (permission == PERM_PUBLIC)
                return OK;
        switch (ctx->actor.kind) {
        case ACTOR_LOCAL_ADMIN:
                return OK;
        case ACTOR_JOB:
                if (permission == PERM_STORAGE_READ || permission == PERM_STORAGE_WRITE)
                        return OK;
                return ctx_fail(ctx, ERR_DENIED, "Permission denied: %s",
                                permission_name(permission));
        case ACTOR_ANONYMOUS:
                break;
        }
        if (permission == PERM_STORAGE_WRITE)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Authentication required. Provide per-job upload token via "
                                "X-Upload-Token header.");
        return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                        "Authentication required. Only requests made on the server itself, not "
                        "through another proxy, to a name of this service and not by a page of "
                        "another site, act as its administrator.");
}

enum err auth_require_bucket(struct ctx *ctx, const char *bucket)
{
        if (ctx->actor.kind == ACTOR_JOB && strcmp(ctx->actor.job_id, bucket) != 0)
                return ctx_fail(ctx, ERR_DENIED,
                                "Permission denied: this upload token belongs to another job");
        return OK;
}
