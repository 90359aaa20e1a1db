/* What members of a level may name in a submission: configurations, hardware, providers, where the
 * results go. A matching allow wins; else a matching deny; rules of the type exist but none
 * matches: denied; no rules: allowed. Who may everything is not asked. */
#ifndef CORE_CLOUD_AUTH_RESOURCE_RULE_H
#define CORE_CLOUD_AUTH_RESOURCE_RULE_H

#include "core/cloud/auth/permission.h"
#include "core/store/store_resource_rules.h"

/* What a submission names. NULL: nothing of the kind, and nothing to ask; "" is what has no name,
 * which only patterns like "*" match. */
struct resource_use {
        const char *config, *hardware, *provider, *output_path;
};

/* May the one who acts submit with these? ERR_DENIED names the kind and the name. Faults. */
NODISCARD enum err resource_rules_check(struct ctx *ctx, const struct resource_use *use);

/* The same by these rules. type: "config". name: not NULL. */
bool resource_rules_allow(const struct resource_rule *rules, const char *type, const char *name);

/* Does whatever these rules allow, pass the others as well? */
bool resource_rules_within(const struct resource_rule *rules, const struct resource_rule *others);

/* Does text match a pattern of * (any characters, slashes too), ? and [a-z] or [!a-z]? */
bool resource_pattern_matches(const char *pattern, const char *text);

#endif
