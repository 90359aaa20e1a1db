#include "core/cloud/auth/team.h"

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/user_text.h"

#define LAST_ADMIN "There must be an administrator"

/* ---- seeing ---- */

enum err team_list(struct ctx *ctx, int64_t org_id, const struct team **ret)
{
        struct org org;
        enum err rc = org_get(ctx, org_id, &org);

        return rc == OK ? store_teams_list(ctx, org_id, 0, ret) : rc;
}

enum err team_get(struct ctx *ctx, struct team_key key, struct team *ret)
{
        struct org org;
        enum err rc = org_get(ctx, key.org_id, &org);

        return rc == OK ? store_team_get(ctx, key.org_id, key.team_id, ret) : rc;
}

enum err team_members(struct ctx *ctx, struct team_key key, member_row_fn *row, void *arg)
{
        struct team team;
        enum err rc = team_get(ctx, key, &team);

        return rc == OK ? store_members_each(ctx, key.org_id, key.team_id, row, arg) : rc;
}

/* ---- changing ---- */

static json_t *shown(const struct team *team)
{
        return team ? json_pack("{s:s, s:s}", "name", team->name, "description", team->description)
                    : json_null();
}

static enum err audit(struct ctx *ctx, const struct identity_event *event,
                      const struct team *before, const struct team *after)
{
        const struct team *any = before ? before : after;

        return identity_audit(ctx, event,
                              json_pack("{s:I, s:o, s:o}", "org_id", (json_int_t)any->org_id,
                                        "before", shown(before), "after", shown(after)));
}

static enum err merge(struct ctx *ctx, const struct org_given *given, struct team *team)
{
        enum err rc;

        if (given->name)
                team->name = given->name;
        if (given->description)
                team->description = given->description;
        rc = user_text_line(ctx, "name", team->name, (struct text_size){ 1, ORG_NAME_MAX });
        if (rc == OK)
                rc = user_text_prose(ctx, "description", team->description,
                                     (struct text_size){ 0, ORG_DESCRIPTION_MAX });
        return rc;
}

enum err team_create(struct ctx *ctx, int64_t org_id, const struct org_given *given,
                     struct team *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct identity_event event = { "team.created", "team", 0, "Made a team" };
        struct team team = { .org_id = org_id, .name = "", .description = "" };
        struct org org;
        enum err rc = merge(ctx, given, &team);

        if (rc == OK)
                rc = authority_begin(ctx, &authority);
        if (rc == OK)
                rc = org_get(ctx, org_id, &org);
        if (rc == OK)
                rc = store_team_insert(ctx, &team, &team.team_id);
        event.target_id = team.team_id;
        if (rc == OK)
                rc = audit(ctx, &event, NULL, &team);
        if (rc == OK)
                rc = store_team_get(ctx, org_id, team.team_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err team_update(struct ctx *ctx, struct team_key key, const struct org_given *given,
                     struct team *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "team.updated", "team", key.team_id,
                                              "Changed a team" };
        struct team before, after;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = team_get(ctx, key, &before);
        if (rc != OK)
                return rc;
        after = before;
        rc = merge(ctx, given, &after);
        if (rc == OK)
                rc = store_team_update(ctx, &after);
        if (rc == OK)
                rc = audit(ctx, &event, &before, &after);
        if (rc == OK)
                rc = store_team_get(ctx, key.org_id, key.team_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err team_delete(struct ctx *ctx, struct team_key key)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "team.deleted", "team", key.team_id,
                                              "Deleted a team" };
        struct team team;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = team_get(ctx, key, &team);
        if (rc == OK)
                rc = store_team_delete(ctx, key.team_id);
        if (rc == OK)
                rc = audit(ctx, &event, &team, NULL);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

/* ---- members ---- */

/* A user of the organisation whom the one who acts may put into teams. */
static enum err take_user(struct ctx *ctx, struct team_key key, int64_t user_id, struct user *ret)
{
        struct team team;
        enum err rc = team_get(ctx, key, &team);

        if (rc == OK)
                rc = store_user_get(ctx, user_id, ret);
        if (rc == OK && ret->org_id != key.org_id)
                return ctx_fail(ctx, ERR_NOT_FOUND, "User %lld not found", (long long)user_id);
        if (rc == OK)
                rc = authority_not_self(ctx, user_id, "teams");
        return rc == OK ? authority_over_user(ctx, user_id) : rc;
}

static enum err change_member(struct ctx *ctx, struct team_key key, int64_t user_id, bool put)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { put ? "team.member.added" : "team.member.removed",
                                              "team", key.team_id,
                                              put ? "Put a user into a team"
                                                  : "Took a user out of a team" };
        int64_t changed = 0;
        struct user user;
        enum err rc = authority_begin(ctx, &authority);

        if (rc == OK)
                rc = take_user(ctx, key, user_id, &user);
        if (rc != OK)
                return rc;
        rc = put ? store_team_member_add(ctx, key.team_id, user_id, &changed)
                 : store_team_member_remove(ctx, key.team_id, user_id, &changed);
        if (rc == OK && changed == 0)
                return put ? OK
                           : ctx_fail(ctx, ERR_NOT_FOUND, "User %lld not found",
                                      (long long)user_id);
        if (rc == OK)
                rc = identity_audit(ctx, &event,
                                    json_pack("{s:I, s:I, s:s}", "org_id", (json_int_t)key.org_id,
                                              "user_id", (json_int_t)user_id, "username",
                                              user.username));
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err team_add_member(struct ctx *ctx, struct team_key key, int64_t user_id)
{
        return change_member(ctx, key, user_id, true);
}

enum err team_remove_member(struct ctx *ctx, struct team_key key, int64_t user_id)
{
        return change_member(ctx, key, user_id, false);
}
