/* Whether people may make accounts for themselves. */
#include "core/base/fields.h"
#include "core/cloud/auth/setup.h"
#include "fcgi/handlers.h"

static enum err render(struct ctx *ctx, struct reply *reply, const struct registration *setting)
{
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "enabled", setting->enabled);
        jsonw_string(&json, "default_level", setting->default_level);
        jsonw_bool(&json, "email_configured", false);
        jsonw_bool(&json, "email_required_warning", setting->enabled);
        return reply_json_end(ctx, reply, &json);
}

static enum err registration_show_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct registration setting;
        enum err rc;

        (void)request;
        rc = registration_get(ctx, &setting);
        return rc == OK ? render(ctx, reply, &setting) : rc;
}

const struct operation registration_show = {
        OPERATION(registration_show),
        .summary = "Show whether people may register",
};

static const struct field registration_fields[] = {
        FIELD(struct registration, enabled, FIELD_BOOL),
        FIELD(struct registration, default_level, FIELD_STRING, .min = 1, .max = 100),
};

static enum err registration_update_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct registration setting;
        json_t *body;
        enum err rc;

        rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = registration_get(ctx, &setting);
        if (rc == OK)
                rc = request_fields_of(ctx, request, body, &setting);
        if (rc == OK)
                rc = registration_set(ctx, &setting);
        return rc == OK ? render(ctx, reply, &setting) : rc;
}

const struct operation registration_update = {
        OPERATION(registration_update),
        .summary = "Say whether people may register",
        .body = FIELDS(registration_fields),
};
