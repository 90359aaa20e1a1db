/* The caller's sessions: where they are logged in, and an end to it. */
#include <string.h>

#include "core/cloud/auth/session.h"
#include "fcgi/handlers.h"

struct listing {
        const struct ctx *ctx;
        struct jsonw *json;
};

static void render_row(void *arg, const struct session *row)
{
        const struct listing *listing = arg;
        const char *current = listing->ctx->actor.session_id;
        struct jsonw *json = listing->json;

        jsonw_object(json, NULL);
        jsonw_string(json, "id", row->session_id);
        jsonw_bool(json, "current", current && strcmp(current, row->session_id) == 0);
        jsonw_time(json, "created_at", row->created_at_us);
        jsonw_time(json, "last_seen_at", row->seen_at_us);
        jsonw_time(json, "expires_at", row->expires_at_us);
        jsonw_string(json, "ip_address", row->client);
        jsonw_string(json, "user_agent", row->user_agent);
        jsonw_object_end(json);
}

static enum err sessions_list_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct listing listing = { ctx, &json };
        enum err rc;

        (void)request;
        jsonw_array(&json, "sessions");
        rc = session_list(ctx, render_row, &listing);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation sessions_list = {
        OPERATION(sessions_list),
        .summary = "List the own sessions",
};

static enum err sessions_revoke_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct jsonw json;
        enum err rc = session_revoke(ctx, request_param(request, "session_id"));

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}

const struct operation sessions_revoke = {
        OPERATION(sessions_revoke),
        .summary = "End an own session",
};

static const struct query revoke_query[] = {
        QUERY(BOOL, "including_current"),
        { 0 },
};

static enum err sessions_revoke_all_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        bool also_this = false;
        int64_t ended = 0;
        struct jsonw json;
        enum err rc;

        rc = request_query_bool(ctx, request, "including_current", &also_this);
        if (rc == OK)
                rc = session_revoke_others(ctx, also_this, &ended);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_int(&json, "revoked", ended);
        return reply_json_end(ctx, reply, &json);
}

const struct operation sessions_revoke_all = {
        OPERATION(sessions_revoke_all),
        .summary = "End the other own sessions",
        .query = revoke_query,
};
