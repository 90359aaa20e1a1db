/* One's own account. */
#include "core/base/fields.h"
#include "core/cloud/auth/login.h"
#include "core/cloud/auth/user_avatar.h"
#include "core/cloud/auth/user_change.h"
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

static enum err profile_show_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        enum err rc = require_account(ctx);

        (void)request;
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

const struct operation profile_show = {
        OPERATION(profile_show),
        .summary = "Show the own account",
};

static const struct field profile_fields[] = {
        FIELD(struct user_patch, email, FIELD_STRING),
        FIELD(struct user_patch, display_name, FIELD_STRING),
};

static enum err profile_update_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct user_patch patch = { 0 };
        enum err rc = require_account(ctx);

        if (rc == OK)
                rc = request_fields(ctx, request, &patch);
        if (rc == OK)
                rc = user_update_self(ctx, &patch);
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

const struct operation profile_update = {
        OPERATION(profile_update),
        .summary = "Change the own account",
        .body = FIELDS(profile_fields),
};

static const struct field password_fields[] = {
        FIELD(struct password_change, current_password, FIELD_STRING, .required = true),
        FIELD(struct password_change, new_password, FIELD_STRING, .required = true),
};

static enum err profile_password_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct password_change change = { 0 };
        enum err rc = require_account(ctx);

        if (rc == OK)
                rc = request_fields(ctx, request, &change);
        if (rc == OK)
                rc = login_change_password(ctx, &change);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation profile_password = {
        OPERATION(profile_password),
        .summary = "Change the own password",
        .body = FIELDS(password_fields),
};

/* ---- picture ---- */

struct avatar_body {
        const char *data_url;
};

static const struct field avatar_fields[] = {
        FIELD(struct avatar_body, data_url, FIELD_STRING, .required = true),
};

static enum err avatar_upload_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct avatar_body avatar = { 0 };
        enum err rc = require_account(ctx);

        if (rc == OK)
                rc = request_fields(ctx, request, &avatar);
        if (rc == OK)
                rc = user_avatar_set(ctx, avatar.data_url);
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

const struct operation avatar_upload = {
        OPERATION(avatar_upload),
        .summary = "Set the own picture",
        .body = FIELDS(avatar_fields),
};

static enum err avatar_delete_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        enum err rc = user_avatar_remove(ctx);

        (void)request;
        return rc == OK ? reply_user(ctx, reply, ctx->actor.user_id) : rc;
}

const struct operation avatar_delete = {
        OPERATION(avatar_delete),
        .summary = "Remove the own picture",
};

static enum err avatar_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
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

const struct operation avatar_show = {
        OPERATION(avatar_show),
        .summary = "Show the picture of a user",
        .gives = "image/*",
};
