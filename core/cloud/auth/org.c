#include "core/cloud/auth/org.h"

#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/user_text.h"

#define LAST_ADMIN "There must be an administrator"

/* ---- seeing ---- */

static bool sees_all(const struct ctx *ctx)
{
        return auth_may(ctx, PERM_ADMIN_USERS);
}

/* The organisation of the one who acts, 0: none. */
static enum err own_org(struct ctx *ctx, int64_t *ret)
{
        struct user user = { 0 };
        enum err rc = OK;

        if (ctx->actor.user_id)
                rc = store_user_get(ctx, ctx->actor.user_id, &user);
        if (rc == OK)
                *ret = user.org_id;
        return rc;
}

enum err org_get(struct ctx *ctx, int64_t org_id, struct org *ret)
{
        int64_t own = org_id;
        enum err rc = sees_all(ctx) ? OK : own_org(ctx, &own);

        if (rc == OK && own != org_id)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Organization %lld not found",
                                (long long)org_id);
        return rc == OK ? store_org_get(ctx, org_id, ret) : rc;
}

enum err org_list(struct ctx *ctx, const struct org **ret)
{
        int64_t own = 0;
        enum err rc = OK;

        if (sees_all(ctx))
                return store_orgs_list(ctx, 0, ret);
        rc = own_org(ctx, &own);
        if (rc == OK && !own)
                *ret = NULL;
        return rc == OK && own ? store_orgs_list(ctx, own, ret) : rc;
}

/* ---- changing ---- */

static json_t *shown(const struct org *org)
{
        return org ? json_pack("{s:s, s:s}", "name", org->name, "description", org->description)
                   : json_null();
}

static enum err audit(struct ctx *ctx, const struct identity_event *event, const struct org *before,
                      const struct org *after)
{
        return identity_audit_change(ctx, event, shown(before), shown(after));
}

static enum err merge(struct ctx *ctx, const struct org_given *given, struct org *org)
{
        enum err rc;

        if (given->name)
                org->name = given->name;
        if (given->description)
                org->description = given->description;
        rc = user_text_line(ctx, "name", org->name, (struct text_size){ 1, ORG_NAME_MAX });
        if (rc == OK)
                rc = user_text_prose(ctx, "description", org->description,
                                     (struct text_size){ 0, ORG_DESCRIPTION_MAX });
        return rc;
}

enum err org_create(struct ctx *ctx, const struct org_given *given, struct org *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct identity_event event = { "org.created", "org", 0, "Made an organization" };
        struct org org = { .name = "", .description = "" };
        enum err rc = merge(ctx, given, &org);

        if (rc == OK)
                rc = authority_begin(ctx, &authority);
        if (rc == OK)
                rc = store_org_insert(ctx, &org, &org.org_id);
        event.target_id = org.org_id;
        if (rc == OK)
                rc = audit(ctx, &event, NULL, &org);
        if (rc == OK)
                rc = store_org_get(ctx, org.org_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err org_update(struct ctx *ctx, int64_t org_id, const struct org_given *given, struct org *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "org.updated", "org", org_id,
                                              "Changed an organization" };
        struct org before, after;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = org_get(ctx, org_id, &before);
        if (rc != OK)
                return rc;
        after = before;
        rc = merge(ctx, given, &after);
        if (rc == OK)
                rc = store_org_update(ctx, &after);
        if (rc == OK)
                rc = audit(ctx, &event, &before, &after);
        if (rc == OK)
                rc = store_org_get(ctx, org_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err org_delete(struct ctx *ctx, int64_t org_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "org.deleted", "org", org_id,
                                              "Deleted an organization" };
        struct org org;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = org_get(ctx, org_id, &org);
        if (rc == OK && org.members > 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Organization %lld has %lld member%s; take them out first",
                                (long long)org_id, (long long)org.members,
                                org.members == 1 ? "" : "s");
        if (rc == OK)
                rc = store_org_delete(ctx, org_id);
        if (rc == OK)
                rc = audit(ctx, &event, &org, NULL);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

/* ---- members ---- */

enum err org_members(struct ctx *ctx, int64_t org_id, member_row_fn *row, void *arg)
{
        struct org org;
        enum err rc = org_get(ctx, org_id, &org);

        return rc == OK ? store_members_each(ctx, org_id, 0, row, arg) : rc;
}

static enum err no_user(struct ctx *ctx, int64_t user_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "User %lld not found", (long long)user_id);
}

/* A user whom the one who acts may put into an organisation or take out of one. */
static enum err take_user(struct ctx *ctx, int64_t org_id, int64_t user_id, struct user *ret)
{
        enum err rc = store_user_get(ctx, user_id, ret);

        if (rc == OK && ret->org_id && ret->org_id != org_id && !sees_all(ctx))
                return no_user(ctx, user_id);
        if (rc == OK)
                rc = authority_not_self(ctx, user_id, "organization");
        return rc == OK ? authority_over_user(ctx, user_id) : rc;
}

static enum err audit_member(struct ctx *ctx, const struct identity_event *event,
                             const struct user *user)
{
        return identity_audit(ctx, event,
                              json_pack("{s:I, s:s}", "user_id", (json_int_t)user->user_id,
                                        "username", user->username));
}

enum err org_add_member(struct ctx *ctx, int64_t org_id, int64_t user_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "org.member.added", "org", org_id,
                                              "Put a user into an organization" };
        struct user user;
        struct org org;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = org_get(ctx, org_id, &org);
        if (rc == OK)
                rc = take_user(ctx, org_id, user_id, &user);
        if (rc != OK || user.org_id == org_id)
                return rc;
        if (user.org_id)
                return ctx_fail(ctx, ERR_CONFLICT, "%s is in another organization", user.username);
        rc = store_user_set_org(ctx, user_id, org_id);
        if (rc == OK)
                rc = audit_member(ctx, &event, &user);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err org_remove_member(struct ctx *ctx, int64_t org_id, int64_t user_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "org.member.removed", "org", org_id,
                                              "Took a user out of an organization" };
        struct user user;
        struct org org;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = org_get(ctx, org_id, &org);
        if (rc == OK)
                rc = take_user(ctx, org_id, user_id, &user);
        if (rc == OK && user.org_id != org_id)
                return no_user(ctx, user_id);
        if (rc == OK)
                rc = store_team_member_clear(ctx, user_id);
        if (rc == OK)
                rc = store_user_set_org(ctx, user_id, 0);
        if (rc == OK)
                rc = audit_member(ctx, &event, &user);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}
