/* Rules that say which jobs somebody has to approve. */
#include "core/base/fields.h"
#include "core/cloud/approval/approval_rule.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"

struct body {
        const char *name, *description, *condition, *threshold;
        const char *applies_to_provider, *applies_to_level, *required_approver_level;
        bool is_active;
        int64_t priority;
        json_t *exempt_levels;
};

static const struct field body_fields[] = {
        FIELD(struct body, name, FIELD_STRING, .min = 1),
        FIELD(struct body, description, FIELD_STRING),
        FIELD(struct body, condition, FIELD_STRING),
        FIELD(struct body, threshold, FIELD_STRING),
        FIELD(struct body, is_active, FIELD_BOOL),
        FIELD(struct body, priority, FIELD_INT, .min = -1000000, .max = 1000000),
        FIELD(struct body, applies_to_provider, FIELD_STRING),
        FIELD(struct body, applies_to_level, FIELD_STRING),
        FIELD(struct body, exempt_levels, FIELD_STRING_LIST, .max = 50),
        FIELD(struct body, required_approver_level, FIELD_STRING),
};

static bool is_given(const json_t *tree, const char *name)
{
        const json_t *value = json_object_get(tree, name);

        return value && !json_is_null(value);
}

/* *ret points into body. */
static enum err read_given(struct ctx *ctx, const struct request *request, struct body *body,
                           struct approval_rule_given *ret)
{
        json_t *tree;
        enum err rc = request_json(ctx, request, &tree);

        if (rc == OK)
                rc = request_fields_of(ctx, request, tree, body);
        if (rc != OK)
                return rc;
        *ret = (struct approval_rule_given){
                .name = body->name,
                .description = body->description,
                .condition = body->condition,
                .threshold = body->threshold,
                .is_active = is_given(tree, "is_active") ? &body->is_active : NULL,
                .priority = is_given(tree, "priority") ? &body->priority : NULL,
                .exempt_levels = body->exempt_levels,
                .applies_to_provider = body->applies_to_provider,
                .applies_to_level = body->applies_to_level,
                .required_approver_level = body->required_approver_level,
        };
        return OK;
}

static void render_rule(struct jsonw *json, const struct approval_rule *rule)
{
        jsonw_int(json, "id", rule->rule_id);
        jsonw_string(json, "name", rule->name);
        jsonw_string(json, "description", rule->description);
        jsonw_string(json, "condition", approval_condition_name(rule->condition));
        jsonw_string(json, "threshold", rule->threshold);
        jsonw_bool(json, "is_active", rule->is_active);
        jsonw_int(json, "priority", rule->priority);
        jsonw_string(json, "applies_to_provider", rule->applies_to_provider);
        jsonw_string(json, "applies_to_level", rule->applies_to_level);
        jsonw_raw(json, "exempt_levels", rule->exempt_levels);
        jsonw_string(json, "required_approver_level", rule->required_approver_level);
        jsonw_time(json, "created_at", rule->created_at_us);
        jsonw_string(json, "created_by", rule->created_by);
}

static enum err answer(struct ctx *ctx, struct reply *reply, const struct approval_rule *rule)
{
        struct jsonw json = reply_json(reply);

        render_rule(&json, rule);
        return reply_json_end(ctx, reply, &json);
}

static enum err approval_rules_list_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct approval_rule *rules;
        struct jsonw json;
        size_t count;
        enum err rc = approval_rule_list(ctx, &rules, &count);

        (void)request;
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_array(&json, "rules");
        for (size_t i = 0; i < count; i++) {
                jsonw_object(&json, NULL);
                render_rule(&json, &rules[i]);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approval_rules_list = {
        OPERATION(approval_rules_list),
        .summary = "List the rules for approvals",
};

static enum err approval_rules_add_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct approval_rule_given given;
        struct body body = { 0 };
        struct approval_rule rule;
        enum err rc = read_given(ctx, request, &body, &given);

        if (rc == OK)
                rc = approval_rule_add(ctx, &given, &rule);
        return rc == OK ? answer(ctx, reply, &rule) : rc;
}

const struct operation approval_rules_add = {
        OPERATION(approval_rules_add),
        .summary = "Make a rule",
        .body = FIELDS(body_fields),
};

static enum err approval_rules_show_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct approval_rule rule;
        int64_t id;
        enum err rc = param_id(ctx, request, "rule_id", "Rule", &id);

        if (rc == OK)
                rc = approval_rule_get(ctx, id, &rule);
        return rc == OK ? answer(ctx, reply, &rule) : rc;
}

const struct operation approval_rules_show = {
        OPERATION(approval_rules_show),
        .summary = "Show a rule",
};

static enum err approval_rules_update_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct approval_rule_given given;
        struct body body = { 0 };
        struct approval_rule rule;
        int64_t id;
        enum err rc = param_id(ctx, request, "rule_id", "Rule", &id);

        if (rc == OK)
                rc = read_given(ctx, request, &body, &given);
        if (rc == OK)
                rc = approval_rule_change(ctx, id, &given, &rule);
        return rc == OK ? answer(ctx, reply, &rule) : rc;
}

const struct operation approval_rules_update = {
        OPERATION(approval_rules_update),
        .summary = "Change a rule",
        .body = FIELDS(body_fields),
};

static enum err approval_rules_delete_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct jsonw json;
        int64_t id;
        enum err rc = param_id(ctx, request, "rule_id", "Rule", &id);

        if (rc == OK)
                rc = approval_rule_remove(ctx, id);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_int(&json, "rule_id", id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approval_rules_delete = {
        OPERATION(approval_rules_delete),
        .summary = "Delete a rule",
};

static enum err approval_conditions_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        (void)request;
        jsonw_array(&json, "conditions");
        for (unsigned i = 0; i < APPROVAL_CONDITION_COUNT; i++) {
                const enum approval_condition condition = (enum approval_condition)i;

                jsonw_object(&json, NULL);
                jsonw_string(&json, "value", approval_condition_name(condition));
                jsonw_string(&json, "description", approval_condition_description(condition));
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approval_conditions = {
        OPERATION(approval_conditions),
        .summary = "List what rules can look at",
};
