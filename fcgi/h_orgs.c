/* Organisations and their members. */
#include "core/base/fields.h"
#include "core/cloud/auth/org.h"
#include "fcgi/handlers.h"
#include "fcgi/org_body.h"
#include "fcgi/param_id.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

#define WHAT "Organization"

static enum err orgs_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct org *org = NULL;
        struct jsonw json;
        enum err rc = org_list(ctx, &org);

        (void)request;
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_array(&json, "organizations");
        for (; org; org = org->next)
                render_org(&json, NULL, org);
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation orgs_list = {
        OPERATION(orgs_list),
        .summary = "List organisations",
};

static enum err reply_org(struct ctx *ctx, struct reply *reply, const struct org *org)
{
        struct jsonw json = reply_json(reply);

        render_org(&json, "organization", org);
        return reply_json_end(ctx, reply, &json);
}

static enum err orgs_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct org org;
        int64_t org_id;
        enum err rc = param_id(ctx, request, "org_id", WHAT, &org_id);

        if (rc == OK)
                rc = org_get(ctx, org_id, &org);
        return rc == OK ? reply_org(ctx, reply, &org) : rc;
}

const struct operation orgs_show = {
        OPERATION(orgs_show),
        .summary = "Show an organisation",
};

static enum err orgs_create_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct org_given given;
        struct org org;
        enum err rc = org_body_read(ctx, request, &given);

        if (rc == OK)
                rc = org_create(ctx, &given, &org);
        return rc == OK ? reply_org(ctx, reply, &org) : rc;
}

const struct operation orgs_create = {
        OPERATION(orgs_create),
        .summary = "Make an organisation",
        .body = &org_body_new,
        .status = 201,
};

static enum err orgs_update_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct org_given given;
        struct org org;
        int64_t org_id;
        enum err rc = param_id(ctx, request, "org_id", WHAT, &org_id);

        if (rc == OK)
                rc = org_body_read(ctx, request, &given);
        if (rc == OK)
                rc = org_update(ctx, org_id, &given, &org);
        return rc == OK ? reply_org(ctx, reply, &org) : rc;
}

const struct operation orgs_update = {
        OPERATION(orgs_update),
        .summary = "Change an organisation",
        .body = &org_body_old,
};

static enum err orgs_delete_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        int64_t org_id;
        enum err rc = param_id(ctx, request, "org_id", WHAT, &org_id);

        if (rc == OK)
                rc = org_delete(ctx, org_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation orgs_delete = {
        OPERATION(orgs_delete),
        .summary = "Delete an organisation",
};

/* ---- members ---- */

static enum err org_members_list_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        int64_t org_id;
        enum err rc = param_id(ctx, request, "org_id", WHAT, &org_id);

        jsonw_array(&json, "members");
        if (rc == OK)
                rc = org_members(ctx, org_id, org_body_render_member, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation org_members_list = {
        OPERATION(org_members_list),
        .summary = "List the members of an organisation",
};

static enum err org_members_add_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        int64_t org_id, user_id;
        enum err rc = param_id(ctx, request, "org_id", WHAT, &org_id);

        if (rc == OK)
                rc = org_body_read_member(ctx, request, &user_id);
        if (rc == OK)
                rc = org_add_member(ctx, org_id, user_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation org_members_add = {
        OPERATION(org_members_add),
        .summary = "Add a member",
        .body = &org_body_member,
};

static enum err org_members_remove_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        int64_t org_id, user_id;
        enum err rc = param_id(ctx, request, "org_id", WHAT, &org_id);

        if (rc == OK)
                rc = param_id(ctx, request, "user_id", "User", &user_id);
        if (rc == OK)
                rc = org_remove_member(ctx, org_id, user_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation org_members_remove = {
        OPERATION(org_members_remove),
        .summary = "Remove a member",
};
