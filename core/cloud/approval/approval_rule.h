/* Rules that say which jobs somebody has to approve, as administrators set them; and what a rule
 * says of a submission. */
#ifndef CORE_CLOUD_APPROVAL_APPROVAL_RULE_H
#define CORE_CLOUD_APPROVAL_APPROVAL_RULE_H

#include "core/base/json.h"
#include "core/store/store_approval_rules.h"
#include "core/store/store_jobs.h"

#define APPROVAL_RULES_MAX      200
#define APPROVAL_APPROVER_LEVEL "lead" /* where a rule does not say */

/* What is given of a rule; NULL: not given, as it was. "" takes applies_to_* away. */
struct approval_rule_given {
        const char *name, *description, *condition, *threshold;
        const bool *is_active;
        const int64_t *priority;
        const json_t *exempt_levels; /* an array of names */
        const char *applies_to_provider, *applies_to_level, *required_approver_level;
};

/* ERR_INVALID: the first field that is missing or wrong. ERR_CONFLICT: there are
 * APPROVAL_RULES_MAX. */
NODISCARD enum err approval_rule_add(struct ctx *ctx, const struct approval_rule_given *given,
                                     struct approval_rule *ret);
/* Change what is given and leave the rest. ERR_NOT_FOUND. ERR_INVALID. */
NODISCARD enum err approval_rule_change(struct ctx *ctx, int64_t rule_id,
                                        const struct approval_rule_given *given,
                                        struct approval_rule *ret);
/* Its requests stay. ERR_NOT_FOUND. */
NODISCARD enum err approval_rule_remove(struct ctx *ctx, int64_t rule_id);
NODISCARD enum err approval_rule_get(struct ctx *ctx, int64_t rule_id, struct approval_rule *ret);
/* In the order in which they are looked at; in the arena. */
NODISCARD enum err approval_rule_list(struct ctx *ctx, struct approval_rule **ret,
                                      size_t *ret_count);

/* What a condition is, for people. */
const char *approval_condition_description(enum approval_condition condition);

/* The rule that a job of the one who acts meets first, and in words why; *ret_reason NULL: none.
 * Inside the transaction that writes the job, before that. Who has the permission
 * job.bypass.approval meets none. Faults. */
NODISCARD enum err approval_rule_match(struct ctx *ctx, const struct job *job,
                                       struct approval_rule *ret_rule, const char **ret_reason);

#endif
