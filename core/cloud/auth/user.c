#include "core/cloud/auth/user.h"

#include <string.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/user_text.h"

/* ---- seeing ---- */

enum err user_rights(struct ctx *ctx, const struct user *user, const struct level *levels,
                     permission_set *ret)
{
        struct identity identity = {
                .is_admin = user->is_admin,
                .granted = user->granted,
                .denied = user->denied,
                .levels = "",
        };

        for (; levels; levels = levels->next) {
                identity.levels =
                        arena_printf(ctx->arena, "%s %s", identity.levels, levels->permissions);
                if (!identity.levels)
                        return ctx_nomem(ctx);
        }
        *ret = identity_rights(&identity);
        return OK;
}

static enum err set_rights(struct ctx *ctx, struct user_view *view)
{
        view->rights = 0;
        return view->user.is_active ? user_rights(ctx, &view->user, view->levels, &view->rights)
                                    : OK;
}

enum err user_view_load(struct ctx *ctx, int64_t user_id, struct user_view *ret)
{
        const struct resource_rule_filter his = { .user_id = user_id };
        struct user_view view = { .is_whole = true };
        enum err rc = store_user_get(ctx, user_id, &view.user);

        if (rc == OK)
                rc = store_levels_list(ctx, user_id, &view.levels);
        if (rc == OK)
                rc = set_rights(ctx, &view);
        if (rc == OK)
                rc = store_resource_rules_list(ctx, his, &view.rules);
        if (rc == OK)
                rc = store_teams_list(ctx, 0, user_id, &view.teams);
        if (rc == OK && view.user.org_id)
                rc = store_orgs_list(ctx, view.user.org_id, &view.org);
        if (rc == OK)
                *ret = view;
        return rc;
}

/* ---- making ---- */

enum err user_given_check(struct ctx *ctx, const struct user_given *given)
{
        const bool is_remote =
                given->auth_provider && strcmp(given->auth_provider, USER_REMOTE) == 0;
        enum err rc = is_remote ? user_text_remote_name(ctx, given->username)
                                : user_text_name(ctx, given->username);

        if (rc == OK && given->email && *given->email)
                rc = user_text_email(ctx, given->email);
        if (rc == OK && given->display_name)
                rc = user_text_line(ctx, "display_name", given->display_name,
                                    (struct text_size){ 0, USER_SHOWN_MAX });
        return rc;
}

static enum err add_levels(struct ctx *ctx, int64_t user_id, const char *const *names)
{
        enum err rc = OK;

        for (; rc == OK && names && *names; names++)
                rc = store_user_add_level(ctx, user_id, *names);
        return rc;
}

static enum err audit_created(struct ctx *ctx, const struct user_given *given, int64_t user_id)
{
        const struct identity_event event = { "user.created", "user", user_id, "Created a user" };
        json_t *levels = json_array();

        for (const char *const *name = given->level_names; name && *name; name++) {
                if (json_array_append_new(levels, json_string(*name)) != 0)
                        break; /* out of memory: what is missing is not worth a failure */
        }
        return identity_audit(
                ctx, &event,
                json_pack("{s:s, s:s?, s:b, s:s, s:o}", "username", given->username, "email",
                          given->email, "is_admin", given->is_admin, "auth_provider",
                          given->auth_provider ? given->auth_provider : "local", "levels", levels));
}

static enum err refuse_taken(struct ctx *ctx, const char *email, const char *username)
{
        if (!email)
                return ctx_fail(ctx, ERR_CONFLICT, "User with username '%.64s' already exists",
                                username);
        return ctx_fail(ctx, ERR_CONFLICT,
                        "User with email '%.254s' or username '%.64s' already exists", email,
                        username);
}

enum err user_add(struct ctx *ctx, const struct user_given *given, int64_t *ret_user_id)
{
        const char *email = given->email && *given->email ? given->email : NULL;
        const struct user row = {
                .username = given->username,
                .email = email,
                .display_name = given->display_name ? given->display_name : "",
                .password_hash = given->password_hash,
                .auth_provider = given->auth_provider ? given->auth_provider : "local",
                .is_admin = given->is_admin,
                .created_at_us = clock_wall_us(ctx->clock),
        };
        struct user_keys keys;
        enum err rc = user_given_check(ctx, given);

        if (rc != OK)
                return rc;
        keys.username_key = identity_name_key(ctx, given->username);
        keys.email_key = email ? identity_name_key(ctx, email) : NULL;
        if (!keys.username_key || (email && !keys.email_key))
                return ctx_nomem(ctx);
        rc = store_user_insert(ctx, &row, &keys, ret_user_id);
        if (rc == ERR_CONFLICT)
                return refuse_taken(ctx, email, given->username);
        if (rc == OK)
                rc = add_levels(ctx, *ret_user_id, given->level_names);
        return rc == OK ? audit_created(ctx, given, *ret_user_id) : rc;
}

/* With the first user nobody is the administrator any more for where he is. */
static enum err check_administered(struct ctx *ctx)
{
        int64_t admins = 0;
        enum err rc = store_users_count_admins(ctx, &admins);

        if (rc == OK && admins == 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "The first user must be an administrator: nobody could make "
                                "another");
        return rc;
}

enum err user_find(struct ctx *ctx, const char *name, int64_t *ret_user_id)
{
        const char *key = identity_name_key(ctx, name);
        struct user user;
        enum err rc = key ? store_user_by_login(ctx, key, &user) : ctx_nomem(ctx);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "User %.64s not found", name);
        if (rc == OK)
                *ret_user_id = user.user_id;
        return rc;
}

enum err user_create(struct ctx *ctx, const struct user_given *given, int64_t *ret_user_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        int64_t user_id;
        enum err rc = user_given_check(ctx, given);

        if (rc == OK)
                rc = authority_begin(ctx, &authority);
        if (rc == OK)
                rc = user_add(ctx, given, &user_id);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        if (rc == OK)
                rc = check_administered(ctx);
        if (rc == OK)
                rc = authority_commit(ctx, &authority, "There must be an administrator");
        if (rc == OK)
                *ret_user_id = user_id;
        return rc;
}
