#include "core/cloud/approval/approval_rule.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/cloud/approval/approval_pattern.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/provider/provider.h"
#include "core/db/db.h"

#define NAME_MAX_BYTES        100
#define DESCRIPTION_MAX_BYTES 1000
#define EXEMPT_MAX            50
#define PRIORITY_MAX          1000000
#define NUMBER_MAX            1e9

const char *approval_condition_description(enum approval_condition condition)
{
        static const char *const texts[APPROVAL_CONDITION_COUNT] = {
                [APPROVAL_COST_EXCEEDS] = "The estimated cost is more than threshold, in USD",
                [APPROVAL_HARDWARE_TYPE] =
                        "The hardware type or profile matches the glob threshold",
                [APPROVAL_PROVIDER] = "The provider is the one that threshold names",
                [APPROVAL_USER_LEVEL] = "The priority of the user's highest level is below that of "
                                        "the level that threshold names",
                [APPROVAL_DAILY_JOBS_EXCEED] = "With this job the user has submitted more than "
                                               "threshold in 24 hours",
                [APPROVAL_FIRST_JOB] = "The user has never submitted a job; threshold is not used",
                [APPROVAL_CONFIG_PATTERN] = "The name of the configuration matches threshold: a "
                                            "glob, or a POSIX extended regular expression when it "
                                            "begins with ^ or ends with $",
        };

        return texts[condition];
}

/* ---- what is given ---- */

static enum err check_line(struct ctx *ctx, const char *name, const char *text, size_t max)
{
        bool good = utf8_is_valid(text) && strlen(text) <= max;

        for (const char *c = text; good && *c; c++)
                good = (unsigned char)*c >= ' ' && *c != 0x7f;
        return good ? OK
                    : ctx_fail(ctx, ERR_INVALID, "%s must be a line of text of at most %zu bytes",
                               name, max);
}

static enum err check_level(struct ctx *ctx, const char *name, const char *level)
{
        int64_t priority;
        enum err rc = store_level_priority(ctx, level, &priority);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_INVALID, "%s: there is no level %.64s", name, level);
        return rc;
}

static enum err check_provider(struct ctx *ctx, const char *name, const char *id)
{
        for (size_t i = 0; provider_at(i); i++) {
                if (strcmp(provider_at(i)->id, id) == 0)
                        return OK;
        }
        return ctx_fail(ctx, ERR_INVALID, "%s: there is no provider %.64s", name, id);
}

static bool read_number(const char *text, double *ret)
{
        char *end;
        double number = strtod(text, &end);

        if (end == text || *end || !(number >= 0) || number > NUMBER_MAX)
                return false;
        *ret = number;
        return true;
}

static enum err check_number(struct ctx *ctx, const struct approval_rule *rule)
{
        const bool whole = rule->condition == APPROVAL_DAILY_JOBS_EXCEED;
        double number;

        if (!read_number(rule->threshold, &number) || (whole && number != (double)(int64_t)number))
                return ctx_fail(ctx, ERR_INVALID,
                                "threshold must be a %snumber from 0 to %.0f for %s",
                                whole ? "whole " : "", NUMBER_MAX,
                                approval_condition_name(rule->condition));
        return OK;
}

static enum err check_threshold(struct ctx *ctx, const struct approval_rule *rule)
{
        switch (rule->condition) {
        case APPROVAL_COST_EXCEEDS:
        case APPROVAL_DAILY_JOBS_EXCEED:
                return check_number(ctx, rule);
        case APPROVAL_HARDWARE_TYPE:
                return approval_glob_check(ctx, "threshold", rule->threshold);
        case APPROVAL_PROVIDER:
                return check_provider(ctx, "threshold", rule->threshold);
        case APPROVAL_USER_LEVEL:
                return check_level(ctx, "threshold", rule->threshold);
        case APPROVAL_CONFIG_PATTERN:
                return approval_pattern_check(ctx, "threshold", rule->threshold);
        case APPROVAL_FIRST_JOB:
        case APPROVAL_CONDITION_COUNT:
                break;
        }
        return check_line(ctx, "threshold", rule->threshold, APPROVAL_PATTERN_MAX);
}

static enum err check_exempt(struct ctx *ctx, const json_t *levels)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < json_array_size(levels); i++)
                rc = check_level(ctx, "exempt_levels",
                                 json_string_value(json_array_get(levels, i)));
        return rc;
}

static enum err check_rule(struct ctx *ctx, const struct approval_rule *rule)
{
        enum err rc = OK;

        if (!*rule->name)
                return ctx_fail(ctx, ERR_INVALID, "name is required");
        rc = check_line(ctx, "name", rule->name, NAME_MAX_BYTES);
        if (rc == OK)
                rc = check_line(ctx, "description", rule->description, DESCRIPTION_MAX_BYTES);
        if (rc == OK)
                rc = check_threshold(ctx, rule);
        if (rc == OK && rule->applies_to_provider)
                rc = check_provider(ctx, "applies_to_provider", rule->applies_to_provider);
        if (rc == OK && rule->applies_to_level)
                rc = check_level(ctx, "applies_to_level", rule->applies_to_level);
        if (rc == OK)
                rc = check_level(ctx, "required_approver_level", rule->required_approver_level);
        return rc;
}

static enum err take_condition(struct ctx *ctx, const char *condition, struct approval_rule *rule)
{
        const char *valid = "";

        if (!condition || approval_condition_parse(condition, &rule->condition))
                return OK;
        for (unsigned i = 0; valid && i < APPROVAL_CONDITION_COUNT; i++)
                valid = arena_printf(ctx->arena, "%s%s%s", valid, i ? ", " : "",
                                     approval_condition_name((enum approval_condition)i));
        if (!valid)
                return ctx_nomem(ctx);
        return ctx_fail(ctx, ERR_INVALID, "Invalid condition: %.64s. Valid conditions: [%s]",
                        condition, valid);
}

static void take_text(const char *given, const char **text)
{
        if (given)
                *text = given;
}

static void take_optional(const char *given, const char **text)
{
        if (given)
                *text = *given ? given : NULL;
}

static enum err take_exempt(struct ctx *ctx, const json_t *levels, struct approval_rule *rule)
{
        enum err rc;

        if (!levels)
                return OK;
        if (json_array_size(levels) > EXEMPT_MAX)
                return ctx_fail(ctx, ERR_INVALID, "exempt_levels may have at most %d levels",
                                EXEMPT_MAX);
        rc = check_exempt(ctx, levels);
        return rc == OK ? json_text(ctx, levels, &rule->exempt_levels) : rc;
}

/* Put what is given in the place of what was. Inside a transaction. */
static enum err take(struct ctx *ctx, const struct approval_rule_given *given,
                     struct approval_rule *rule)
{
        enum err rc;

        take_text(given->name, &rule->name);
        take_text(given->description, &rule->description);
        take_text(given->threshold, &rule->threshold);
        take_text(given->required_approver_level, &rule->required_approver_level);
        take_optional(given->applies_to_provider, &rule->applies_to_provider);
        take_optional(given->applies_to_level, &rule->applies_to_level);
        if (given->is_active)
                rule->is_active = *given->is_active;
        if (given->priority)
                rule->priority = *given->priority;
        if (rule->priority < -PRIORITY_MAX || rule->priority > PRIORITY_MAX)
                return ctx_fail(ctx, ERR_INVALID, "priority must be %d to %d", -PRIORITY_MAX,
                                PRIORITY_MAX);
        rc = take_condition(ctx, given->condition, rule);
        if (rc == OK)
                rc = take_exempt(ctx, given->exempt_levels, rule);
        return rc == OK ? check_rule(ctx, rule) : rc;
}

/* ---- changes ---- */

static json_t *describe(const struct approval_rule *rule)
{
        return json_pack("{s:s, s:s, s:s, s:b, s:I, s:s*, s:s*, s:s, s:s}", "name", rule->name,
                         "condition", approval_condition_name(rule->condition), "threshold",
                         rule->threshold, "is_active", rule->is_active, "priority",
                         (json_int_t)rule->priority, "applies_to_provider",
                         rule->applies_to_provider, "applies_to_level", rule->applies_to_level,
                         "exempt_levels", rule->exempt_levels, "required_approver_level",
                         rule->required_approver_level);
}

/* before: NULL for a new one. */
static enum err note(struct ctx *ctx, const struct approval_rule *rule,
                     const struct approval_rule *before, const char *event_type, const char *action)
{
        CLEANUP(json_decrefp) json_t *details = describe(rule);
        const struct audit_entry entry = {
                .event_type = event_type,
                .target_type = "approval_rule",
                .target_id = arena_printf(ctx->arena, "%lld", (long long)rule->rule_id),
                .action = action,
                .details = details,
        };

        if (!details || !entry.target_id)
                return ctx_nomem(ctx);
        if (before && json_object_set_new(details, "before", describe(before)) != 0)
                return ctx_nomem(ctx);
        return audit_add(ctx, &entry);
}

static enum err check_room(struct ctx *ctx)
{
        struct approval_rule *rules;
        size_t count = 0;
        enum err rc;

        rc = store_approval_rules(ctx, false, APPROVAL_RULES_MAX, &rules, &count);
        if (rc == OK && count >= APPROVAL_RULES_MAX)
                return ctx_fail(ctx, ERR_CONFLICT, "There are %d rules, the most that there may be",
                                APPROVAL_RULES_MAX);
        return rc;
}

enum err approval_rule_add(struct ctx *ctx, const struct approval_rule_given *given,
                           struct approval_rule *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct approval_rule rule = {
                .name = "",
                .description = "",
                .threshold = "",
                .is_active = true,
                .exempt_levels = "[]",
                .required_approver_level = APPROVAL_APPROVER_LEVEL,
                .created_at_us = clock_wall_us(ctx->clock),
                .created_by = ctx_actor_name(ctx),
        };
        enum err rc;

        if (!given->condition)
                return ctx_fail(ctx, ERR_INVALID, "condition is required");
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, "approval_rules");
        if (rc == OK)
                rc = take(ctx, given, &rule);
        if (rc == OK)
                rc = check_room(ctx);
        if (rc == OK)
                rc = store_approval_rule_insert(ctx, &rule, &rule.rule_id);
        if (rc == OK)
                rc = note(ctx, &rule, NULL, "approval.rule_created", "Approval rule created");
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = rule;
        return rc;
}

enum err approval_rule_change(struct ctx *ctx, int64_t rule_id,
                              const struct approval_rule_given *given, struct approval_rule *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct approval_rule rule, before;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, "approval_rules");
        if (rc == OK)
                rc = store_approval_rule_get(ctx, rule_id, &rule);
        before = rc == OK ? rule : (struct approval_rule){ 0 };
        if (rc == OK)
                rc = take(ctx, given, &rule);
        if (rc == OK)
                rc = store_approval_rule_update(ctx, &rule);
        if (rc == OK)
                rc = note(ctx, &rule, &before, "approval.rule_updated", "Approval rule updated");
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = rule;
        return rc;
}

enum err approval_rule_remove(struct ctx *ctx, int64_t rule_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct approval_rule rule;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, "approval_rules");
        if (rc == OK)
                rc = store_approval_rule_get(ctx, rule_id, &rule);
        if (rc == OK)
                rc = store_approval_rule_delete(ctx, rule_id);
        if (rc == OK)
                rc = note(ctx, &rule, NULL, "approval.rule_deleted", "Approval rule deleted");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err approval_rule_get(struct ctx *ctx, int64_t rule_id, struct approval_rule *ret)
{
        return store_approval_rule_get(ctx, rule_id, ret);
}

enum err approval_rule_list(struct ctx *ctx, struct approval_rule **ret, size_t *ret_count)
{
        return store_approval_rules(ctx, false, APPROVAL_RULES_MAX, ret, ret_count);
}
