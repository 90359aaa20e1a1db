/* Rate limits as they stand: the rules in force, and who has used how much of them. */
#include <string.h>

#include "core/cloud/limits/limiter.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500

static void render_methods(struct jsonw *json, const char *methods)
{
        char word[16];

        if (!methods) {
                jsonw_null(json, "methods");
                return;
        }
        jsonw_array(json, "methods");
        for (const char *at = methods; *at; at += strspn(at, ", ")) {
                const size_t len = strcspn(at, ",");

                snprintf(word, sizeof(word), "%.*s", (int)len, at);
                jsonw_string(json, NULL, word);
                at += len;
        }
        jsonw_array_end(json);
}

static void render_rule(void *arg, const struct rate_rule_view *rule)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        jsonw_string(json, "name", rule->name);
        jsonw_string(json, "pattern", rule->pattern);
        render_methods(json, rule->methods);
        jsonw_int(json, "calls", rule->calls);
        jsonw_int(json, "period", rule->period_s);
        jsonw_bool(json, "built_in", rule->is_built_in);
        jsonw_object_end(json);
}

/* What the query asks for. */
struct asked {
        const char *rule, *client; /* NULL: all */
        int64_t limit;
        bool is_rule; /* there is a rule of that name */
};

static void look_for_rule(void *arg, const struct rate_rule_view *rule)
{
        struct asked *asked = arg;

        asked->is_rule |= strcmp(rule->name, asked->rule) == 0;
}

static enum err check_rule(struct ctx *ctx, struct asked *asked)
{
        static const char *const others[] = { RATE_RULE_JOB, RATE_RULE_USER, RATE_RULE_PROVIDER };

        if (!asked->rule)
                return OK;
        rate_rules_each(ctx, look_for_rule, asked);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                asked->is_rule |= strcmp(others[i], asked->rule) == 0;
        return asked->is_rule ? OK
                              : ctx_fail(ctx, ERR_INVALID, "rule must be the name of a rule: %s",
                                         asked->rule);
}

/* An address means whoever is counted with it. */
static enum err read_client(struct ctx *ctx, struct asked *asked)
{
        char source[IPADDR_SOURCE_SIZE];
        struct ipaddr addr;

        if (!asked->client || !ipaddr_parse(asked->client, strlen(asked->client), &addr))
                return OK;
        ipaddr_source(&addr, source);
        return ctx_strdup(ctx, source, &asked->client);
}

static enum err read_query(struct ctx *ctx, const struct request *request, struct asked *ret)
{
        enum err rc;

        *ret = (struct asked){ .limit = LIST_DEFAULT };
        rc = request_query(ctx, request, "rule", &ret->rule);
        if (rc == OK)
                rc = request_query(ctx, request, "client", &ret->client);
        if (rc == OK)
                rc = request_query_int(ctx, request, "limit", &ret->limit);
        if (rc == OK)
                rc = check_rule(ctx, ret);
        return rc == OK ? read_client(ctx, ret) : rc;
}

/* How one client stands with each rule. */
struct usage_rendering {
        struct ctx *ctx;
        struct jsonw *json;
        const struct asked *asked;
};

static void render_usage(void *arg, const struct rate_rule_view *rule)
{
        const struct usage_rendering *rendering = arg;
        const struct limit limit = { rule->name, rule->calls, rule->period_s };
        struct jsonw *json = rendering->json;
        struct limit_usage usage;

        if (rule->calls == 0 ||
            (rendering->asked->rule && strcmp(rendering->asked->rule, rule->name) != 0))
                return;
        limiter_get_usage(rendering->ctx, &limit, rendering->asked->client, &usage);
        jsonw_object(json, NULL);
        jsonw_string(json, "rule", rule->name);
        jsonw_int(json, "count", usage.count);
        jsonw_int(json, "limit", rule->calls);
        jsonw_int(json, "remaining", usage.count < rule->calls ? rule->calls - usage.count : 0);
        jsonw_number(json, "reset_in_seconds", (double)usage.reset_in_us / (double)US_PER_S, 3);
        jsonw_object_end(json);
}

static void render_standings(struct jsonw *json, const struct limit_standings *standings)
{
        jsonw_array(json, "standings");
        for (size_t i = 0; i < standings->count; i++) {
                const struct limit_standing *standing = &standings->rows[i];

                jsonw_object(json, NULL);
                jsonw_string(json, "rule", standing->rule);
                jsonw_string(json, "client", standing->who);
                jsonw_int(json, "count", standing->count);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
}

static const struct query usage_query[] = {
        QUERY(TEXT, "rule"),
        QUERY(TEXT, "client"),
        QUERY(NUMBER, "limit", .min = 1, .max = LIST_MAX),
        { 0 },
};

static enum err rate_limits_usage_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct limit_standings standings = { 0 };
        struct usage_rendering rendering;
        struct asked asked;
        struct jsonw json;
        bool is_away;
        enum err rc = read_query(ctx, request, &asked);

        if (rc != OK)
                return rc;
        is_away = limiter_ping(ctx) != OK ||
                  limiter_list(ctx, asked.rule, (size_t)asked.limit, &standings) != OK;
        json = reply_json(reply);
        jsonw_string(&json, "backend", limiter_backend_name(ctx));
        jsonw_string(&json, "state", is_away ? "degraded" : "healthy");
        jsonw_int(&json, "tracked_clients", standings.tracked);
        jsonw_array(&json, "rules");
        rate_rules_each(ctx, render_rule, &json);
        jsonw_array_end(&json);
        if (asked.client) {
                rendering = (struct usage_rendering){ ctx, &json, &asked };
                jsonw_string(&json, "client", asked.client);
                jsonw_array(&json, "usage");
                rate_rules_each(ctx, render_usage, &rendering);
                jsonw_array_end(&json);
        } else {
                render_standings(&json, &standings);
        }
        return reply_json_end(ctx, reply, &json);
}

const struct operation rate_limits_usage = {
        OPERATION(rate_limits_usage),
        .summary = "How the rate limits stand",
        .query = usage_query,
};
