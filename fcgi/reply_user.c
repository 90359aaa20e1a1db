#include "fcgi/reply_user.h"

#include "fcgi/render_user.h"

enum err reply_user(struct ctx *ctx, struct reply *reply, int64_t user_id)
{
        struct user_view view;
        struct jsonw json;
        enum err rc = user_view_load(ctx, user_id, &view);

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_user_members(&json, &view);
        return reply_json_end(ctx, reply, &json);
}

enum err reply_success(struct ctx *ctx, struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}
