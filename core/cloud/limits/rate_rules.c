#include "core/cloud/limits/rate_rules.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/cloud.h"
#include "core/cloud/limits/rate_set.h"

/* clang-format off */
/* The guide's table, and the password rule of the original server. The route table says which
 * routes fall under which. */
static const struct { struct limit limit; const char *pattern, *methods; } built_in[RATE_COUNT] = {
        [RATE_LOGIN]    = { { "login", 5, 60 }, "^/api/auth/login$", "POST" },
        [RATE_REGISTER] = { { "register", 3, 60 },
                            "^/api/auth/(register|setup/first-admin)$", "POST" },
        [RATE_API_KEYS] = { { "api_keys", 10, 60 }, "^/api/auth/api-keys$", "POST" },
        [RATE_PASSWORD] = { { "password", 5, 300 },
                            "^/api/(users/me/password|auth/change-password)$", "POST, PUT" },
        [RATE_SUBMIT]   = { { "submit", 20, 60 }, "^/api/cloud/jobs(/submit|/.+/retry)?$",
                            "POST" },
        [RATE_CANCEL]   = { { "cancel", 30, 60 }, "^/api/cloud/jobs/.+/cancel$", "POST" },
        [RATE_WEBHOOK]  = { { "webhook", 100, 60 }, "^/api/webhooks/", NULL },
        [RATE_STORAGE]  = { { "storage", 50, 60 }, "^/api/cloud/storage(/|$)", NULL },
        [RATE_QUOTAS]   = { { "quotas", 30, 60 }, "^/api/quotas(/|$)", NULL },
};
static const char *const other_names[] = {
        "default", RATE_RULE_JOB, RATE_RULE_USER, RATE_RULE_PROVIDER
};
/* Of the guide; the other exempt paths are routes, and say so themselves. */
static const char *const exempt_paths[] = {
        "/static/*", "/api/cloud/hints", "/api/cloud/hints/*"
};
/* clang-format on */

struct rate_rules {
        pthread_mutex_t mutex; /* of the pointer, and of nothing that takes long */
        struct rate_set *now;
};

bool rate_rules_is_built_in(const char *name)
{
        for (size_t i = 0; i < RATE_COUNT; i++) {
                if (built_in[i].limit.rule && strcmp(built_in[i].limit.rule, name) == 0)
                        return true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
                if (strcmp(other_names[i], name) == 0)
                        return true;
        }
        return false;
}

enum err rate_rules_new(struct ctx *ctx, struct rate_rules **ret)
{
        CLEANUP(rate_rules_freep) struct rate_rules *rules = calloc(1, sizeof(*rules));
        enum err rc;

        if (!rules)
                return ctx_nomem(ctx);
        pthread_mutex_init(&rules->mutex, NULL);
        rc = rate_set_new(ctx, ctx->config, &rules->now);
        if (rc == OK)
                *ret = TAKE(rules);
        return rc;
}

void rate_rules_free(struct rate_rules *rules)
{
        if (!rules)
                return;
        rate_set_put(rules->now);
        pthread_mutex_destroy(&rules->mutex);
        free(rules);
}

static struct rate_set *set_get(struct rate_rules *rules)
{
        struct rate_set *set;

        pthread_mutex_lock(&rules->mutex);
        set = rules->now;
        atomic_fetch_add(&set->users, 1);
        pthread_mutex_unlock(&rules->mutex);
        return set;
}

enum err rate_rules_reload(struct ctx *ctx, const struct config *config)
{
        struct rate_rules *rules = ctx->cloud->rate_rules;
        CLEANUP(rate_set_putp) struct rate_set *other = NULL;
        struct rate_set *old;
        enum err rc = rate_set_new(ctx, config, &other);

        if (rc != OK)
                return rc;
        pthread_mutex_lock(&rules->mutex);
        old = rules->now;
        rules->now = TAKE(other);
        pthread_mutex_unlock(&rules->mutex);
        rate_set_put(old);
        return OK;
}

/* ---- matching ---- */

static bool has_method(const char *methods, const char *method)
{
        const size_t len = strlen(method);

        for (const char *at = methods; at && *at; at += strspn(at, ", ")) {
                const size_t word = strcspn(at, ",");

                if (word == len && memcmp(at, method, len) == 0)
                        return true;
                at += word;
        }
        return !methods;
}

static const struct rate_set_rule *find_custom(const struct rate_set *set,
                                               const struct rate_request *request)
{
        char path[RATE_PATH_MAX + 1];

        if (set->count == 0)
                return NULL;
        snprintf(path, sizeof(path), "%s", request->path);
        for (size_t i = 0; i < set->count; i++) {
                const struct rate_set_rule *rule = &set->rules[i];

                if (has_method(rule->methods, request->method) &&
                    regexec(&rule->regex, path, 0, NULL, 0) == 0)
                        return rule;
        }
        return NULL;
}

static bool path_is(const char *exempt, const char *path)
{
        const size_t len = strlen(exempt);

        if (exempt[len - 1] == '*')
                return strncmp(exempt, path, len - 1) == 0;
        return strcmp(exempt, path) == 0;
}

static bool is_exempt(const struct rate_set *set, const struct rate_request *request)
{
        if (request->rate == RATE_EXEMPT)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(exempt_paths); i++) {
                if (path_is(exempt_paths[i], request->path))
                        return true;
        }
        for (size_t i = 0; i < set->exempt_count; i++) {
                if (path_is(set->exempt[i], request->path))
                        return true;
        }
        return false;
}

static const struct limit *choose(const struct rate_set *set, const struct rate_request *request,
                                  bool *ret_custom)
{
        const struct rate_set_rule *rule = find_custom(set, request);

        *ret_custom = rule != NULL;
        if (rule)
                return &rule->limit;
        if (built_in[request->rate].limit.calls > 0)
                return &built_in[request->rate].limit;
        return is_exempt(set, request) ? NULL : &set->fallback;
}

void rate_rules_match(struct ctx *ctx, const struct rate_request *request, struct rate_match *ret)
{
        struct rate_rules *rules = ctx->cloud->rate_rules;
        CLEANUP(rate_set_putp) struct rate_set *set = NULL;
        const struct limit *limit;

        *ret = (struct rate_match){ .limit = { .rule = ret->rule } };
        if (!rules)
                return;
        set = set_get(rules);
        if (set->is_off)
                return;
        limit = choose(set, request, &ret->is_custom);
        if (!limit)
                return;
        snprintf(ret->rule, sizeof(ret->rule), "%s", limit->rule);
        ret->limit.calls = limit->calls;
        ret->limit.period_s = limit->period_s;
}

void rate_rules_each(struct ctx *ctx, rate_rule_fn *rule, void *arg)
{
        CLEANUP(rate_set_putp) struct rate_set *set = set_get(ctx->cloud->rate_rules);

        for (size_t i = 0; i < set->count; i++) {
                const struct rate_set_rule *custom = &set->rules[i];
                const struct rate_rule_view view = {
                        .name = custom->limit.rule,
                        .pattern = custom->pattern,
                        .methods = custom->methods,
                        .calls = set->is_off ? 0 : custom->limit.calls,
                        .period_s = custom->limit.period_s,
                };

                rule(arg, &view);
        }
        for (size_t i = 0; i < RATE_COUNT; i++) {
                const struct rate_rule_view view = {
                        .name = built_in[i].limit.rule,
                        .pattern = built_in[i].pattern,
                        .methods = built_in[i].methods,
                        .calls = set->is_off ? 0 : built_in[i].limit.calls,
                        .period_s = built_in[i].limit.period_s,
                        .is_built_in = true,
                };

                if (view.name)
                        rule(arg, &view);
        }
        rule(arg, &(struct rate_rule_view){ .name = set->fallback.rule,
                                            .pattern = ".*",
                                            .calls = set->is_off ? 0 : set->fallback.calls,
                                            .period_s = set->fallback.period_s,
                                            .is_built_in = true });
}
