#include "fcgi/render_quota.h"

void render_quota_value(struct jsonw *json, const char *key, enum quota_type type, int64_t value)
{
        if (quota_type_is_money(type))
                jsonw_number(json, key, quota_shown(type, value), 6);
        else
                jsonw_int(json, key, value);
}

static void render_id(struct jsonw *json, const char *key, const struct quota *quota,
                      enum quota_scope scope)
{
        if (quota->scope == scope)
                jsonw_int(json, key, quota->scope_id);
        else
                jsonw_null(json, key);
}

void render_quota(struct jsonw *json, const struct quota *quota)
{
        jsonw_int(json, "id", quota->quota_id);
        jsonw_string(json, "quota_type", quota_type_name(quota->type));
        render_quota_value(json, "limit_value", quota->type, quota->limit);
        jsonw_string(json, "action", quota_action_name(quota->action));
        jsonw_string(json, "scope", quota_scope_name(quota->scope));
        render_id(json, "user_id", quota, QUOTA_USER);
        render_id(json, "level_id", quota, QUOTA_LEVEL);
        render_id(json, "team_id", quota, QUOTA_TEAM);
        render_id(json, "org_id", quota, QUOTA_ORG);
        jsonw_bool(json, "is_global", quota->scope == QUOTA_GLOBAL);
        jsonw_time(json, "created_at", quota->created_at_us);
        jsonw_time(json, "updated_at", quota->updated_at_us);
        jsonw_string(json, "created_by", quota->created_by);
}

void render_quota_row(void *arg, const struct quota *quota)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        render_quota(json, quota);
        jsonw_object_end(json);
}
