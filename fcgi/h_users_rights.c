/* What a user may, and which tokens of providers he has. */
#include "core/base/fields.h"
#include "core/cloud/auth/user_change.h"
#include "core/cloud/provider/credential.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_account.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

/* ---- levels ---- */

struct level_body {
        const char *level_name;
};

static const struct field level_fields[] = {
        FIELD(struct level_body, level_name, FIELD_STRING, .min = 1, .max = 64, .required = true),
};

static enum err users_level_add_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct level_body given = { 0 };
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = user_add_level(ctx, user_id, given.level_name);
        return rc == OK ? reply_user(ctx, reply, user_id) : rc;
}

const struct operation users_level_add = {
        OPERATION(users_level_add),
        .summary = "Give a user a level",
        .body = FIELDS(level_fields),
};

static enum err users_level_remove_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_remove_level(ctx, user_id, request_param(request, "name"));
        return rc == OK ? reply_user(ctx, reply, user_id) : rc;
}

const struct operation users_level_remove = {
        OPERATION(users_level_remove),
        .summary = "Take a level from a user",
};

/* ---- overrides ---- */

static enum err reply_permissions(struct ctx *ctx, struct reply *reply, int64_t user_id)
{
        struct user_view view;
        struct jsonw json;
        enum err rc = user_view_load(ctx, user_id, &view);

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_int(&json, "user_id", user_id);
        render_permissions(&json, "permissions", view.rights);
        render_permissions(&json, "granted", permission_set_parse(view.user.granted));
        render_permissions(&json, "denied", permission_set_parse(view.user.denied));
        return reply_json_end(ctx, reply, &json);
}

static enum err users_permissions_show_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        return rc == OK ? reply_permissions(ctx, reply, user_id) : rc;
}

const struct operation users_permissions_show = {
        OPERATION(users_permissions_show),
        .summary = "What a user may do, and why",
};

struct override_body {
        const char *permission_name;
        bool granted;
};

static const struct field override_fields[] = {
        FIELD(struct override_body, permission_name, FIELD_STRING, .min = 1, .max = 64,
              .required = true),
        FIELD(struct override_body, granted, FIELD_BOOL, .required = true),
};

static enum err users_permission_set_run(struct ctx *ctx, const struct request *request,
                                         struct reply *reply)
{
        struct override_body given = { 0 };
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = user_set_override(ctx, user_id, given.permission_name,
                                       given.granted ? USER_GRANT : USER_DENY);
        return rc == OK ? reply_permissions(ctx, reply, user_id) : rc;
}

const struct operation users_permission_set = {
        OPERATION(users_permission_set),
        .summary = "Grant or deny a user a permission",
        .body = FIELDS(override_fields),
};

static enum err users_permission_clear_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_set_override(ctx, user_id, request_param(request, "name"),
                                       USER_AS_LEVELS);
        return rc == OK ? reply_permissions(ctx, reply, user_id) : rc;
}

const struct operation users_permission_clear = {
        OPERATION(users_permission_clear),
        .summary = "Take a grant or denial back",
};

/* ---- tokens at providers ---- */

static enum err users_credentials_list_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct user_view view;
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_view_load(ctx, user_id, &view);
        jsonw_array(&json, "credentials");
        if (rc == OK)
                rc = credential_list(ctx, view.user.username, render_credential, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation users_credentials_list = {
        OPERATION(users_credentials_list),
        .summary = "List the credentials of a user",
};

static enum err users_credentials_delete_run(struct ctx *ctx, const struct request *request,
                                             struct reply *reply)
{
        const char *owner;
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_owner(ctx, user_id, &owner);
        if (rc == OK)
                rc = credential_delete(ctx, owner, request_param(request, "provider"),
                                       request_param(request, "name"));
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation users_credentials_delete = {
        OPERATION(users_credentials_delete),
        .summary = "Delete a credential of a user",
};
