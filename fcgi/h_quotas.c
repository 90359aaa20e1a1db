/* Quotas: what is set, and how somebody stands. Those of organisations and teams have paths of
 * their own too, h_quota_groups.c. */
#include <stdlib.h>

#include "core/base/fields.h"
#include "core/cloud/limits/quota_status.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_quota.h"

#define ESTIMATE_MAX 1e9

static const struct field given_fields[] = {
        FIELD(struct quota_given, quota_type, FIELD_STRING, .required = true),
        FIELD(struct quota_given, limit_value, FIELD_NUMBER, .required = true),
        FIELD(struct quota_given, action, FIELD_STRING),
        FIELD(struct quota_given, user_id, FIELD_INT, .min = 1),
        FIELD(struct quota_given, level_id, FIELD_INT, .min = 1),
        FIELD(struct quota_given, team_id, FIELD_INT, .min = 1),
        FIELD(struct quota_given, org_id, FIELD_INT, .min = 1),
};

static enum err quotas_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        enum err rc;

        (void)request;
        jsonw_array(&json, "quotas");
        rc = quota_list(ctx, render_quota_row, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quotas_list = {
        OPERATION(quotas_list),
        .summary = "List the quotas",
};

static enum err answer(struct ctx *ctx, struct reply *reply, const struct quota *quota)
{
        struct jsonw json = reply_json(reply);

        render_quota(&json, quota);
        return reply_json_end(ctx, reply, &json);
}

static enum err quotas_set_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct quota_given given = { 0 };
        struct quota quota;
        enum err rc = request_fields(ctx, request, &given);

        if (rc == OK)
                rc = quota_set(ctx, &given, &quota);
        return rc == OK ? answer(ctx, reply, &quota) : rc;
}

const struct operation quotas_set = {
        OPERATION(quotas_set),
        .summary = "Set a quota",
        .body = FIELDS(given_fields),
};

static enum err quotas_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct quota quota;
        int64_t id;
        enum err rc = param_id(ctx, request, "quota_id", "Quota", &id);

        if (rc == OK)
                rc = quota_get(ctx, id, &quota);
        return rc == OK ? answer(ctx, reply, &quota) : rc;
}

const struct operation quotas_show = {
        OPERATION(quotas_show),
        .summary = "Show a quota",
};

static enum err quotas_delete_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct jsonw json;
        int64_t id;
        enum err rc = param_id(ctx, request, "quota_id", "Quota", &id);

        if (rc == OK)
                rc = quota_remove(ctx, id);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_int(&json, "quota_id", id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quotas_delete = {
        OPERATION(quotas_delete),
        .summary = "Delete a quota",
};

static enum err quotas_types_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        (void)request;
        jsonw_array(&json, "quota_types");
        for (unsigned type = 0; type < QUOTA_TYPE_COUNT; type++) {
                jsonw_object(&json, NULL);
                jsonw_string(&json, "value", quota_type_name((enum quota_type)type));
                jsonw_string(&json, "description", quota_type_description((enum quota_type)type));
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        jsonw_array(&json, "actions");
        for (unsigned action = QUOTA_ACTION_COUNT; action-- > 0;)
                jsonw_string(&json, NULL, quota_action_name((enum quota_action)action));
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quotas_types = {
        OPERATION(quotas_types),
        .summary = "List what can be limited",
};

/* ---- how somebody stands ---- */

static void render_status(struct jsonw *json, const struct quota_status *status)
{
        const int64_t limit = status->limit.limit;

        jsonw_object(json, NULL);
        jsonw_string(json, "quota_type", quota_type_name(status->type));
        render_quota_value(json, "limit", status->type, limit);
        render_quota_value(json, "current", status->type, status->used);
        jsonw_string(json, "action", quota_action_name(status->limit.action));
        jsonw_bool(json, "is_exceeded", status->is_exceeded);
        jsonw_bool(json, "is_warning", status->is_warning);
        jsonw_number(json, "percent_used", quota_percent(status->used, limit), 1);
        jsonw_string(json, "message", status->message);
        jsonw_string(json, "source", quota_scope_name(status->limit.source));
        jsonw_object_end(json);
}

static bool blocks(const struct quota_status *status)
{
        return status->is_exceeded && status->limit.action == QUOTA_BLOCK;
}

static enum err answer_statuses(struct ctx *ctx, struct reply *reply, int64_t user_id,
                                const struct quota_status *statuses, size_t count)
{
        struct jsonw json = reply_json(reply);
        bool can_submit = true;

        if (user_id)
                jsonw_int(&json, "user_id", user_id);
        else
                jsonw_null(&json, "user_id");
        jsonw_array(&json, "statuses");
        for (size_t i = 0; i < count; i++) {
                render_status(&json, &statuses[i]);
                can_submit = can_submit && !blocks(&statuses[i]);
        }
        jsonw_array_end(&json);
        jsonw_bool(&json, "can_submit", can_submit);
        jsonw_array(&json, "blocking_reasons");
        for (size_t i = 0; i < count; i++) {
                if (blocks(&statuses[i]))
                        jsonw_string(&json, NULL, statuses[i].message);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

static enum err quotas_user_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct quota_status *statuses;
        size_t count;
        int64_t id;
        enum err rc = param_id(ctx, request, "user_id", "User", &id);

        if (rc == OK)
                rc = quota_status_of(ctx, id, &statuses, &count);
        return rc == OK ? answer_statuses(ctx, reply, id, statuses, count) : rc;
}

const struct operation quotas_user = {
        OPERATION(quotas_user),
        .summary = "The limits of a user and how much is used",
};

static enum err quotas_me_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct quota_status *statuses;
        size_t count;
        enum err rc = quota_status_mine(ctx, &statuses, &count);

        (void)request;
        return rc == OK ? answer_statuses(ctx, reply, ctx->actor.user_id, statuses, count) : rc;
}

const struct operation quotas_me = {
        OPERATION(quotas_me),
        .summary = "The own limits and how much is used",
};

static enum err read_estimate(struct ctx *ctx, const struct request *request, double *ret)
{
        const char *text;
        char *end = NULL;
        double cost = -1;
        enum err rc = request_query(ctx, request, "estimated_cost", &text);

        if (rc != OK)
                return rc;
        if (text && *text)
                cost = strtod(text, &end);
        if (!end || *end || !(cost >= 0) || cost > ESTIMATE_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "estimated_cost must be a number of USD from 0 to %.0f",
                                ESTIMATE_MAX);
        *ret = cost;
        return OK;
}

/* What it would mean for one quota. Returns whether it would be too much. */
static bool render_impact(struct jsonw *json, const struct quota_status *status, double cost)
{
        const int64_t limit = status->limit.limit;
        const int64_t after = status->used + (int64_t)(cost * 1e6 + 0.5);

        jsonw_object(json, NULL);
        jsonw_string(json, "quota_type", quota_type_name(status->type));
        render_quota_value(json, "current", status->type, status->used);
        render_quota_value(json, "after", status->type, after);
        render_quota_value(json, "limit", status->type, limit);
        jsonw_number(json, "percent_before", quota_percent(status->used, limit), 1);
        jsonw_number(json, "percent_after", quota_percent(after, limit), 1);
        jsonw_bool(json, "would_exceed", after > limit);
        jsonw_string(json, "action", quota_action_name(status->limit.action));
        jsonw_object_end(json);
        return after > limit;
}

static const struct query estimate_query[] = {
        QUERY(TEXT, "estimated_cost", .required = true),
        { 0 },
};

static enum err quotas_estimate_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct quota_status *statuses;
        bool exceeds = false;
        struct jsonw json;
        size_t count = 0;
        double cost = 0;
        enum err rc = read_estimate(ctx, request, &cost);

        if (rc == OK)
                rc = quota_status_mine(ctx, &statuses, &count);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_number(&json, "estimated_cost", cost, 6);
        jsonw_array(&json, "impacts");
        for (size_t i = 0; i < count; i++) {
                if (quota_type_is_money(statuses[i].type))
                        exceeds = render_impact(&json, &statuses[i], cost) || exceeds;
        }
        jsonw_array_end(&json);
        jsonw_bool(&json, "would_exceed", exceeds);
        return reply_json_end(ctx, reply, &json);
}

const struct operation quotas_estimate = {
        OPERATION(quotas_estimate),
        .summary = "What the own limits say to a job of a cost",
        .query = estimate_query,
};
