/* One's own account. */
#include "core/base/fields.h"
#include "core/cloud/login.h"
#include "core/cloud/user_avatar.h"
#include "core/cloud/user_change.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/reply_user.h"

/* ---- profile ---- */

static enum err require_account(struct ctx *ctx)
{
        if (ctx->actor.kind == ACTOR_USER)
                return OK;
        return ctx_fail(ctx, ERR_NOT_FOUND, "You have no account: you act as %s",
                        ctx_actor_name(ctx));
}

enum err profile_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        enum err rc = require_account(ctx);

        (void)request;
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

static const struct field profile_fields[] = {
        FIELD(struct user_patch, email, FIELD_STRING),
        FIELD(struct user_patch, display_name, FIELD_STRING),
};

enum err profile_update(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct user_patch patch = { 0 };
        enum err rc = require_account(ctx);

        if (rc == OK)
                rc = request_fields(ctx, request, profile_fields, ARRAY_SIZE(profile_fields),
                                    &patch);
        if (rc == OK)
                rc = user_update_self(ctx, &patch);
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

static const struct field password_fields[] = {
        FIELD(struct password_change, current_password, FIELD_STRING, .required = true),
        FIELD(struct password_change, new_password, FIELD_STRING, .required = true),
};

enum err profile_password(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct password_change change = { 0 };
        enum err rc = require_account(ctx);

        if (rc == OK)
                rc = request_fields(ctx, request, password_fields, ARRAY_SIZE(password_fields),
                                    &change);
        if (rc == OK)
                rc = login_change_password(ctx, &change);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

/* ---- picture ---- */

struct avatar_body {
        const char *data_url;
};

static const struct field avatar_fields[] = {
        FIELD(struct avatar_body, data_url, FIELD_STRING, .required = true),
};

enum err avatar_upload(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct avatar_body avatar = { 0 };
        enum err rc = require_account(ctx);

        if (rc == OK)
                rc = request_fields(ctx, request, avatar_fields, ARRAY_SIZE(avatar_fields),
                                    &avatar);
        if (rc == OK)
                rc = user_avatar_set(ctx, avatar.data_url);
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

enum err avatar_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        enum err rc = user_avatar_remove(ctx);

        (void)request;
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

enum err avatar_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct avatar avatar;
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_avatar_get(ctx, user_id, &avatar);
        if (rc != OK)
                return rc;
        reply->content_type = avatar.content_type;
        reply->is_user_content = true;
        /* Its URL changes with it. */
        reply_header(reply, "Cache-Control", "private, max-age=86400");
        return buf_add(&reply->body, avatar.bytes, avatar.len) ? OK : ctx_nomem(ctx);
}
