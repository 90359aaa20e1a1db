/* What a user may: his levels and overrides. */
#include <string.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/user_change.h"

#define LAST_ADMIN "Cannot remove admin role from the last admin user"

/* ---- levels ---- */

static enum err level_names(struct ctx *ctx, int64_t user_id, const char **ret)
{
        const struct level *levels = NULL;
        const char *names = "";
        enum err rc = store_levels_list(ctx, user_id, &levels);

        if (rc != OK)
                return rc;
        for (; names && levels; levels = levels->next)
                names = arena_printf(ctx->arena, "%s%s%s", names, *names ? " " : "", levels->name);
        if (!names)
                return ctx_nomem(ctx);
        *ret = names;
        return OK;
}

static enum err audit_levels(struct ctx *ctx, int64_t user_id, const char *before)
{
        const struct identity_event event = { "user.level.changed", "user", user_id,
                                              "Changed the levels of a user" };
        const char *after;
        struct user user;
        enum err rc = store_user_get(ctx, user_id, &user);

        if (rc == OK)
                rc = level_names(ctx, user_id, &after);
        if (rc != OK)
                return rc;
        return identity_audit(ctx, &event,
                              json_pack("{s:s, s:s, s:s}", "username", user.username, "before",
                                        before, "after", after));
}

static enum err write_level(struct ctx *ctx, int64_t user_id, const struct level *level, bool give)
{
        int64_t changed = 0;
        const char *before;
        enum err rc = level_names(ctx, user_id, &before);

        if (rc != OK)
                return rc;
        rc = give ? store_user_level_add(ctx, user_id, level->level_id, &changed)
                  : store_user_level_remove(ctx, user_id, level->level_id, &changed);
        if (rc == OK && changed == 0)
                return give ? OK
                            : ctx_fail(ctx, ERR_NOT_FOUND, "User %lld has not got the level %s",
                                       (long long)user_id, level->name);
        return rc == OK ? audit_levels(ctx, user_id, before) : rc;
}

static enum err change_level(struct ctx *ctx, int64_t user_id, const char *name, bool give)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct level level;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        if (rc == OK)
                rc = authority_not_self(ctx, user_id, "levels");
        if (rc == OK)
                rc = store_level_by_name(ctx, name, &level);
        if (rc == OK)
                rc = write_level(ctx, user_id, &level, give);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err user_add_level(struct ctx *ctx, int64_t user_id, const char *level)
{
        return change_level(ctx, user_id, level, true);
}

enum err user_remove_level(struct ctx *ctx, int64_t user_id, const char *level)
{
        return change_level(ctx, user_id, level, false);
}

/* ---- overrides ---- */

static enum err audit_override(struct ctx *ctx, const struct user *before, const struct user *after)
{
        const struct identity_event event = { "user.permission.changed", "user", after->user_id,
                                              "Changed the permissions of a user" };

        return identity_audit(ctx, &event,
                              json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "username",
                                        after->username, "before", "granted", before->granted,
                                        "denied", before->denied, "after", "granted",
                                        after->granted, "denied", after->denied));
}

static enum err write_override(struct ctx *ctx, const struct user *before, permission_set one,
                               enum user_override override)
{
        const permission_set granted = permission_set_parse(before->granted) & ~one;
        const permission_set denied = permission_set_parse(before->denied) & ~one;
        struct user after = *before;
        enum err rc;

        rc = permission_set_text(ctx, granted | (override == USER_GRANT ? one : 0), &after.granted);
        if (rc == OK)
                rc = permission_set_text(ctx, denied | (override == USER_DENY ? one : 0),
                                         &after.denied);
        if (rc != OK)
                return rc;
        if (strcmp(after.granted, before->granted) == 0 &&
            strcmp(after.denied, before->denied) == 0)
                return override == USER_AS_LEVELS
                               ? ctx_fail(ctx, ERR_NOT_FOUND,
                                          "User %lld has no override of this permission",
                                          (long long)before->user_id)
                               : OK;
        rc = store_user_set_overrides(ctx, before->user_id, after.granted, after.denied);
        return rc == OK ? audit_override(ctx, before, &after) : rc;
}

enum err user_set_override(struct ctx *ctx, int64_t user_id, const char *permission,
                           enum user_override override)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        enum permission named;
        struct user user;
        enum err rc;

        if (!permission_parse(permission, &named) || named < PERM_FIRST)
                return ctx_fail(ctx, ERR_INVALID, "permission_name: there is no permission '%.64s'",
                                permission);
        rc = authority_begin(ctx, &authority);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        if (rc == OK)
                rc = authority_not_self(ctx, user_id, "permissions");
        if (rc == OK)
                rc = store_user_get(ctx, user_id, &user);
        if (rc == OK)
                rc = write_override(ctx, &user, permission_set_parse(permission), override);
        if (rc == OK)
                rc = authority_over_user(ctx, user_id);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}
