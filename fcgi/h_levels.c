/* Levels, and the permissions there are. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/level.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

/* ---- levels ---- */

enum err levels_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct level *level = NULL;
        struct jsonw json;
        enum err rc = level_list(ctx, &level);

        (void)request;
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_array(&json, "levels");
        for (; level; level = level->next)
                render_level(&json, NULL, level);
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

enum err permissions_list(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        (void)request;
        jsonw_array(&json, "permissions");
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                const char *name = permission_name(i), *dot = strchr(name, '.');
                const char *category = arena_strndup(ctx->arena, name, (size_t)(dot - name));

                if (!category)
                        return ctx_nomem(ctx);
                jsonw_object(&json, NULL);
                jsonw_string(&json, "name", name);
                jsonw_string(&json, "description", permission_description(i));
                jsonw_string(&json, "category", category);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

static enum err reply_level(struct ctx *ctx, struct reply *reply, const struct level *level)
{
        struct jsonw json = reply_json(reply);

        render_level(&json, "level", level);
        return reply_json_end(ctx, reply, &json);
}

enum err levels_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct level level;
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = level_get(ctx, level_id, &level);
        return rc == OK ? reply_level(ctx, reply, &level) : rc;
}

struct level_body {
        const char *name, *description;
        int64_t priority;
        json_t *permissions;
};

static const struct field level_fields[] = {
        FIELD(struct level_body, name, FIELD_STRING),
        FIELD(struct level_body, description, FIELD_STRING),
        FIELD(struct level_body, priority, FIELD_INT, .min = 0, .max = LEVEL_PRIORITY_MAX),
        FIELD(struct level_body, permissions, FIELD_STRING_LIST, .max = 100),
};

/* Only permissions are looked at where the route is theirs. */
static enum err read_level(struct ctx *ctx, const struct request *request, bool only_permissions,
                           struct level_given *ret)
{
        const size_t first = only_permissions ? ARRAY_SIZE(level_fields) - 1 : 0;
        struct level_body *given = arena_alloc(ctx->arena, sizeof(*given));
        json_t *body;
        enum err rc;

        if (!given)
                return ctx_nomem(ctx);
        rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = fields_decode(ctx, level_fields + first, ARRAY_SIZE(level_fields) - first,
                                   body, given);
        if (rc == OK && only_permissions && !given->permissions)
                return ctx_fail(ctx, ERR_INVALID, "permissions is required");
        if (rc != OK)
                return rc;
        *ret = (struct level_given){
                .name = given->name,
                .description = given->description,
                .priority = json_is_integer(json_object_get(body, "priority")) ? &given->priority
                                                                               : NULL,
                .permissions = given->permissions,
        };
        return OK;
}

enum err levels_create(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct level_given given;
        struct level level;
        enum err rc = read_level(ctx, request, false, &given);

        if (rc == OK)
                rc = level_create(ctx, &given, &level);
        reply->status = 201;
        return rc == OK ? reply_level(ctx, reply, &level) : rc;
}

static enum err update(struct ctx *ctx, const struct request *request, struct reply *reply,
                       bool only_permissions)
{
        struct level_given given;
        struct level level;
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = read_level(ctx, request, only_permissions, &given);
        if (rc == OK)
                rc = level_update(ctx, level_id, &given, &level);
        return rc == OK ? reply_level(ctx, reply, &level) : rc;
}

enum err levels_update(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        return update(ctx, request, reply, false);
}

enum err levels_set_permissions(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        return update(ctx, request, reply, true);
}

enum err levels_delete(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = level_delete(ctx, level_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}
