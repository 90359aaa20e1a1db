#include "core/cloud/auth/user_provider.h"

#include <string.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/store/store_sessions.h"

static enum err audit_change(struct ctx *ctx, const struct user *before, const char *provider)
{
        const struct identity_event event = { "user.provider.changed", "user", before->user_id,
                                              "Changed who says that somebody is this user" };

        return identity_audit(ctx, &event,
                              json_pack("{s:s, s:s, s:s}", "username", before->username, "before",
                                        before->auth_provider, "after", provider));
}

static enum err change(struct ctx *ctx, const struct user *user, const char *provider)
{
        int64_t ended;
        enum err rc = store_user_set_provider(ctx, user->user_id, provider);

        if (rc == OK)
                rc = store_sessions_delete_all(ctx, user->user_id, NULL, &ended);
        return rc == OK ? audit_change(ctx, user, provider) : rc;
}

enum err user_set_provider(struct ctx *ctx, int64_t user_id, const char *provider)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct user user;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = store_user_get(ctx, user_id, &user);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        if (rc == OK && strcmp(user.auth_provider, provider) != 0)
                rc = change(ctx, &user, provider);
        return rc == OK ? authority_commit(ctx, &authority, "There must be an administrator") : rc;
}
