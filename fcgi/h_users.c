/* Users, as those see and change them who administer them. */
#include <string.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/password.h"
#include "core/cloud/auth/user_change.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

#define LIMIT_MAX  500
#define OFFSET_MAX 1000000
#define LEVELS_MAX 50

/* ---- seeing ---- */

static void render_row(void *arg, const struct user_view *view)
{
        render_user(arg, NULL, view);
}

static const struct query list_query[] = {
        QUERY(NUMBER, "limit", .min = 1, .max = LIMIT_MAX),
        QUERY(NUMBER, "offset", .min = 0, .max = OFFSET_MAX),
        QUERY(BOOL, "include_inactive"),
        { 0 },
};

static enum err users_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct user_filter filter = { .limit = 100 };
        struct jsonw json = reply_json(reply);
        int64_t total = 0;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", &filter.limit);
        if (rc == OK)
                rc = request_query_int(ctx, request, "offset", &filter.offset);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "include_inactive", &filter.include_inactive);
        if (rc != OK)
                return rc;
        jsonw_array(&json, "users");
        rc = user_list(ctx, &filter, render_row, &json, &total);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        jsonw_int(&json, "total", total);
        return reply_json_end(ctx, reply, &json);
}

const struct operation users_list = {
        OPERATION(users_list),
        .summary = "List users",
        .query = list_query,
};

static enum err users_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        return rc == OK ? reply_user(ctx, reply, user_id) : rc;
}

const struct operation users_show = {
        OPERATION(users_show),
        .summary = "Show a user",
};

static enum err users_auth_status_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct jsonw json;
        int64_t count = 0;
        bool any;
        enum err rc = identity_any(ctx, &any);

        (void)request;
        if (rc == OK && auth_may(ctx, PERM_ADMIN_USERS))
                rc = user_count(ctx, &count);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "in_use", any);
        if (auth_may(ctx, PERM_ADMIN_USERS)) /* strangers need not know how many there are */
                jsonw_int(&json, "user_count", count);
        jsonw_bool(&json, "has_external_providers", ctx->config->trust_remote_user);
        return reply_json_end(ctx, reply, &json);
}

const struct operation users_auth_status = {
        OPERATION(users_auth_status),
        .summary = "Are there users?",
};

/* ---- making ---- */

struct user_body {
        const char *email, *username, *password, *display_name;
        bool is_admin, is_active;
        json_t *level_names;
};

static const struct field create_fields[] = {
        FIELD(struct user_body, email, FIELD_STRING),
        FIELD(struct user_body, username, FIELD_STRING, .required = true),
        FIELD(struct user_body, password, FIELD_STRING),
        FIELD(struct user_body, display_name, FIELD_STRING),
        FIELD(struct user_body, is_admin, FIELD_BOOL),
        FIELD(struct user_body, level_names, FIELD_STRING_LIST, .max = LEVELS_MAX),
};

static enum err hash_password(struct ctx *ctx, const char *password, const char **ret)
{
        enum err rc;

        *ret = NULL;
        if (!password)
                return OK;
        rc = password_check_rules(ctx, "password", password);
        return rc == OK ? password_hash(ctx, (struct secret){ password, strlen(password) }, ret)
                        : rc;
}

static enum err name_levels(struct ctx *ctx, const json_t *list, const char *const **ret)
{
        static const char *const standard[] = { USER_LEVEL_DEFAULT, NULL };
        const char **names;

        *ret = standard;
        if (!list)
                return OK;
        names = arena_alloc(ctx->arena, (json_array_size(list) + 1) * sizeof(*names));
        if (!names)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < json_array_size(list); i++)
                names[i] = json_string_value(json_array_get(list, i));
        *ret = names;
        return OK;
}

static enum err users_create_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct user_body body = { 0 };
        struct user_given given;
        int64_t user_id;
        json_t *json;
        enum err rc;

        rc = request_json(ctx, request, &json);
        if (rc == OK)
                rc = request_fields_of(ctx, request, json, &body);
        if (rc != OK)
                return rc;
        given = (struct user_given){ .username = body.username,
                                     .email = body.email,
                                     .display_name = body.display_name,
                                     .is_admin = body.is_admin };
        rc = user_given_check(ctx, &given);
        if (rc == OK)
                rc = name_levels(ctx, body.level_names, &given.level_names);
        if (rc == OK)
                rc = hash_password(ctx, body.password, &given.password_hash);
        if (rc == OK)
                rc = user_create(ctx, &given, &user_id);
        return rc == OK ? reply_user(ctx, reply, user_id) : rc;
}

const struct operation users_create = {
        OPERATION(users_create),
        .summary = "Make a user",
        .body = FIELDS(create_fields),
        .status = 201,
};

/* ---- changing ---- */

static const struct field update_fields[] = {
        FIELD(struct user_body, email, FIELD_STRING),
        FIELD(struct user_body, password, FIELD_STRING),
        FIELD(struct user_body, display_name, FIELD_STRING),
        FIELD(struct user_body, is_admin, FIELD_BOOL),
        FIELD(struct user_body, is_active, FIELD_BOOL),
};

static bool is_given(const json_t *json, const char *name)
{
        return json_is_boolean(json_object_get(json, name));
}

static enum err users_update_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct user_body body = { 0 };
        struct user_patch patch;
        int64_t user_id;
        json_t *json;
        enum err rc;

        rc = param_id(ctx, request, "id", "User", &user_id);
        if (rc == OK)
                rc = request_json(ctx, request, &json);
        if (rc == OK)
                rc = request_fields_of(ctx, request, json, &body);
        if (rc != OK)
                return rc;
        patch = (struct user_patch){
                .email = body.email,
                .display_name = body.display_name,
                .is_active = is_given(json, "is_active") ? &body.is_active : NULL,
                .is_admin = is_given(json, "is_admin") ? &body.is_admin : NULL,
        };
        rc = hash_password(ctx, body.password, &patch.password_hash);
        if (rc == OK)
                rc = user_update(ctx, user_id, &patch);
        return rc == OK ? reply_user(ctx, reply, user_id) : rc;
}

const struct operation users_update = {
        OPERATION(users_update),
        .summary = "Change a user",
        .body = FIELDS(update_fields),
};

static enum err set_active(struct ctx *ctx, const struct request *request, struct reply *reply,
                           bool active)
{
        const struct user_patch patch = { .is_active = &active };
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_update(ctx, user_id, &patch);
        return rc == OK ? reply_user(ctx, reply, user_id) : rc;
}

static enum err users_activate_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        return set_active(ctx, request, reply, true);
}

const struct operation users_activate = {
        OPERATION(users_activate),
        .summary = "Let a user in again",
};

static enum err users_deactivate_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        return set_active(ctx, request, reply, false);
}

const struct operation users_deactivate = {
        OPERATION(users_deactivate),
        .summary = "Keep a user out",
};

static enum err users_delete_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        int64_t user_id;
        enum err rc = param_id(ctx, request, "id", "User", &user_id);

        if (rc == OK)
                rc = user_delete(ctx, user_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation users_delete = {
        OPERATION(users_delete),
        .summary = "Delete a user for good",
};
