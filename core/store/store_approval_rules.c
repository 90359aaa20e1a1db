#include "core/store/store_approval_rules.h"

#include <string.h>

#include "core/db/db.h"

#define COLUMNS                                                                                    \
        "rule_id, name, description, rule_condition, threshold, is_active, priority, "             \
        "applies_to_provider, applies_to_level, exempt_levels, required_approver_level, "          \
        "created_at_us, created_by"
#define SELECT   "SELECT " COLUMNS " FROM approval_rules "
#define IN_ORDER "ORDER BY priority DESC, rule_id LIMIT $1"

#define LEVELS_MAX 100

static const char *const condition_names[APPROVAL_CONDITION_COUNT] = {
        [APPROVAL_COST_EXCEEDS] = "cost_exceeds",
        [APPROVAL_HARDWARE_TYPE] = "hardware_type",
        [APPROVAL_PROVIDER] = "provider",
        [APPROVAL_USER_LEVEL] = "user_level",
        [APPROVAL_DAILY_JOBS_EXCEED] = "daily_jobs_exceed",
        [APPROVAL_FIRST_JOB] = "first_job",
        [APPROVAL_CONFIG_PATTERN] = "config_pattern",
};

const char *approval_condition_name(enum approval_condition condition)
{
        return condition_names[condition];
}

bool approval_condition_parse(const char *name, enum approval_condition *ret)
{
        for (unsigned i = 0; i < APPROVAL_CONDITION_COUNT; i++) {
                if (strcmp(condition_names[i], name) == 0) {
                        *ret = (enum approval_condition)i;
                        return true;
                }
        }
        return false;
}

static enum err read(struct ctx *ctx, struct db_stmt *stmt, struct approval_rule *ret)
{
        struct approval_rule rule = {
                .rule_id = db_int(stmt, 0),
                .name = db_text(stmt, 1),
                .description = db_text(stmt, 2),
                .threshold = db_text(stmt, 4),
                .is_active = db_int(stmt, 5) != 0,
                .priority = db_int(stmt, 6),
                .applies_to_provider = db_text(stmt, 7),
                .applies_to_level = db_text(stmt, 8),
                .exempt_levels = db_text(stmt, 9),
                .required_approver_level = db_text(stmt, 10),
                .created_at_us = db_int(stmt, 11),
                .created_by = db_text(stmt, 12),
        };
        const char **const texts[] = { &rule.name,
                                       &rule.description,
                                       &rule.threshold,
                                       &rule.applies_to_provider,
                                       &rule.applies_to_level,
                                       &rule.exempt_levels,
                                       &rule.required_approver_level,
                                       &rule.created_by };
        enum err rc = OK;

        /* The table's CHECK leaves no other words. */
        if (!approval_condition_parse(db_text(stmt, 3), &rule.condition))
                rule.condition = APPROVAL_FIRST_JOB;
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
        if (rc == OK)
                *ret = rule;
        return rc;
}

enum err store_approval_rule_insert(struct ctx *ctx, const struct approval_rule *rule,
                                    int64_t *ret_id)
{
        static const char sql[] = "INSERT INTO approval_rules (" COLUMNS ") VALUES ($1, $2, $3, "
                                  "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        int64_t id;
        enum err rc = db_next(ctx, "approval_rule", &id);

        if (rc == OK)
                rc = db_run(ctx, NULL, sql, "ittttiittttit", id, rule->name, rule->description,
                            condition_names[rule->condition], rule->threshold,
                            (int64_t)rule->is_active, rule->priority, rule->applies_to_provider,
                            rule->applies_to_level, rule->exempt_levels,
                            rule->required_approver_level, rule->created_at_us, rule->created_by);
        if (rc == OK)
                *ret_id = id;
        return rc;
}

static enum err unknown(struct ctx *ctx, int64_t rule_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Rule not found: %lld", (long long)rule_id);
}

enum err store_approval_rule_get(struct ctx *ctx, int64_t rule_id, struct approval_rule *ret)
{
        static const char sql[] = SELECT "WHERE rule_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "i", rule_id);

        if (rc == ERR_NOT_FOUND)
                return unknown(ctx, rule_id);
        return rc == OK ? read(ctx, stmt, ret) : rc;
}

enum err store_approval_rule_update(struct ctx *ctx, const struct approval_rule *rule)
{
        static const char sql[] =
                "UPDATE approval_rules SET name = $2, description = $3, rule_condition = $4, "
                "threshold = $5, is_active = $6, priority = $7, applies_to_provider = $8, "
                "applies_to_level = $9, exempt_levels = $10, required_approver_level = $11 "
                "WHERE rule_id = $1";
        int64_t changed = 0;
        enum err rc;

        rc = db_run(ctx, &changed, sql, "ittttiitttt", rule->rule_id, rule->name, rule->description,
                    condition_names[rule->condition], rule->threshold, (int64_t)rule->is_active,
                    rule->priority, rule->applies_to_provider, rule->applies_to_level,
                    rule->exempt_levels, rule->required_approver_level);
        return rc == OK && changed == 0 ? unknown(ctx, rule->rule_id) : rc;
}

enum err store_approval_rule_delete(struct ctx *ctx, int64_t rule_id)
{
        static const char sql[] = "DELETE FROM approval_rules WHERE rule_id = $1";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "i", rule_id);

        return rc == OK && changed == 0 ? unknown(ctx, rule_id) : rc;
}

enum err store_approval_rules(struct ctx *ctx, bool active_only, unsigned limit,
                              struct approval_rule **ret, size_t *ret_count)
{
        static const char all[] = SELECT IN_ORDER;
        static const char active[] = SELECT "WHERE is_active = 1 " IN_ORDER;
        struct approval_rule *rules = arena_alloc(ctx->arena, (limit + 1) * sizeof(*rules));
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        size_t count = 0;
        enum err rc;

        if (!rules)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, active_only ? active : all, "i", (int64_t)limit);
        while (rc == OK && count < limit && (rc = db_step(ctx, stmt)) == OK)
                rc = read(ctx, stmt, &rules[count++]);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = rules;
        *ret_count = count;
        return OK;
}

enum err store_user_levels(struct ctx *ctx, int64_t user_id, struct user_levels *ret)
{
        static const char sql[] =
                "SELECT l.name, l.priority FROM user_levels m JOIN levels l "
                "ON l.level_id = m.level_id WHERE m.user_id = $1 ORDER BY l.priority DESC LIMIT $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct user_levels levels = {
                .names = arena_alloc(ctx->arena, LEVELS_MAX * sizeof(*levels.names)),
                .priority = -1,
        };
        enum err rc;

        if (!levels.names)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "ii", user_id, (int64_t)LEVELS_MAX);
        while (rc == OK && levels.count < LEVELS_MAX && (rc = db_step(ctx, stmt)) == OK) {
                if (levels.count == 0)
                        levels.priority = db_int(stmt, 1);
                rc = db_text_dup(ctx, stmt, 0, &levels.names[levels.count++]);
        }
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = levels;
        return OK;
}

enum err store_level_priority(struct ctx *ctx, const char *name, int64_t *ret)
{
        static const char sql[] = "SELECT priority FROM levels WHERE name = $1";

        return db_number(ctx, ret, sql, "t", name);
}
