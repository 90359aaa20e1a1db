/* API keys of the caller. A key goes out once, in the answer that makes it. */
#include <stdlib.h>
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/auth/api_key.h"
#include "core/cloud/auth/auth.h"
#include "fcgi/handlers.h"

struct listing {
        const struct ctx *ctx;
        struct jsonw *json;
};

/* Names separated by spaces as an array; NULL as null. */
static void render_names(struct jsonw *json, const char *key, const char *names)
{
        if (!names) {
                jsonw_null(json, key);
                return;
        }
        jsonw_array(json, key);
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                if (permission_set_has(permission_set_parse(names), i))
                        jsonw_string(json, NULL, permission_name(i));
        }
        jsonw_array_end(json);
}

static void render_key(struct jsonw *json, const struct ctx *ctx, const struct api_key *row)
{
        jsonw_int(json, "id", row->key_id);
        jsonw_string(json, "name", row->name);
        jsonw_string(json, "username", row->username);
        jsonw_string(json, "key_prefix", row->prefix);
        jsonw_string(json, "status", api_key_state(ctx, row));
        jsonw_bool(json, "is_active", strcmp(api_key_state(ctx, row), "active") == 0);
        jsonw_time(json, "created_at", row->created_at_us);
        jsonw_time(json, "last_used_at", row->last_used_at_us);
        jsonw_time(json, "expires_at", row->expires_at_us);
        render_names(json, "scoped_permissions", row->scopes);
}

static void render_row(void *arg, const struct api_key *row)
{
        const struct listing *listing = arg;

        jsonw_object(listing->json, NULL);
        render_key(listing->json, listing->ctx, row);
        jsonw_object_end(listing->json);
}

static const struct query list_query[] = {
        QUERY(BOOL, "all"),
        { 0 },
};

static enum err api_keys_list_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct listing listing = { ctx, &json };
        bool all = false;
        enum err rc;

        rc = request_query_bool(ctx, request, "all", &all);
        if (rc == OK && all)
                rc = auth_require(ctx, PERM_API_KEYS_ALL);
        if (rc != OK)
                return rc;
        jsonw_array(&json, "api_keys");
        rc = api_key_list(ctx, all ? 0 : ctx->actor.user_id, render_row, &listing);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation api_keys_list = {
        OPERATION(api_keys_list),
        .summary = "List API keys",
        .query = list_query,
};

struct given {
        const char *name;
        int64_t expires_days;
        json_t *scoped_permissions;
};
static const struct field given_fields[] = {
        FIELD(struct given, name, FIELD_STRING, .min = 1, .max = API_KEY_NAME_MAX,
              .required = true),
        FIELD(struct given, expires_days, FIELD_INT, .min = 1, .max = API_KEY_DAYS_MAX),
        FIELD(struct given, scoped_permissions, FIELD_STRING_LIST, .max = PERM_COUNT),
};

static enum err read_scopes(struct ctx *ctx, const json_t *names, permission_set *ret)
{
        enum permission permission;
        permission_set set = 0;
        const json_t *name;
        size_t index;

        json_array_foreach (names, index, name) {
                if (!permission_parse(json_string_value(name), &permission))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "scoped_permissions[%zu] is not a permission", index);
                set |= permission_set_parse(json_string_value(name));
        }
        *ret = set;
        return OK;
}

static enum err read_given(struct ctx *ctx, const struct request *request,
                           struct api_key_given *ret)
{
        struct given given = { 0 };
        enum err rc;

        rc = request_fields(ctx, request, &given);
        if (rc == OK && given.scoped_permissions)
                rc = read_scopes(ctx, given.scoped_permissions, &ret->scopes);
        ret->is_scoped = given.scoped_permissions != NULL;
        ret->name = given.name;
        ret->expires_days = given.expires_days;
        return rc;
}

static enum err api_keys_add_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct api_key_given given = { 0 };
        struct api_key_made made;
        struct jsonw json;
        enum err rc;

        if (ctx->actor.kind != ACTOR_USER)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "The local administrator has no API keys: make a user first");
        rc = read_given(ctx, request, &given);
        if (rc == OK)
                rc = api_key_new(ctx, ctx->actor.user_id, &given, &made);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_string(&json, "key", made.key);
        jsonw_object(&json, "key_info");
        render_key(&json, ctx, &made.row);
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation api_keys_add = {
        OPERATION(api_keys_add),
        .summary = "Make an API key",
        .body = FIELDS(given_fields),
        .status = 201,
};

static enum err api_keys_revoke_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        const char *text = request_param(request, "key_id");
        const int64_t key_id = strspn(text, "0123456789") == strlen(text) && strlen(text) < 19
                                       ? strtoll(text, NULL, 10)
                                       : 0;
        struct jsonw json;
        enum err rc = api_key_revoke(ctx, key_id);

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}

const struct operation api_keys_revoke = {
        OPERATION(api_keys_revoke),
        .summary = "End an API key",
};
