/* Teams of organisations and their members. */
#include "core/cloud/auth/team.h"
#include "fcgi/handlers.h"
#include "fcgi/org_body.h"
#include "fcgi/param_id.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

static enum err read_org(struct ctx *ctx, const struct request *request, int64_t *ret)
{
        return param_id(ctx, request, "org_id", "Organization", ret);
}

static enum err read_key(struct ctx *ctx, const struct request *request, struct team_key *ret)
{
        enum err rc = read_org(ctx, request, &ret->org_id);

        return rc == OK ? param_id(ctx, request, "team_id", "Team", &ret->team_id) : rc;
}

static enum err teams_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct team *team = NULL;
        struct jsonw json;
        int64_t org_id;
        enum err rc = read_org(ctx, request, &org_id);

        if (rc == OK)
                rc = team_list(ctx, org_id, &team);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_array(&json, "teams");
        for (; team; team = team->next)
                render_team(&json, NULL, team);
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation teams_list = {
        OPERATION(teams_list),
        .summary = "List the teams of an organisation",
};

static enum err reply_team(struct ctx *ctx, struct reply *reply, const struct team *team)
{
        struct jsonw json = reply_json(reply);

        render_team(&json, "team", team);
        return reply_json_end(ctx, reply, &json);
}

static enum err teams_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct team_key key;
        struct team team;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = team_get(ctx, key, &team);
        return rc == OK ? reply_team(ctx, reply, &team) : rc;
}

const struct operation teams_show = {
        OPERATION(teams_show),
        .summary = "Show a team",
};

static enum err teams_create_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct org_given given;
        struct team team;
        int64_t org_id;
        enum err rc = read_org(ctx, request, &org_id);

        if (rc == OK)
                rc = org_body_read(ctx, request, &given);
        if (rc == OK)
                rc = team_create(ctx, org_id, &given, &team);
        return rc == OK ? reply_team(ctx, reply, &team) : rc;
}

const struct operation teams_create = {
        OPERATION(teams_create),
        .summary = "Make a team",
        .body = &org_body_new,
        .status = 201,
};

static enum err teams_update_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct org_given given;
        struct team_key key;
        struct team team;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = org_body_read(ctx, request, &given);
        if (rc == OK)
                rc = team_update(ctx, key, &given, &team);
        return rc == OK ? reply_team(ctx, reply, &team) : rc;
}

const struct operation teams_update = {
        OPERATION(teams_update),
        .summary = "Change a team",
        .body = &org_body_old,
};

static enum err teams_delete_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct team_key key;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = team_delete(ctx, key);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation teams_delete = {
        OPERATION(teams_delete),
        .summary = "Delete a team",
};

/* ---- members ---- */

static enum err team_members_list_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct team_key key;
        enum err rc = read_key(ctx, request, &key);

        jsonw_array(&json, "members");
        if (rc == OK)
                rc = team_members(ctx, key, org_body_render_member, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation team_members_list = {
        OPERATION(team_members_list),
        .summary = "List the members of a team",
};

static enum err team_members_add_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct team_key key;
        int64_t user_id;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = org_body_read_member(ctx, request, &user_id);
        if (rc == OK)
                rc = team_add_member(ctx, key, user_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation team_members_add = {
        OPERATION(team_members_add),
        .summary = "Add a member",
        .body = &org_body_member,
};

static enum err team_members_remove_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct team_key key;
        int64_t user_id;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = param_id(ctx, request, "user_id", "User", &user_id);
        if (rc == OK)
                rc = team_remove_member(ctx, key, user_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation team_members_remove = {
        OPERATION(team_members_remove),
        .summary = "Remove a member",
};
