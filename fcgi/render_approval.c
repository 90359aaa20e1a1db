#include "fcgi/render_approval.h"

static void render_id(struct jsonw *json, const char *key, int64_t id)
{
        if (id)
                jsonw_int(json, key, id);
        else
                jsonw_null(json, key);
}

void render_approval_request(struct jsonw *json, const struct approval_request *request)
{
        jsonw_int(json, "id", request->request_id);
        jsonw_string(json, "job_id", request->job_id);
        jsonw_string(json, "owner", request->owner);
        render_id(json, "user_id", request->user_id);
        render_id(json, "rule_id", request->rule_id);
        jsonw_string(json, "rule_name", request->rule_name);
        jsonw_string(json, "required_approver_level", request->required_approver_level);
        jsonw_string(json, "status", approval_status_name(request->status));
        jsonw_string(json, "reason", request->reason);
        jsonw_string(json, "provider", request->provider);
        jsonw_string(json, "config_name", request->config_name);
        jsonw_string(json, "hardware_type", request->hardware_type);
        jsonw_number(json, "estimated_cost", (double)request->estimated_cost_usd_micros / 1e6, 6);
        jsonw_string(json, "reviewed_by", request->reviewed_by);
        jsonw_time(json, "reviewed_at", request->reviewed_at_us);
        jsonw_string(json, "review_notes", request->review_notes);
        jsonw_time(json, "created_at", request->created_at_us);
        jsonw_time(json, "expires_at", request->expires_at_us);
}
