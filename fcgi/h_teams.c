/* Teams of organisations and their members. */
#include "core/cloud/team.h"
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

enum err teams_list(struct ctx *ctx, const struct request *request, struct reply *reply)
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

static enum err reply_team(struct ctx *ctx, struct reply *reply, const struct team *team)
{
        struct jsonw json = reply_json(reply);

        render_team(&json, "team", team);
        return reply_json_end(ctx, reply, &json);
}

enum err teams_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct team_key key;
        struct team team;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = team_get(ctx, key, &team);
        return rc == OK ? reply_team(ctx, reply, &team) : rc;
}

enum err teams_create(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct org_given given;
        struct team team;
        int64_t org_id;
        enum err rc = read_org(ctx, request, &org_id);

        if (rc == OK)
                rc = org_body_read(ctx, request, true, &given);
        if (rc == OK)
                rc = team_create(ctx, org_id, &given, &team);
        reply->status = 201;
        return rc == OK ? reply_team(ctx, reply, &team) : rc;
}

enum err teams_update(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct org_given given;
        struct team_key key;
        struct team team;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = org_body_read(ctx, request, false, &given);
        if (rc == OK)
                rc = team_update(ctx, key, &given, &team);
        return rc == OK ? reply_team(ctx, reply, &team) : rc;
}

enum err teams_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct team_key key;
        enum err rc = read_key(ctx, request, &key);

        if (rc == OK)
                rc = team_delete(ctx, key);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

/* ---- members ---- */

enum err team_members_list(struct ctx *ctx, const struct request *request, struct reply *reply)
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

enum err team_members_add(struct ctx *ctx, const struct request *request, struct reply *reply)
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

enum err team_members_remove(struct ctx *ctx, const struct request *request, struct reply *reply)
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
