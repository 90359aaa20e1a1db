#include "core/cloud/auth/auth.h"

#include <string.h>
#include <strings.h>

#include "core/base/config.h"
#include "core/cloud/auth/api_key.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/remote_user.h"
#include "core/cloud/auth/session.h"
#include "core/cloud/storage/upload_token.h"

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

/* Nothing is shown but where the request comes from. */
static enum err identify_place(struct ctx *ctx, const struct credentials *credentials)
{
        bool any;
        enum err rc;

        if (!ipaddr_is_loopback(&credentials->peer) || credentials->forwarded ||
            credentials->foreign)
                return OK;
        rc = identity_any(ctx, &any);
        if (rc == OK && !any)
                ctx->actor.kind = ACTOR_LOCAL_ADMIN;
        return rc;
}

/* The header that front servers take for themselves when they ask for a name and password. */
static enum err identify_authorization(struct ctx *ctx, const char *authorization)
{
        const char *bearer = bearer_token(authorization);

        if (!bearer)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Authorization must be of the form \"Bearer TOKEN\"");
        if (strncmp(bearer, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0)
                return api_key_identify(ctx, bearer);
        return identify_job(ctx, bearer);
}

enum err auth_identify(struct ctx *ctx, const struct credentials *credentials)
{
        const char *authorization = credentials->authorization;

        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        if (credentials->api_key)
                return api_key_identify(ctx, credentials->api_key);
        if (credentials->upload_token)
                return identify_job(ctx, credentials->upload_token);
        if (authorization && !(credentials->remote_user && !bearer_token(authorization)))
                return identify_authorization(ctx, authorization);
        if (credentials->session)
                return session_identify(ctx, credentials->session);
        if (credentials->remote_user)
                return remote_user_identify(ctx, credentials->remote_user,
                                            credentials->remote_groups);
        return identify_place(ctx, credentials);
}

permission_set auth_rights(const struct ctx *ctx)
{
        switch (ctx->actor.kind) {
        case ACTOR_LOCAL_ADMIN:
                return PERMISSION_SET_ALL;
        case ACTOR_USER:
                return ctx->actor.rights;
        case ACTOR_ANONYMOUS:
        case ACTOR_JOB:
                break;
        }
        return 0;
}

bool auth_may(const struct ctx *ctx, enum permission permission)
{
        return permission_set_has(auth_rights(ctx), permission);
}

static enum err refuse_stranger(struct ctx *ctx, enum permission permission)
{
        bool any;
        enum err rc;

        if (permission == PERM_STORAGE_WRITE || permission == PERM_STORAGE_MAKE)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Authentication required. Provide per-job upload token via "
                                "X-Upload-Token header.");
        rc = identity_any(ctx, &any);
        if (rc != OK)
                return rc;
        if (any)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Authentication required. Log in, or send an API key as "
                                "X-API-Key.");
        return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                        "Authentication required, and there is no user yet. Make the first "
                        "administrator on the server itself: POST /api/auth/setup/first-admin, or "
                        "\"simpletuner-cloud user add --admin\". Until then only requests made "
                        "there, not through another proxy, to a name of this service and not by "
                        "a page of another site, act as the administrator.");
}

static enum err deny(struct ctx *ctx, enum permission permission)
{
        return ctx_fail(ctx, ERR_DENIED, "Permission denied: %s", permission_name(permission));
}

static bool is_of_storage(enum permission permission)
{
        return permission == PERM_STORAGE_READ || permission == PERM_STORAGE_WRITE ||
               permission == PERM_STORAGE_MAKE;
}

/* Which named permission opens the routes of storage to users. */
static enum permission named(enum permission permission)
{
        if (permission == PERM_STORAGE_READ)
                return PERM_JOB_VIEW_OWN;
        if (permission == PERM_STORAGE_MAKE)
                return PERM_ADMIN_CONFIG;
        return permission == PERM_STORAGE_WRITE ? PERM_JOB_DELETE_OWN : permission;
}

static enum err require_of_user(struct ctx *ctx, enum permission permission)
{
        if (permission == PERM_LOGIN || auth_may(ctx, named(permission)))
                return OK;
        if (permission != PERM_ACCOUNT)
                return deny(ctx, named(permission));
        if (!ctx->actor.is_bounded)
                return OK;
        return ctx_fail(ctx, ERR_DENIED,
                        "Permission denied: an API key with scopes cannot change "
                        "the account of its user");
}

enum err auth_require(struct ctx *ctx, enum permission permission)
{
        if (permission >= PERM_PUBLIC && permission <= PERM_PROBE)
                return OK;
        switch (ctx->actor.kind) {
        case ACTOR_LOCAL_ADMIN:
                return OK;
        case ACTOR_USER:
                return require_of_user(ctx, permission);
        case ACTOR_JOB:
                if (is_of_storage(permission))
                        return OK;
                return deny(ctx, permission);
        case ACTOR_ANONYMOUS:
                break;
        }
        return refuse_stranger(ctx, permission);
}

enum err auth_require_over(struct ctx *ctx, const char *owner, enum permission all)
{
        if (auth_may(ctx, all) || strcmp(owner, ctx_actor_name(ctx)) == 0)
                return OK;
        return deny(ctx, all);
}
