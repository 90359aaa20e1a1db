/* Resource rules as rows, and which levels they bind. */
#ifndef CORE_STORE_STORE_RESOURCE_RULES_H
#define CORE_STORE_STORE_RESOURCE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct resource_rule {
        int64_t rule_id;
        const char *name;
        const char *resource_type; /* "config", "hardware", "provider", "output_path" */
        const char *pattern;       /* with * ? and [...] */
        const char *action;        /* "allow", "deny" */
        int64_t priority;          /* the order of lists */
        const char *applies_to;    /* names of permissions separated by spaces, "": all */
        const char *description;
        int64_t created_at_us;
        const struct resource_rule *next; /* of a list, NULL: the last */
};

/* Whose: of a level or a user (through his levels, each rule once), zeros: all. The highest first.
 * Everything is in the arena; NULL: none. */
struct resource_rule_filter {
        int64_t level_id, user_id;
};
NODISCARD enum err store_resource_rules_list(struct ctx *ctx, struct resource_rule_filter filter,
                                             const struct resource_rule **ret);

/* ERR_NOT_FOUND. Everything of *ret is in the arena. */
NODISCARD enum err store_resource_rule_get(struct ctx *ctx, int64_t rule_id,
                                           struct resource_rule *ret);

/* Inside a transaction, as all that follow. */
NODISCARD enum err store_resource_rule_insert(struct ctx *ctx, const struct resource_rule *row,
                                              int64_t *ret_rule_id);
/* Everything but its number. ERR_NOT_FOUND. */
NODISCARD enum err store_resource_rule_update(struct ctx *ctx, const struct resource_rule *row);
/* With its ties to levels. ERR_NOT_FOUND. */
NODISCARD enum err store_resource_rule_delete(struct ctx *ctx, int64_t rule_id);

NODISCARD enum err store_level_rules_clear(struct ctx *ctx, int64_t level_id);
NODISCARD enum err store_level_rule_add(struct ctx *ctx, int64_t level_id, int64_t rule_id);
/* Call row with the number of each level that a rule binds. */
typedef void level_id_fn(void *arg, int64_t level_id);
NODISCARD enum err store_rule_levels_each(struct ctx *ctx, int64_t rule_id, level_id_fn *row,
                                          void *arg);

#endif
