/* Polling: whether the companion does it, and the switch. */
#include "core/base/json.h"
#include "core/cloud/job/polling.h"
#include "fcgi/handlers.h"

static void render_choice(struct jsonw *json, const char *key, enum polling_preference preference)
{
        if (preference == POLLING_UNSET)
                jsonw_null(json, key);
        else
                jsonw_bool(json, key, preference == POLLING_ON);
}

static enum err polling_show_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct polling_status status;
        struct jsonw json;
        enum err rc;

        (void)request;
        rc = polling_status(ctx, &status);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "is_active", status.active);
        render_choice(&json, "preference", status.preference);
        jsonw_time(&json, "last_run_at", status.last_run_at_us);
        return reply_json_end(ctx, reply, &json);
}

const struct operation polling_show = {
        OPERATION(polling_show),
        .summary = "Is polling on, and has it been done?",
};

/* {"enabled": true|false|null}: here null is a choice, and has to be there. */
static enum err read_choice(struct ctx *ctx, const json_t *body, enum polling_preference *ret)
{
        const json_t *enabled = json_object_get(body, "enabled");

        if (json_object_size(body) != 1 || !enabled ||
            !(json_is_boolean(enabled) || json_is_null(enabled)))
                return ctx_fail(ctx, ERR_INVALID,
                                "enabled must be true, false or null, and nothing else given");
        *ret = json_is_null(enabled)   ? POLLING_UNSET
               : json_is_true(enabled) ? POLLING_ON
                                       : POLLING_OFF;
        return OK;
}

static enum err polling_update_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        enum polling_preference preference = POLLING_UNSET;
        struct polling_status status;
        struct jsonw json;
        json_t *body;
        enum err rc;

        rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = read_choice(ctx, body, &preference);
        if (rc == OK)
                rc = polling_set(ctx, preference);
        if (rc == OK)
                rc = polling_status(ctx, &status);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        render_choice(&json, "enabled", status.preference);
        jsonw_bool(&json, "is_active", status.active);
        return reply_json_end(ctx, reply, &json);
}

const struct operation polling_update = {
        OPERATION(polling_update),
        .summary = "Switch polling on or off",
};
