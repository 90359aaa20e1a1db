#include "fcgi/render_account.h"

#include "core/cloud/provider/provider.h"

static const char *source_of(const struct provider_session *session)
{
        if (session->token.len == 0)
                return NULL;
        return session->token_is_owners ? "user" : "global";
}

void render_credential(void *arg, const struct credential_row *row)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        jsonw_string(json, "provider", row->key.provider);
        jsonw_string(json, "credential_name", row->key.name);
        jsonw_string(json, "description", row->description);
        jsonw_time(json, "created_at", row->created_at_us);
        jsonw_time(json, "last_used_at", row->last_used_at_us);
        jsonw_object_end(json);
}

enum err render_account(struct ctx *ctx, const char *provider_id, struct reply *reply)
{
        struct provider_account account = { 0 };
        struct provider_session session;
        struct jsonw json;
        enum err rc;

        rc = provider_open(ctx, provider_id, &session);
        if (rc != OK)
                return rc;
        rc = session.provider->validate(ctx, &session, &account);
        if (rc != OK && rc != ERR_PROVIDER && rc != ERR_NOT_READY)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "valid", rc == OK);
        if (rc == OK) {
                jsonw_object(&json, "user_info");
                jsonw_bool(&json, "valid", true);
                jsonw_string(&json, "username", account.username);
                jsonw_string(&json, "name", account.name);
                jsonw_string(&json, "github_url", account.github_url);
                jsonw_string(&json, "token_source", source_of(&session));
                jsonw_object_end(&json);
        } else {
                jsonw_null(&json, "user_info");
        }
        jsonw_string(&json, "token_source", source_of(&session));
        jsonw_string(&json, "error", rc == OK ? NULL : ctx->detail);
        return reply_json_end(ctx, reply, &json);
}
