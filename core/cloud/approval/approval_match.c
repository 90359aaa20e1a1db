/* What the rules say of a submission. */
#include <stdlib.h>
#include <string.h>

#include "core/cloud/approval/approval_pattern.h"
#include "core/cloud/approval/approval_rule.h"
#include "core/cloud/auth/auth.h"
#include "core/store/store_quotas.h"

/* A submission as the rules look at it. */
struct submitted {
        const struct job *job;
        struct user_levels levels; /* of who submits it */
        bool is_administrator;     /* above all levels */
};

static bool has_level(const struct submitted *what, const char *name)
{
        for (size_t i = 0; i < what->levels.count; i++) {
                if (strcmp(what->levels.names[i], name) == 0)
                        return true;
        }
        return false;
}

static enum err is_exempt(struct ctx *ctx, const struct submitted *what,
                          const struct approval_rule *rule, bool *ret)
{
        CLEANUP(json_decrefp) json_t *levels = NULL;
        bool exempt = false;
        enum err rc;

        rc = json_parse(ctx, "exempt_levels", rule->exempt_levels, strlen(rule->exempt_levels),
                        &levels);
        for (size_t i = 0; rc == OK && !exempt && i < json_array_size(levels); i++)
                exempt = has_level(what, json_string_value(json_array_get(levels, i)));
        if (rc == OK)
                *ret = exempt;
        return rc;
}

/* *ret_reason: why, when it is so. NULL before, and left alone when it is not. */
static enum err say(struct ctx *ctx, const char *reason, const char **ret_reason)
{
        *ret_reason = reason;
        return reason ? OK : ctx_nomem(ctx);
}

static enum err match_cost(struct ctx *ctx, const struct submitted *what,
                           const struct approval_rule *rule, const char **ret_reason)
{
        const double threshold = strtod(rule->threshold, NULL);
        const double cost = (double)what->job->estimated_cost_usd_micros / 1e6;

        if (!(cost > threshold))
                return OK;
        return say(ctx,
                   arena_printf(ctx->arena, "Estimated cost ($%.2f) exceeds threshold ($%.2f)",
                                cost, threshold),
                   ret_reason);
}

static enum err match_hardware(struct ctx *ctx, const struct submitted *what,
                               const struct approval_rule *rule, const char **ret_reason)
{
        const char *type = what->job->hardware_type, *profile = what->job->hardware_profile;

        if (!(type && approval_glob_matches(rule->threshold, type)) &&
            !(profile && approval_glob_matches(rule->threshold, profile)))
                return OK;
        return say(ctx,
                   arena_printf(ctx->arena, "Hardware type '%s' requires approval",
                                type ? type : profile),
                   ret_reason);
}

static enum err match_level(struct ctx *ctx, const struct submitted *what,
                            const struct approval_rule *rule, const char **ret_reason)
{
        int64_t priority = INT64_MAX; /* nobody reaches a level that is gone, but administrators */
        enum err rc = store_level_priority(ctx, rule->threshold, &priority);

        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (what->is_administrator || what->levels.priority >= priority)
                return OK;
        return say(ctx, "User level requires approval for this operation", ret_reason);
}

static enum err match_daily(struct ctx *ctx, const struct submitted *what,
                            const struct approval_rule *rule, const char **ret_reason)
{
        const int64_t since_us = clock_wall_us(ctx->clock) - US_PER_DAY;
        int64_t jobs = 0;
        enum err rc = store_ledger_count(ctx, what->job->owner, since_us, &jobs);

        if (rc != OK || (double)(jobs + 1) <= strtod(rule->threshold, NULL))
                return rc;
        return say(ctx,
                   arena_printf(ctx->arena, "Daily job limit exceeded (%lld jobs today)",
                                (long long)jobs + 1),
                   ret_reason);
}

static enum err match_first(struct ctx *ctx, const struct submitted *what, const char **ret_reason)
{
        bool any = true;
        enum err rc = store_ledger_any(ctx, what->job->owner, &any);

        if (rc != OK || any)
                return rc;
        return say(ctx, "First job from this user requires approval", ret_reason);
}

static enum err match_config(struct ctx *ctx, const struct submitted *what,
                             const struct approval_rule *rule, const char **ret_reason)
{
        const char *name = what->job->config_name;

        if (!name || !approval_pattern_matches(rule->threshold, name))
                return OK;
        return say(ctx,
                   arena_printf(ctx->arena, "Config '%s' matches approval-required pattern", name),
                   ret_reason);
}

static enum err match_condition(struct ctx *ctx, const struct submitted *what,
                                const struct approval_rule *rule, const char **ret_reason)
{
        switch (rule->condition) {
        case APPROVAL_COST_EXCEEDS:
                return match_cost(ctx, what, rule, ret_reason);
        case APPROVAL_HARDWARE_TYPE:
                return match_hardware(ctx, what, rule, ret_reason);
        case APPROVAL_PROVIDER:
                if (strcmp(what->job->provider, rule->threshold) != 0)
                        return OK;
                return say(ctx,
                           arena_printf(ctx->arena, "Provider '%s' requires approval",
                                        rule->threshold),
                           ret_reason);
        case APPROVAL_USER_LEVEL:
                return match_level(ctx, what, rule, ret_reason);
        case APPROVAL_DAILY_JOBS_EXCEED:
                return match_daily(ctx, what, rule, ret_reason);
        case APPROVAL_FIRST_JOB:
                return match_first(ctx, what, ret_reason);
        case APPROVAL_CONFIG_PATTERN:
                return match_config(ctx, what, rule, ret_reason);
        case APPROVAL_CONDITION_COUNT:
                break;
        }
        return OK;
}

static enum err match_rule(struct ctx *ctx, const struct submitted *what,
                           const struct approval_rule *rule, const char **ret_reason)
{
        bool exempt;
        enum err rc;

        if (rule->applies_to_provider &&
            strcmp(rule->applies_to_provider, what->job->provider) != 0)
                return OK;
        if (rule->applies_to_level && !has_level(what, rule->applies_to_level))
                return OK;
        rc = is_exempt(ctx, what, rule, &exempt);
        return rc == OK && !exempt ? match_condition(ctx, what, rule, ret_reason) : rc;
}

enum err approval_rule_match(struct ctx *ctx, const struct job *job, struct approval_rule *ret_rule,
                             const char **ret_reason)
{
        const bool bypasses =
                ctx->actor.kind == ACTOR_USER && auth_may(ctx, PERM_JOB_BYPASS_APPROVAL);
        struct submitted what = { .job = job,
                                  .is_administrator = auth_rights(ctx) == PERMISSION_SET_ALL };
        struct approval_rule *rules = NULL;
        size_t count = 0;
        enum err rc = OK;

        *ret_reason = NULL;
        if (!bypasses)
                rc = store_approval_rules(ctx, true, APPROVAL_RULES_MAX, &rules, &count);
        if (rc == OK && count > 0)
                rc = store_user_levels(ctx, ctx->actor.user_id, &what.levels);
        for (size_t i = 0; rc == OK && !*ret_reason && i < count; i++) {
                rc = match_rule(ctx, &what, &rules[i], ret_reason);
                if (*ret_reason)
                        *ret_rule = rules[i];
        }
        return rc;
}
