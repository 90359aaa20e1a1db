#include "core/cloud/auth/authority.h"

#include <string.h>

#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/resource_rule.h"

enum err authority_begin(struct ctx *ctx, struct authority *ret)
{
        enum err rc = db_begin(ctx, &ret->tx);

        if (rc == OK)
                rc = db_lock(ctx, IDENTITY_LOCK);
        if (rc == OK)
                rc = store_users_count_admins(ctx, &ret->admins);
        return rc;
}

void authority_rollback(struct authority *authority)
{
        db_rollback_unless_committed(&authority->tx);
}

enum err authority_commit(struct ctx *ctx, struct authority *authority, const char *last_admin)
{
        int64_t admins = 0;
        enum err rc = OK;

        if (authority->admins > 0)
                rc = store_users_count_admins(ctx, &admins);
        if (rc == OK && authority->admins > 0 && admins == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "%s", last_admin);
        return rc == OK ? db_commit(&authority->tx) : rc;
}

static bool may_everything(const struct ctx *ctx)
{
        return auth_rights(ctx) == PERMISSION_SET_ALL;
}

/* What resource rules bind the one who acts with? */
static enum err own_rules(struct ctx *ctx, const struct resource_rule **ret)
{
        const struct resource_rule_filter mine = { .user_id = ctx->actor.user_id };

        *ret = NULL;
        if (may_everything(ctx) || !mine.user_id)
                return OK;
        return store_resource_rules_list(ctx, mine, ret);
}

/* The names of a user's submissions are among those of the one who acts. */
static enum err check_reach(struct ctx *ctx, int64_t user_id)
{
        const struct resource_rule_filter his = { .user_id = user_id };
        const struct resource_rule *mine, *others;
        enum err rc = own_rules(ctx, &mine);

        if (rc != OK || !mine)
                return rc;
        rc = store_resource_rules_list(ctx, his, &others);
        if (rc == OK && !resource_rules_within(others, mine))
                return ctx_fail(ctx, ERR_DENIED,
                                "Permission denied: the user may name resources that you may not");
        return rc;
}

enum err authority_over_user(struct ctx *ctx, int64_t user_id)
{
        struct user_view view;
        permission_set rights;
        enum err rc = store_user_get(ctx, user_id, &view.user);

        if (rc == OK)
                rc = store_levels_list(ctx, user_id, &view.levels);
        if (rc == OK)
                rc = user_rights(ctx, &view.user, view.levels, &rights);
        if (rc != OK)
                return rc;
        if (!permission_set_within(rights, auth_rights(ctx)))
                return ctx_fail(ctx, ERR_DENIED,
                                "Permission denied: the user has, or would have, permissions that "
                                "you have not");
        return permission_set_has(rights, PERM_JOB_SUBMIT) ? check_reach(ctx, user_id) : OK;
}

enum err authority_not_self(struct ctx *ctx, int64_t user_id, const char *what)
{
        if (may_everything(ctx) || user_id != ctx->actor.user_id)
                return OK;
        return ctx_fail(ctx, ERR_DENIED, "Permission denied: you cannot change your own %s", what);
}

enum err authority_over_permissions(struct ctx *ctx, const char *names)
{
        const permission_set set = permission_set_close(permission_set_parse(names));
        const char *missing;
        enum err rc;

        if (permission_set_within(set, auth_rights(ctx)))
                return OK;
        rc = permission_set_text(ctx, set & ~auth_rights(ctx), &missing);
        if (rc != OK)
                return rc;
        return ctx_fail(ctx, ERR_DENIED, "Permission denied: you have not got %.300s", missing);
}

enum err authority_unbound(struct ctx *ctx)
{
        const struct resource_rule *mine;
        enum err rc = own_rules(ctx, &mine);

        if (rc == OK && mine)
                return ctx_fail(ctx, ERR_DENIED,
                                "Permission denied: you are bound by resource rules yourself");
        return rc;
}

enum err authority_begin_unbound(struct ctx *ctx, struct authority *ret)
{
        enum err rc = authority_begin(ctx, ret);

        return rc == OK ? authority_unbound(ctx) : rc;
}
