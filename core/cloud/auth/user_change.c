#include "core/cloud/auth/user_change.h"

#include <string.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/user_text.h"
#include "core/cloud/provider/credential.h"
#include "core/cloud/s3/s3_credential.h"
#include "core/store/store_api_keys.h"
#include "core/store/store_sessions.h"

#define LAST_DEACTIVATED "Cannot deactivate the last active admin user"
#define LAST_DELETED     "Cannot delete the last active admin user"
#define LAST_DEMOTED     "Cannot remove admin role from the last admin user"

static enum err check_patch(struct ctx *ctx, const struct user_patch *patch)
{
        enum err rc = OK;

        if (patch->email && *patch->email)
                rc = user_text_email(ctx, patch->email);
        if (rc == OK && patch->display_name)
                rc = user_text_line(ctx, "display_name", patch->display_name,
                                    (struct text_size){ 0, USER_SHOWN_MAX });
        return rc;
}

/* ---- writing down ---- */

/* What somebody's row shows of what can be changed. */
static json_t *shown(const struct user *user)
{
        return json_pack("{s:s?, s:s, s:b, s:b}", "email", user->email, "display_name",
                         user->display_name, "is_active", user->is_active, "is_admin",
                         user->is_admin);
}

static bool same(const struct user *a, const struct user *b)
{
        return strcmp(a->email ? a->email : "", b->email ? b->email : "") == 0 &&
               strcmp(a->display_name, b->display_name) == 0 && a->is_active == b->is_active &&
               a->is_admin == b->is_admin;
}

static enum err audit_updated(struct ctx *ctx, const struct user *before, const struct user *after)
{
        const struct identity_event event = { "user.updated", "user", after->user_id,
                                              "Changed a user" };

        return identity_audit(ctx, &event,
                              json_pack("{s:s, s:o, s:o}", "username", after->username, "before",
                                        shown(before), "after", shown(after)));
}

static enum err audit_password(struct ctx *ctx, const struct user *user, int64_t sessions)
{
        const struct identity_event event = { "user.password.changed", "user", user->user_id,
                                              "Changed a password" };

        return identity_audit(ctx, &event,
                              json_pack("{s:s, s:I}", "username", user->username, "sessions_ended",
                                        (json_int_t)sessions));
}

/* ---- fields ---- */

static enum err write_row(struct ctx *ctx, const struct user *before, const struct user *after)
{
        const char *email_key = NULL;
        enum err rc;

        if (same(before, after))
                return OK;
        if (after->email) {
                email_key = identity_name_key(ctx, after->email);
                if (!email_key)
                        return ctx_nomem(ctx);
        }
        rc = store_user_update(ctx, after, email_key);
        return rc == OK ? audit_updated(ctx, before, after) : rc;
}

static struct user patched(const struct user *user, const struct user_patch *patch)
{
        struct user after = *user;

        if (patch->email)
                after.email = *patch->email ? patch->email : NULL;
        if (patch->display_name)
                after.display_name = patch->display_name;
        if (patch->is_active)
                after.is_active = *patch->is_active;
        if (patch->is_admin)
                after.is_admin = *patch->is_admin;
        return after;
}

static enum err check_self(struct ctx *ctx, const struct user *before, const struct user *after)
{
        if (before->user_id != ctx->actor.user_id)
                return OK;
        if (!after->is_active)
                return ctx_fail(ctx, ERR_CONFLICT, "Cannot deactivate your own account");
        return before->is_admin != after->is_admin
                       ? authority_not_self(ctx, before->user_id, "administrator role")
                       : OK;
}

static enum err write_password(struct ctx *ctx, const struct user *user, const char *hash)
{
        int64_t ended = 0;
        enum err rc;

        if (strcmp(user->auth_provider, "local") != 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "The password of %s is kept by the front server's directory",
                                user->username);
        rc = store_user_set_password(ctx, user->user_id, hash);
        if (rc == OK)
                rc = store_sessions_delete_all(ctx, user->user_id, NULL, &ended);
        return rc == OK ? audit_password(ctx, user, ended) : rc;
}

static enum err apply(struct ctx *ctx, const struct user *before, const struct user_patch *patch)
{
        const struct user after = patched(before, patch);
        int64_t ended;
        enum err rc = check_self(ctx, before, &after);

        if (rc == OK)
                rc = write_row(ctx, before, &after);
        if (rc == OK && !after.is_active)
                rc = store_sessions_delete_all(ctx, after.user_id, NULL, &ended);
        if (rc == OK && patch->password_hash)
                rc = write_password(ctx, before, patch->password_hash);
        return rc;
}

enum err user_update(struct ctx *ctx, int64_t user_id, const struct user_patch *patch)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const bool demotes = patch->is_admin && !*patch->is_admin;
        struct user before;
        enum err rc = check_patch(ctx, patch);

        if (rc == OK)
                rc = authority_begin(ctx, &authority);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        if (rc == OK)
                rc = store_user_get(ctx, user_id, &before);
        if (rc == OK)
                rc = apply(ctx, &before, patch);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        return rc == OK ? authority_commit(ctx, &authority,
                                           demotes ? LAST_DEMOTED : LAST_DEACTIVATED)
                        : rc;
}

/* ERR_NOT_FOUND: the one who acts is no user. */
static enum err get_self(struct ctx *ctx, struct user *ret)
{
        if (ctx->actor.kind != ACTOR_USER)
                return ctx_fail(ctx, ERR_NOT_FOUND, "You have no account: you act as %s",
                                ctx_actor_name(ctx));
        return store_user_get(ctx, ctx->actor.user_id, ret);
}

enum err user_update_self(struct ctx *ctx, const struct user_patch *patch)
{
        const struct user_patch own = { .email = patch->email,
                                        .display_name = patch->display_name };
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct user before;
        enum err rc = check_patch(ctx, &own);

        if (rc == OK)
                rc = authority_begin(ctx, &authority);
        if (rc == OK)
                rc = get_self(ctx, &before);
        if (rc == OK)
                rc = apply(ctx, &before, &own);
        return rc == OK ? authority_commit(ctx, &authority, LAST_DEACTIVATED) : rc;
}

enum err user_owner(struct ctx *ctx, int64_t user_id, const char **ret)
{
        struct user user;
        enum err rc = authority_over_user(ctx, user_id);

        if (rc == OK)
                rc = store_user_get(ctx, user_id, &user);
        if (rc == OK)
                *ret = user.username;
        return rc;
}

/* ---- deleting ---- */

static enum err forget(struct ctx *ctx, const struct user *user)
{
        int64_t ended;
        enum err rc = credential_forget_all(ctx, user->username);

        if (rc == OK)
                rc = store_sessions_delete_all(ctx, user->user_id, NULL, &ended);
        if (rc == OK)
                rc = store_api_keys_revoke_all(ctx, user->user_id);
        if (rc == OK)
                rc = store_s3_credentials_revoke_all(ctx, user->username);
        return rc == OK ? store_user_delete(ctx, user->user_id) : rc;
}

enum err user_delete(struct ctx *ctx, int64_t user_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "user.deleted", "user", user_id, "Deleted a user" };
        struct user user;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        if (rc == OK && user_id == ctx->actor.user_id)
                return ctx_fail(ctx, ERR_CONFLICT, "Cannot delete your own account");
        if (rc == OK)
                rc = store_user_get(ctx, user_id, &user);
        if (rc == OK)
                rc = forget(ctx, &user);
        if (rc == OK)
                rc = identity_audit(ctx, &event,
                                    json_pack("{s:s, s:b}", "username", user.username, "was_admin",
                                              user.is_admin));
        return rc == OK ? authority_commit(ctx, &authority, LAST_DELETED) : rc;
}
