/* Logging in and out, and how accounts begin. */
#include <string.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/setup.h"
#include "fcgi/auth_log.h"
#include "fcgi/handlers.h"
#include "fcgi/origin.h"
#include "fcgi/render_user.h"
#include "fcgi/session_cookie.h"

#define NAME_MAX_LEN 254

/* Who has just logged in, with the cookie that says so from now on. */
static enum err reply_login(struct ctx *ctx, const struct request *request, struct reply *reply,
                            const struct login_result *result, const char *message)
{
        const bool remember = result->lifetime_s > SESSION_SHORT_S;
        char csrf[SHA256_HEX_SIZE];
        struct user_view view;
        struct jsonw json;
        enum err rc;

        rc = session_csrf_token(ctx, result->token, csrf);
        if (rc == OK)
                rc = user_view_load(ctx, result->user_id, &view);
        if (rc == OK)
                rc = session_cookie_set(ctx, request, reply, result->token,
                                        remember ? result->lifetime_s : 0);
        if (rc != OK)
                return rc;
        reply_header(reply, "Cache-Control", "no-store");
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        render_user(&json, "user", &view);
        jsonw_string(&json, "csrf_token", csrf);
        if (message)
                jsonw_string(&json, "message", message);
        return reply_json_end(ctx, reply, &json);
}

/* ---- in and out ---- */

static const struct field login_fields[] = {
        FIELD(struct login_given, username, FIELD_STRING, .min = 1, .max = NAME_MAX_LEN,
              .required = true),
        FIELD(struct login_given, password, FIELD_STRING, .required = true),
        FIELD(struct login_given, remember_me, FIELD_BOOL),
};

static enum err auth_login_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct login_given given = {
                .user_agent = request_header(request, "User-Agent"),
                .session = request->session,
        };
        struct login_result result;
        enum err rc;

        if (!origin_is_same(request, ctx->config->public_url))
                return ctx_fail(ctx, ERR_DENIED, "This request was made by a page of another site");
        rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = login(ctx, &given, &result);
        if (rc == ERR_UNAUTHENTICATED)
                auth_log_refused(ctx, "password");
        return rc == OK ? reply_login(ctx, request, reply, &result, NULL) : rc;
}

const struct operation auth_login = {
        OPERATION(auth_login),
        .summary = "Begin a session",
        .body = FIELDS(login_fields),
};

static enum err auth_logout_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *cookie = request->session;
        struct jsonw json;
        enum err rc = cookie && ctx->actor.via == VIA_SESSION ? session_end(ctx, cookie) : OK;

        if (rc != OK)
                return rc;
        if (cookie)
                session_cookie_clear(reply);
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}

const struct operation auth_logout = {
        OPERATION(auth_logout),
        .summary = "End the session",
};

/* ---- who am I ---- */

/* The local administrator has no account: he is shown as what he may. */
static enum err view_caller(struct ctx *ctx, struct user_view *ret)
{
        if (ctx->actor.kind == ACTOR_USER)
                return user_view_load(ctx, ctx->actor.user_id, ret);
        *ret = (struct user_view){
                .user = { .username = ctx_actor_name(ctx),
                          .display_name = "",
                          .auth_provider = "local",
                          .is_admin = true,
                          .is_active = true },
                .rights = PERMISSION_SET_ALL,
        };
        return OK;
}

static enum err auth_me_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct user_view view;
        struct jsonw json;
        enum err rc;

        (void)request;
        rc = view_caller(ctx, &view);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_user_members(&json, &view);
        return reply_json_end(ctx, reply, &json);
}

const struct operation auth_me = {
        OPERATION(auth_me),
        .summary = "Who is asking, and what he may do",
};

/* The session in use. */
struct search {
        const char *session_id;
        int64_t lifetime_s; /* 0: not found yet */
};

static void find_session(void *arg, const struct session *row)
{
        struct search *search = arg;

        if (strcmp(search->session_id, row->session_id) == 0)
                search->lifetime_s = row->lifetime_s;
}

/* A page asks this when it is opened: the time to give the cookie of a long session, which slides,
 * a new end as well. */
static enum err renew_cookie(struct ctx *ctx, const struct request *request, struct reply *reply,
                             const char *cookie)
{
        struct search search = { .session_id = ctx->actor.session_id };
        enum err rc = session_list(ctx, find_session, &search);

        if (rc != OK || search.lifetime_s <= SESSION_SHORT_S)
                return rc;
        return session_cookie_set(ctx, request, reply, cookie, search.lifetime_s);
}

static enum err auth_check_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct actor *actor = &ctx->actor;
        const char *cookie = actor->via == VIA_SESSION ? request->session : NULL;
        bool known = actor->kind == ACTOR_USER || actor->kind == ACTOR_LOCAL_ADMIN;
        char csrf[SHA256_HEX_SIZE];
        struct jsonw json;
        enum err rc = OK;

        if (cookie)
                rc = session_csrf_token(ctx, cookie, csrf);
        if (rc == OK && cookie)
                rc = renew_cookie(ctx, request, reply, cookie);
        if (rc != OK)
                return rc;
        reply_header(reply, "Cache-Control", "no-store");
        json = reply_json(reply);
        jsonw_bool(&json, "authenticated", known);
        if (actor->kind == ACTOR_USER)
                jsonw_int(&json, "user_id", actor->user_id);
        else
                jsonw_null(&json, "user_id");
        jsonw_string(&json, "username", known ? ctx_actor_name(ctx) : NULL);
        jsonw_bool(&json, "is_admin", auth_rights(ctx) == PERMISSION_SET_ALL);
        jsonw_string(&json, "csrf_token", cookie ? csrf : NULL);
        return reply_json_end(ctx, reply, &json);
}

const struct operation auth_check = {
        OPERATION(auth_check),
        .summary = "Is somebody logged in?",
};

static const struct field password_fields[] = {
        FIELD(struct password_change, current_password, FIELD_STRING, .required = true),
        FIELD(struct password_change, new_password, FIELD_STRING, .required = true),
};

static enum err auth_change_password_run(struct ctx *ctx, const struct request *request,
                                         struct reply *reply)
{
        struct password_change change = { 0 };
        struct jsonw json;
        enum err rc;

        rc = request_fields(ctx, request, &change);
        if (rc == OK)
                rc = login_change_password(ctx, &change);
        if (rc == ERR_UNAUTHENTICATED)
                auth_log_refused(ctx, "password");
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}

const struct operation auth_change_password = {
        OPERATION(auth_change_password),
        .summary = "Change the own password",
        .body = FIELDS(password_fields),
};

/* ---- how accounts begin ---- */

static const struct field account_fields[] = {
        FIELD(struct account_given, email, FIELD_STRING, .required = true),
        FIELD(struct account_given, username, FIELD_STRING, .required = true),
        FIELD(struct account_given, password, FIELD_STRING, .required = true),
        FIELD(struct account_given, display_name, FIELD_STRING),
};

static enum err read_account(struct ctx *ctx, const struct request *request,
                             struct account_given *ret)
{
        json_t *body;
        enum err rc = request_json(ctx, request, &body);

        ret->user_agent = request_header(request, "User-Agent");
        return rc == OK ? request_fields_of(ctx, request, body, ret) : rc;
}

static enum err auth_setup_status_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct setup_status status;
        struct jsonw json;
        enum err rc;

        (void)request;
        rc = setup_status(ctx, &status);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "needs_setup", status.needs_setup);
        jsonw_bool(&json, "has_admin", !status.needs_setup);
        jsonw_bool(&json, "registration_enabled", status.registration_enabled);
        return reply_json_end(ctx, reply, &json);
}

const struct operation auth_setup_status = {
        OPERATION(auth_setup_status),
        .summary = "Is there a user yet?",
};

static enum err auth_first_admin_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct account_given given = { 0 };
        struct login_result result;
        enum err rc;

        rc = read_account(ctx, request, &given);
        if (rc == OK)
                rc = setup_first_admin(ctx, &given, &result);
        if (rc != OK)
                return rc;
        return reply_login(ctx, request, reply, &result, "Admin account created successfully");
}

const struct operation auth_first_admin = {
        OPERATION(auth_first_admin),
        .summary = "Make the first administrator",
        .body = FIELDS(account_fields),
        .status = 201,
};

static enum err auth_register_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct account_given given = { 0 };
        struct login_result result;
        enum err rc;

        rc = read_account(ctx, request, &given);
        if (rc == OK)
                rc = setup_register(ctx, &given, &result);
        if (rc != OK)
                return rc;
        return reply_login(ctx, request, reply, &result, "Account created successfully");
}

const struct operation auth_register = {
        OPERATION(auth_register),
        .summary = "Register",
        .body = FIELDS(account_fields),
        .status = 201,
};
