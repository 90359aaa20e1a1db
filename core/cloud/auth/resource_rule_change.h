/* Making and changing resource rules, and saying which levels they bind. */
#ifndef CORE_CLOUD_AUTH_RESOURCE_RULE_CHANGE_H
#define CORE_CLOUD_AUTH_RESOURCE_RULE_CHANGE_H

#include "core/base/json.h"
#include "core/store/store_resource_rules.h"

#define RESOURCE_NAME_MAX     100
#define RESOURCE_PATTERN_MAX  500
#define RESOURCE_PRIORITY_MAX 1000
#define RESOURCE_RULES_MAX    200 /* of a level */

/* What is NULL stays as it is; of a new rule the first four must be given. */
struct resource_rule_given {
        const char *name, *resource_type, *pattern, *action;
        const int64_t *priority;              /* -1000 to 1000 */
        const json_t *applies_to_permissions; /* an array of names; empty: all */
        const char *description;
};

/* All for level_id 0, or those that bind a level, the highest first. ERR_NOT_FOUND: there is no
 * such level. */
NODISCARD enum err resource_rule_list(struct ctx *ctx, int64_t level_id,
                                      const struct resource_rule **ret);
/* ERR_NOT_FOUND. */
NODISCARD enum err resource_rule_get(struct ctx *ctx, int64_t rule_id, struct resource_rule *ret);

/* Each in a transaction of its own, with its audit row. ERR_DENIED: the one who acts is bound by
 * rules, or a level that it binds gives what he has not got. ERR_INVALID names the field.
 * ERR_NOT_FOUND. */
NODISCARD enum err resource_rule_create(struct ctx *ctx, const struct resource_rule_given *given,
                                        struct resource_rule *ret);
NODISCARD enum err resource_rule_update(struct ctx *ctx, int64_t rule_id,
                                        const struct resource_rule_given *given,
                                        struct resource_rule *ret);
NODISCARD enum err resource_rule_delete(struct ctx *ctx, int64_t rule_id);

/* Just these bind the level from now on. rule_ids: an array of numbers. ERR_NOT_FOUND also: there
 * is no such rule. */
NODISCARD enum err level_rules_set(struct ctx *ctx, int64_t level_id, const json_t *rule_ids);

#endif
