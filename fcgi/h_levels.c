/* Levels, and the permissions there are. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/auth/level.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

/* ---- levels ---- */

static enum err levels_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
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

const struct operation levels_list = {
        OPERATION(levels_list),
        .summary = "List the levels",
};

static enum err permissions_list_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
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

const struct operation permissions_list = {
        OPERATION(permissions_list),
        .summary = "List the permissions",
};

static enum err reply_level(struct ctx *ctx, struct reply *reply, const struct level *level)
{
        struct jsonw json = reply_json(reply);

        render_level(&json, "level", level);
        return reply_json_end(ctx, reply, &json);
}

static enum err levels_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct level level;
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = level_get(ctx, level_id, &level);
        return rc == OK ? reply_level(ctx, reply, &level) : rc;
}

const struct operation levels_show = {
        OPERATION(levels_show),
        .summary = "Show a level",
};

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
static const struct field permissions_fields[] = {
        FIELD(struct level_body, permissions, FIELD_STRING_LIST, .max = 100, .required = true),
};

static enum err read_level(struct ctx *ctx, const struct request *request, struct level_given *ret)
{
        struct level_body *given = arena_alloc(ctx->arena, sizeof(*given));
        json_t *body;
        enum err rc;

        if (!given)
                return ctx_nomem(ctx);
        rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = request_fields_of(ctx, request, body, given);
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

static enum err levels_create_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct level_given given;
        struct level level;
        enum err rc = read_level(ctx, request, &given);

        if (rc == OK)
                rc = level_create(ctx, &given, &level);
        return rc == OK ? reply_level(ctx, reply, &level) : rc;
}

const struct operation levels_create = {
        OPERATION(levels_create),
        .summary = "Make a level",
        .body = FIELDS(level_fields),
        .status = 201,
};

static enum err update(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct level_given given;
        struct level level;
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = read_level(ctx, request, &given);
        if (rc == OK)
                rc = level_update(ctx, level_id, &given, &level);
        return rc == OK ? reply_level(ctx, reply, &level) : rc;
}

static enum err levels_update_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        return update(ctx, request, reply);
}

const struct operation levels_update = {
        OPERATION(levels_update),
        .summary = "Change a level",
        .body = FIELDS(level_fields),
};

static enum err levels_set_permissions_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        return update(ctx, request, reply);
}

const struct operation levels_set_permissions = {
        OPERATION(levels_set_permissions),
        .summary = "Set the permissions of a level",
        .body = FIELDS(permissions_fields),
};

static enum err levels_delete_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = level_delete(ctx, level_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation levels_delete = {
        OPERATION(levels_delete),
        .summary = "Delete a level",
};
