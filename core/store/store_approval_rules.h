/* Which jobs somebody has to approve: rules as rows. */
#ifndef CORE_STORE_STORE_APPROVAL_RULES_H
#define CORE_STORE_STORE_APPROVAL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

enum approval_condition {
        APPROVAL_COST_EXCEEDS,      /* threshold: USD */
        APPROVAL_HARDWARE_TYPE,     /* a glob */
        APPROVAL_PROVIDER,          /* its id */
        APPROVAL_USER_LEVEL,        /* the name of a level */
        APPROVAL_DAILY_JOBS_EXCEED, /* a number */
        APPROVAL_FIRST_JOB,         /* not looked at */
        APPROVAL_CONFIG_PATTERN,    /* a glob, or a regular expression */
        APPROVAL_CONDITION_COUNT
};
/* "cost_exceeds" */
const char *approval_condition_name(enum approval_condition condition);
bool approval_condition_parse(const char *name, enum approval_condition *ret);

struct approval_rule {
        int64_t rule_id;
        const char *name, *description;
        enum approval_condition condition;
        const char *threshold;
        bool is_active;
        int64_t priority;                /* the highest is looked at first */
        const char *applies_to_provider; /* NULL: all */
        const char *applies_to_level;    /* NULL: all; else users who have it */
        const char *exempt_levels;       /* names of levels, a JSON array as text */
        const char *required_approver_level;
        int64_t created_at_us;
        const char *created_by;
};

/* Write a new one with the number *ret_id. Inside a transaction. */
NODISCARD enum err store_approval_rule_insert(struct ctx *ctx, const struct approval_rule *rule,
                                              int64_t *ret_id);
/* ERR_NOT_FOUND each. The last two inside a transaction. */
NODISCARD enum err store_approval_rule_get(struct ctx *ctx, int64_t rule_id,
                                           struct approval_rule *ret);
NODISCARD enum err store_approval_rule_update(struct ctx *ctx, const struct approval_rule *rule);
NODISCARD enum err store_approval_rule_delete(struct ctx *ctx, int64_t rule_id);

/* All, or the active ones, in the order in which they are looked at; *ret_count, at most limit, in
 * the arena. */
NODISCARD enum err store_approval_rules(struct ctx *ctx, bool active_only, unsigned limit,
                                        struct approval_rule **ret, size_t *ret_count);

/* The levels of a user by name, in the arena, and the highest priority among them; none: -1. */
struct user_levels {
        const char **names;
        size_t count;
        int64_t priority;
};
NODISCARD enum err store_user_levels(struct ctx *ctx, int64_t user_id, struct user_levels *ret);
/* ERR_NOT_FOUND: there is no such level. */
NODISCARD enum err store_level_priority(struct ctx *ctx, const char *name, int64_t *ret);

#endif
