#include "core/cloud/auth/resource_rule.h"

#include <string.h>

#include "core/cloud/auth/auth.h"

static const char *const types[] = { "config", "hardware", "provider", "output_path" };

/* Where a [set] ends, NULL: it does not. A "]" that comes first is of the set. */
static const char *set_end(const char *set)
{
        set += *set == '!';
        return *set ? strchr(set + 1, ']') : NULL;
}

static bool set_has(const char *set, const char *end, char c)
{
        const bool negated = *set == '!';
        bool found = false;

        for (set += negated; set < end; set++) {
                if (set + 2 < end && set[1] == '-') {
                        found |= c >= set[0] && c <= set[2];
                        set += 2;
                } else {
                        found |= c == *set;
                }
        }
        return found != negated;
}

/* Does the piece of the pattern at hand match c? *ret_next: the piece behind it. */
static bool one_matches(const char *pattern, char c, const char **ret_next)
{
        const char *end = *pattern == '[' ? set_end(pattern + 1) : NULL;

        *ret_next = end ? end + 1 : pattern + 1;
        if (end)
                return set_has(pattern + 1, end, c);
        return *pattern == '?' || *pattern == c;
}

/* After a mismatch only the last "*" takes one more: the time is at most the product of the
 * lengths. */
bool resource_pattern_matches(const char *pattern, const char *text)
{
        const char *star = NULL, *from = NULL, *next;

        while (*text) {
                if (*pattern == '*') {
                        star = ++pattern;
                        from = text;
                } else if (*pattern && one_matches(pattern, *text, &next)) {
                        pattern = next;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++from;
                } else {
                        return false;
                }
        }
        return pattern[strspn(pattern, "*")] == '\0';
}

/* Only submissions are asked. */
static bool is_of(const struct resource_rule *rule, const char *type)
{
        return strcmp(rule->resource_type, type) == 0 &&
               (!*rule->applies_to ||
                permission_set_has(permission_set_parse(rule->applies_to), PERM_JOB_SUBMIT));
}

static bool is_allow(const struct resource_rule *rule)
{
        return strcmp(rule->action, "allow") == 0;
}

bool resource_rules_allow(const struct resource_rule *rules, const char *type, const char *name)
{
        bool any = false;

        for (; rules; rules = rules->next) {
                if (!is_of(rules, type))
                        continue;
                any = true;
                if (is_allow(rules) && resource_pattern_matches(rules->pattern, name))
                        return true;
        }
        return !any; /* a deny that matches, and none at all that does, come to the same */
}

static bool has_any(const struct resource_rule *rules, const char *type)
{
        for (; rules; rules = rules->next) {
                if (is_of(rules, type))
                        return true;
        }
        return false;
}

static bool has_allow(const struct resource_rule *rules, const char *type, const char *pattern)
{
        for (; rules; rules = rules->next) {
                if (is_of(rules, type) && is_allow(rules) && strcmp(rules->pattern, pattern) == 0)
                        return true;
        }
        return false;
}

static bool type_within(const struct resource_rule *rules, const struct resource_rule *others,
                        const char *type)
{
        if (!has_any(others, type))
                return true;
        if (!has_any(rules, type))
                return false;
        for (; rules; rules = rules->next) {
                if (is_of(rules, type) && is_allow(rules) &&
                    !has_allow(others, type, rules->pattern))
                        return false;
        }
        return true;
}

bool resource_rules_within(const struct resource_rule *rules, const struct resource_rule *others)
{
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                if (!type_within(rules, others, types[i]))
                        return false;
        }
        return true;
}

enum err resource_rules_check(struct ctx *ctx, const struct resource_use *use)
{
        const struct resource_rule_filter mine = { .user_id = ctx->actor.user_id };
        const char *const names[] = { use->config, use->hardware, use->provider, use->output_path };
        const struct resource_rule *rules;
        enum err rc;

        if (auth_rights(ctx) == PERMISSION_SET_ALL || !mine.user_id)
                return OK;
        rc = store_resource_rules_list(ctx, mine, &rules);
        if (rc != OK)
                return rc;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                if (names[i] && !resource_rules_allow(rules, types[i], names[i]))
                        return ctx_fail(ctx, ERR_DENIED,
                                        "Permission denied: your resource rules do not allow the "
                                        "%s '%.200s'",
                                        types[i], names[i]);
        }
        return OK;
}
