#include "core/cloud/auth/resource_rule_change.h"

#include <string.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/user_text.h"

#define LAST_ADMIN "There must be an administrator"

/* ---- seeing ---- */

enum err resource_rule_list(struct ctx *ctx, int64_t level_id, const struct resource_rule **ret)
{
        const struct resource_rule_filter filter = { .level_id = level_id };
        struct level level;
        enum err rc = level_id ? store_level_get(ctx, level_id, &level) : OK;

        return rc == OK ? store_resource_rules_list(ctx, filter, ret) : rc;
}

enum err resource_rule_get(struct ctx *ctx, int64_t rule_id, struct resource_rule *ret)
{
        return store_resource_rule_get(ctx, rule_id, ret);
}

/* ---- what is given ---- */

static enum err read_applies_to(struct ctx *ctx, const json_t *array, const char **ret)
{
        permission_set set = 0;

        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *word = json_string_value(json_array_get(array, i));
                enum permission permission;

                if (!word || !permission_parse(word, &permission) || permission < PERM_FIRST)
                        return ctx_fail(ctx, ERR_INVALID,
                                        "applies_to_permissions[%zu]: there is no permission "
                                        "'%.64s'",
                                        i, word ? word : "");
                set |= permission_set_parse(word);
        }
        return permission_set_text(ctx, set, ret);
}

static void merge_texts(const struct resource_rule_given *given, struct resource_rule *rule)
{
        if (given->name)
                rule->name = given->name;
        if (given->resource_type)
                rule->resource_type = given->resource_type;
        if (given->pattern)
                rule->pattern = given->pattern;
        if (given->action)
                rule->action = given->action;
        if (given->description)
                rule->description = given->description;
        if (given->priority)
                rule->priority = *given->priority;
}

static enum err merge(struct ctx *ctx, const struct resource_rule_given *given,
                      struct resource_rule *rule)
{
        enum err rc = OK;

        merge_texts(given, rule);
        if (given->applies_to_permissions)
                rc = read_applies_to(ctx, given->applies_to_permissions, &rule->applies_to);
        if (rc == OK)
                rc = user_text_line(ctx, "name", rule->name,
                                    (struct text_size){ 1, RESOURCE_NAME_MAX });
        if (rc == OK)
                rc = user_text_line(ctx, "pattern", rule->pattern,
                                    (struct text_size){ 1, RESOURCE_PATTERN_MAX });
        if (rc == OK)
                rc = user_text_prose(ctx, "description", rule->description,
                                     (struct text_size){ 0, 500 });
        if (rc == OK &&
            (rule->priority < -RESOURCE_PRIORITY_MAX || rule->priority > RESOURCE_PRIORITY_MAX))
                return ctx_fail(ctx, ERR_INVALID, "priority must be %d to %d",
                                -RESOURCE_PRIORITY_MAX, RESOURCE_PRIORITY_MAX);
        return rc;
}

/* ---- writing down ---- */

static json_t *shown(const struct resource_rule *rule)
{
        return rule ? json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "name", rule->name,
                                "resource_type", rule->resource_type, "pattern", rule->pattern,
                                "action", rule->action, "priority", (json_int_t)rule->priority,
                                "applies_to", rule->applies_to)
                    : json_null();
}

static enum err audit(struct ctx *ctx, const struct identity_event *event,
                      const struct resource_rule *before, const struct resource_rule *after)
{
        return identity_audit_change(ctx, event, shown(before), shown(after));
}

/* ---- who may ---- */

struct levels {
        struct ctx *ctx;
        int64_t ids[64];
        size_t count;
};

static void take_level(void *arg, int64_t level_id)
{
        struct levels *levels = arg;

        if (levels->count < ARRAY_SIZE(levels->ids))
                levels->ids[levels->count] = level_id;
        levels->count++;
}

static enum err over_level(struct ctx *ctx, int64_t level_id)
{
        struct level level;
        enum err rc = store_level_get(ctx, level_id, &level);

        return rc == OK ? authority_over_permissions(ctx, level.permissions) : rc;
}

/* A rule that binds a level is part of what the level gives. */
static enum err over_rule(struct ctx *ctx, int64_t rule_id)
{
        struct levels levels = { .ctx = ctx };
        enum err rc = store_rule_levels_each(ctx, rule_id, take_level, &levels);

        if (rc == OK && levels.count > ARRAY_SIZE(levels.ids))
                return authority_over_permissions(ctx, "*");
        for (size_t i = 0; rc == OK && i < levels.count; i++)
                rc = over_level(ctx, levels.ids[i]);
        return rc;
}

/* ---- changing ---- */

enum err resource_rule_create(struct ctx *ctx, const struct resource_rule_given *given,
                              struct resource_rule *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct identity_event event = { "resource_rule.created", "resource_rule", 0,
                                        "Made a resource rule" };
        struct resource_rule rule = {
                .name = "", .pattern = "", .applies_to = "", .description = ""
        };
        enum err rc = merge(ctx, given, &rule);

        if (rc == OK)
                rc = authority_begin_unbound(ctx, &authority);
        if (rc == OK)
                rc = store_resource_rule_insert(ctx, &rule, &rule.rule_id);
        event.target_id = rule.rule_id;
        if (rc == OK)
                rc = audit(ctx, &event, NULL, &rule);
        if (rc == OK)
                rc = store_resource_rule_get(ctx, rule.rule_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err resource_rule_update(struct ctx *ctx, int64_t rule_id,
                              const struct resource_rule_given *given, struct resource_rule *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "resource_rule.updated", "resource_rule", rule_id,
                                              "Changed a resource rule" };
        struct resource_rule before, after;
        enum err rc = authority_begin_unbound(ctx, &authority);

        if (rc == OK)
                rc = store_resource_rule_get(ctx, rule_id, &before);
        if (rc == OK)
                rc = over_rule(ctx, rule_id);
        if (rc != OK)
                return rc;
        after = before;
        rc = merge(ctx, given, &after);
        if (rc == OK)
                rc = store_resource_rule_update(ctx, &after);
        if (rc == OK)
                rc = audit(ctx, &event, &before, &after);
        if (rc == OK)
                rc = store_resource_rule_get(ctx, rule_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err resource_rule_delete(struct ctx *ctx, int64_t rule_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "resource_rule.deleted", "resource_rule", rule_id,
                                              "Deleted a resource rule" };
        struct resource_rule before;
        enum err rc = authority_begin_unbound(ctx, &authority);

        if (rc == OK)
                rc = store_resource_rule_get(ctx, rule_id, &before);
        if (rc == OK)
                rc = over_rule(ctx, rule_id);
        if (rc == OK)
                rc = store_resource_rule_delete(ctx, rule_id);
        if (rc == OK)
                rc = audit(ctx, &event, &before, NULL);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

/* ---- levels ---- */

static enum err write_level_rules(struct ctx *ctx, int64_t level_id, const json_t *rule_ids)
{
        enum err rc = store_level_rules_clear(ctx, level_id);

        for (size_t i = 0; rc == OK && i < json_array_size(rule_ids); i++) {
                const json_t *id = json_array_get(rule_ids, i);
                struct resource_rule rule;

                if (!json_is_integer(id))
                        return ctx_fail(ctx, ERR_INVALID, "rule_ids[%zu] must be a number", i);
                rc = store_resource_rule_get(ctx, json_integer_value(id), &rule);
                if (rc == OK)
                        rc = store_level_rule_add(ctx, level_id, rule.rule_id);
        }
        return rc;
}

static enum err level_rule_ids(struct ctx *ctx, int64_t level_id, json_t *array)
{
        const struct resource_rule_filter filter = { .level_id = level_id };
        const struct resource_rule *rule = NULL;
        enum err rc = store_resource_rules_list(ctx, filter, &rule);

        for (; rc == OK && rule; rule = rule->next) {
                if (json_array_append_new(array, json_integer(rule->rule_id)) != 0)
                        return ctx_nomem(ctx);
        }
        return rc;
}

enum err level_rules_set(struct ctx *ctx, int64_t level_id, const json_t *rule_ids)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        CLEANUP(json_decrefp) json_t *before = json_array();
        CLEANUP(json_decrefp) json_t *after = json_array();
        const struct identity_event event = { "resource_rule.level.changed", "level", level_id,
                                              "Changed the resource rules of a level" };
        enum err rc = before && after ? authority_begin_unbound(ctx, &authority) : ctx_nomem(ctx);

        if (rc == OK)
                rc = over_level(ctx, level_id);
        if (rc == OK)
                rc = level_rule_ids(ctx, level_id, before);
        if (rc == OK)
                rc = write_level_rules(ctx, level_id, rule_ids);
        if (rc == OK)
                rc = level_rule_ids(ctx, level_id, after);
        if (rc == OK)
                rc = identity_audit(ctx, &event,
                                    json_pack("{s:O, s:O}", "before", before, "after", after));
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}
