/* What an organisation or a team allows its members: ceilings of their quotas. */
#include <string.h>

#include "core/base/fields.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_quota.h"

static const struct field given_fields[] = {
        FIELD(struct quota_given, quota_type, FIELD_STRING, .required = true),
        FIELD(struct quota_given, limit_value, FIELD_NUMBER, .required = true),
        FIELD(struct quota_given, action, FIELD_STRING),
};

/* The group that the path names: an organisation, or one of its teams. */
static enum err read_group(struct ctx *ctx, const struct request *request, struct quota_group *ret)
{
        struct quota_group group = { 0 };
        enum err rc = param_id(ctx, request, "org_id", "Organization", &group.org_id);

        if (rc == OK && strstr(request->route->path, "{team_id}"))
                rc = param_id(ctx, request, "team_id", "Team", &group.team_id);
        if (rc == OK)
                *ret = group;
        return rc;
}

static enum err quota_groups_list_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct quota_group group;
        enum err rc = read_group(ctx, request, &group);

        if (rc != OK)
                return rc;
        jsonw_array(&json, "quotas");
        rc = quota_group_list(ctx, &group, render_quota_row, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quota_groups_list = {
        OPERATION(quota_groups_list),
        .summary = "List the ceilings of an organisation or team",
};

static enum err quota_groups_set_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct quota_given given = { 0 };
        struct quota_group group;
        struct quota quota;
        struct jsonw json;
        enum err rc = read_group(ctx, request, &group);

        if (rc == OK)
                rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = quota_group_set(ctx, &group, &given, &quota);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_quota(&json, &quota);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quota_groups_set = {
        OPERATION(quota_groups_set),
        .summary = "Set a ceiling",
        .body = FIELDS(given_fields),
};

static enum err quota_groups_delete_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct quota_group group;
        struct jsonw json;
        int64_t id;
        enum err rc = read_group(ctx, request, &group);

        if (rc == OK)
                rc = param_id(ctx, request, "quota_id", "Quota", &id);
        if (rc == OK)
                rc = quota_group_remove(ctx, &group, id);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_int(&json, "quota_id", id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quota_groups_delete = {
        OPERATION(quota_groups_delete),
        .summary = "Delete a ceiling",
};
