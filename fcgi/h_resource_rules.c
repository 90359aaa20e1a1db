/* Resource rules, and which levels they bind. */
#include "core/base/fields.h"
#include "core/cloud/auth/resource_rule_change.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_user.h"
#include "fcgi/reply_user.h"

/* ---- seeing ---- */

static enum err reply_rules(struct ctx *ctx, struct reply *reply, int64_t level_id)
{
        const struct resource_rule *rule = NULL;
        struct jsonw json;
        enum err rc = resource_rule_list(ctx, level_id, &rule);

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_array(&json, "rules");
        for (; rule; rule = rule->next)
                render_resource_rule(&json, NULL, rule);
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

static enum err reply_rule(struct ctx *ctx, struct reply *reply, const struct resource_rule *rule)
{
        struct jsonw json = reply_json(reply);

        render_resource_rule(&json, "rule", rule);
        return reply_json_end(ctx, reply, &json);
}

static enum err resource_rules_list_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        (void)request;
        return reply_rules(ctx, reply, 0);
}

const struct operation resource_rules_list = {
        OPERATION(resource_rules_list),
        .summary = "List the rules about resources",
};

static enum err resource_rules_show_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct resource_rule rule;
        int64_t rule_id;
        enum err rc = param_id(ctx, request, "id", "Resource rule", &rule_id);

        if (rc == OK)
                rc = resource_rule_get(ctx, rule_id, &rule);
        return rc == OK ? reply_rule(ctx, reply, &rule) : rc;
}

const struct operation resource_rules_show = {
        OPERATION(resource_rules_show),
        .summary = "Show a rule",
};

/* ---- changing ---- */

struct rule_body {
        const char *name, *resource_type, *pattern, *action, *description;
        int64_t priority;
        json_t *applies_to_permissions;
};

static const char *const types[] = { "config", "hardware", "provider", "output_path", NULL };
static const char *const actions[] = { "allow", "deny", NULL };

#define RULE_FIELDS(must)                                                                          \
        FIELD(struct rule_body, name, FIELD_STRING, .required = (must)),                           \
                FIELD(struct rule_body, resource_type, FIELD_CHOICE, .choices = types,             \
                      .required = (must)),                                                         \
                FIELD(struct rule_body, pattern, FIELD_STRING, .required = (must)),                \
                FIELD(struct rule_body, action, FIELD_CHOICE, .choices = actions,                  \
                      .required = (must)),                                                         \
                FIELD(struct rule_body, description, FIELD_STRING),                                \
                FIELD(struct rule_body, priority, FIELD_INT, .min = -RESOURCE_PRIORITY_MAX,        \
                      .max = RESOURCE_PRIORITY_MAX),                                               \
                FIELD(struct rule_body, applies_to_permissions, FIELD_STRING_LIST, .max = 100)

static const struct field create_fields[] = { RULE_FIELDS(true) };
static const struct field update_fields[] = { RULE_FIELDS(false) };

static enum err read_rule(struct ctx *ctx, const struct request *request,
                          struct resource_rule_given *ret)
{
        struct rule_body *given = arena_alloc(ctx->arena, sizeof(*given));
        json_t *body;
        enum err rc;

        if (!given)
                return ctx_nomem(ctx);
        rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = request_fields_of(ctx, request, body, given);
        if (rc != OK)
                return rc;
        *ret = (struct resource_rule_given){
                .name = given->name,
                .resource_type = given->resource_type,
                .pattern = given->pattern,
                .action = given->action,
                .description = given->description,
                .priority = json_is_integer(json_object_get(body, "priority")) ? &given->priority
                                                                               : NULL,
                .applies_to_permissions = given->applies_to_permissions,
        };
        return OK;
}

static enum err resource_rules_create_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct resource_rule_given given;
        struct resource_rule rule;
        enum err rc = read_rule(ctx, request, &given);

        if (rc == OK)
                rc = resource_rule_create(ctx, &given, &rule);
        return rc == OK ? reply_rule(ctx, reply, &rule) : rc;
}

const struct operation resource_rules_create = {
        OPERATION(resource_rules_create),
        .summary = "Make a rule",
        .body = FIELDS(create_fields),
        .status = 201,
};

static enum err resource_rules_update_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct resource_rule_given given;
        struct resource_rule rule;
        int64_t rule_id;
        enum err rc = param_id(ctx, request, "id", "Resource rule", &rule_id);

        if (rc == OK)
                rc = read_rule(ctx, request, &given);
        if (rc == OK)
                rc = resource_rule_update(ctx, rule_id, &given, &rule);
        return rc == OK ? reply_rule(ctx, reply, &rule) : rc;
}

const struct operation resource_rules_update = {
        OPERATION(resource_rules_update),
        .summary = "Change a rule",
        .body = FIELDS(update_fields),
};

static enum err resource_rules_delete_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        int64_t rule_id;
        enum err rc = param_id(ctx, request, "id", "Resource rule", &rule_id);

        if (rc == OK)
                rc = resource_rule_delete(ctx, rule_id);
        return rc == OK ? reply_success(ctx, reply) : rc;
}

const struct operation resource_rules_delete = {
        OPERATION(resource_rules_delete),
        .summary = "Delete a rule",
};

/* ---- of levels ---- */

static enum err level_rules_show_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        return rc == OK ? reply_rules(ctx, reply, level_id) : rc;
}

const struct operation level_rules_show = {
        OPERATION(level_rules_show),
        .summary = "List the rules of a level",
};

struct ids_body {
        json_t *rule_ids;
};

static const struct field ids_fields[] = {
        FIELD(struct ids_body, rule_ids, FIELD_ARRAY, .max = RESOURCE_RULES_MAX, .required = true),
};

static enum err level_rules_update_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct ids_body given = { 0 };
        int64_t level_id;
        enum err rc = param_id(ctx, request, "id", "Level", &level_id);

        if (rc == OK)
                rc = request_fields(ctx, request, &given);
        if (rc == OK)
                rc = level_rules_set(ctx, level_id, given.rule_ids);
        return rc == OK ? reply_rules(ctx, reply, level_id) : rc;
}

const struct operation level_rules_update = {
        OPERATION(level_rules_update),
        .summary = "Set the rules of a level",
        .body = FIELDS(ids_fields),
};
