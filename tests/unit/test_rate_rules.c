#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/rate_rules.h"
#include "tests/fixture_db.h"

/* Read them from a file of this text; NULL: without one. */
static enum err read_rules(struct ctx *ctx, const char *text)
{
        fixture_config(ctx)->rate_calls = 100;
        fixture_config(ctx)->rate_period_s = 60;
        fixture_config(ctx)->rate_rules = text ? fixture_write(ctx, "rules.json", text) : "";
        return rate_rules_reload(ctx, ctx->config);
}

struct expected {
        enum rate rate;
        const char *method, *path;
        const char *rule; /* "": no limit */
        unsigned calls, period_s;
};

static void assert_matches(struct ctx *ctx, const struct expected *expected, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const struct rate_request request = { expected[i].rate, expected[i].method,
                                                      expected[i].path };
                struct rate_match match;

                rate_rules_match(ctx, &request, &match);
                assert_string_equal(match.limit.rule, expected[i].rule);
                assert_int_equal(match.limit.calls, expected[i].calls);
                assert_int_equal(match.limit.period_s, expected[i].period_s);
        }
}

static void the_table_of_the_guide_is_built_in(void **state)
{
        static const struct expected expected[] = {
                { RATE_LOGIN, "POST", "/api/auth/login", "login", 5, 60 },
                { RATE_REGISTER, "POST", "/api/auth/register", "register", 3, 60 },
                { RATE_API_KEYS, "POST", "/api/auth/api-keys", "api_keys", 10, 60 },
                { RATE_PASSWORD, "PUT", "/api/users/me/password", "password", 5, 300 },
                { RATE_SUBMIT, "POST", "/api/cloud/jobs", "submit", 20, 60 },
                { RATE_CANCEL, "POST", "/api/cloud/jobs/x/cancel", "cancel", 30, 60 },
                { RATE_WEBHOOK, "POST", "/api/webhooks/replicate", "webhook", 100, 60 },
                { RATE_STORAGE, "PUT", "/api/cloud/storage/b/k", "storage", 50, 60 },
                { RATE_QUOTAS, "GET", "/api/quotas/me", "quotas", 30, 60 },
                { RATE_DEFAULT, "GET", "/api/cloud/jobs", "default", 100, 60 },
                { RATE_EXEMPT, "GET", "/health", "", 0, 0 },
                { RATE_DEFAULT, "GET", "/static/app.js", "", 0, 0 },
                { RATE_DEFAULT, "GET", "/api/cloud/hints", "", 0, 0 },
                { RATE_DEFAULT, "GET", "/api/cloud/hintsight", "default", 100, 60 },
        };

        assert_ok(*state, read_rules(*state, NULL));
        assert_matches(*state, expected, ARRAY_SIZE(expected));
}

static void rules_of_the_file_come_first_and_exemptions_after_explicit_rules(void **state)
{
        static const char text[] =
                "{\"default\": {\"calls\": 7, \"period\": 3}, \"rules\": ["
                "{\"name\": \"reads\", \"pattern\": \"^/api/cloud/jobs\", \"calls\": 2,"
                " \"period\": 1, \"methods\": [\"GET\"]},"
                "{\"name\": \"jobs\", \"pattern\": \"^/api/cloud/jobs\", \"calls\": 4, "
                "\"period\": 2},"
                "{\"name\": \"free\", \"pattern\": \"/login$\", \"calls\": 0, \"period\": 60},"
                "{\"name\": \"me\", \"pattern\": \"^/api/users/me$\", \"calls\": 9, "
                "\"period\": 8}],"
                " \"exempt\": [\"/api/audit\", \"/api/orgs/*\", \"/api/auth/*\"]}";
        static const struct expected expected[] = {
                { RATE_DEFAULT, "GET", "/api/cloud/jobs/x", "reads", 2, 1 },
                { RATE_SUBMIT, "POST", "/api/cloud/jobs", "jobs", 4, 2 },
                { RATE_LOGIN, "POST", "/api/auth/login", "free", 0, 60 },
                { RATE_REGISTER, "POST", "/api/auth/register", "register", 3, 60 },
                { RATE_DEFAULT, "GET", "/api/auth/check", "", 0, 0 },
                { RATE_EXEMPT, "GET", "/api/users/me", "me", 9, 8 },
                { RATE_DEFAULT, "GET", "/api/audit", "", 0, 0 },
                { RATE_DEFAULT, "GET", "/api/audit/stats", "default", 7, 3 },
                { RATE_DEFAULT, "GET", "/api/orgs/3/teams", "", 0, 0 },
        };

        assert_ok(*state, read_rules(*state, text));
        assert_matches(*state, expected, ARRAY_SIZE(expected));
}

static void no_calls_at_all_turn_every_limit_off(void **state)
{
        static const struct expected expected[] = {
                { RATE_LOGIN, "POST", "/api/auth/login", "", 0, 0 },
                { RATE_DEFAULT, "GET", "/api/cloud/jobs", "", 0, 0 },
                { RATE_DEFAULT, "GET", "/custom", "", 0, 0 },
        };
        struct ctx *ctx = *state;

        assert_ok(ctx, read_rules(ctx, "{\"rules\": [{\"name\": \"x\", \"pattern\": \"custom\", "
                                       "\"calls\": 1, \"period\": 1}]}"));
        fixture_config(ctx)->rate_calls = 0;
        assert_ok(ctx, rate_rules_reload(ctx, ctx->config));
        assert_matches(ctx, expected, ARRAY_SIZE(expected));
}

#define RULE(name, pattern, more)                                                                  \
        "{\"rules\": [{\"name\": \"" name "\", \"pattern\": \"" pattern "\"" more "}]}"
#define USUAL ", \"calls\": 1, \"period\": 1"

/* A file that is wrong says where, and what is allowed; what was in force stays so. */
static void a_bad_file_names_item_and_field_and_changes_nothing(void **state)
{
        static const struct {
                const char *text, *where, *what;
        } cases[] = {
                { "{", "rules.json: the file", "not" },
                { "[]", "the file", "object" },
                { "{}", "rules", "required" },
                { "{\"rules\": 1}", "rules must be an array", "64" },
                { "{\"rules\": [], \"rule\": []}", "rule", "default, rules, exempt" },
                { "{\"rules\": [7]}", "rules[0]: must be an object", "" },
                { RULE("x", "^/a", ""), "rules[0]: calls", "required" },
                { RULE("x", "^/a", ", \"calls\": -1, \"period\": 1"), "rules[0]: calls", "10000" },
                { RULE("x", "^/a", ", \"calls\": 10001, \"period\": 1"), "rules[0]: calls",
                  "10000" },
                { RULE("x", "^/a", ", \"calls\": 1, \"period\": 0"), "rules[0]: period",
                  "1 to 86400" },
                { RULE("x", "^/a", ", \"calls\": \"1\", \"period\": 1"), "rules[0]: calls",
                  "integer" },
                { RULE("Login Page", "^/a", USUAL), "rules[0]: name", "lower-case" },
                { RULE("login", "^/a", USUAL), "rules[0]: name", "built-in" },
                { RULE("default", "^/a", USUAL), "rules[0]: name", "built-in" },
                { RULE("storage_job", "^/a", USUAL), "rules[0]: name", "built-in" },
                { RULE("x", "(", USUAL), "rules[0]: pattern", "regular expression" },
                { RULE("x", "(a)\\\\1", USUAL), "rules[0]: pattern", "back-references" },
                { RULE("x", "((a{99}){99}){99}", USUAL), "rules[0]: pattern", "repeats too much" },
                { RULE("x", "^/a", USUAL ", \"methods\": [\"FETCH\"]"), "rules[0]: methods",
                  "GET, POST, PUT, PATCH, DELETE and OPTIONS" },
                { "{\"rules\": [{\"name\": \"x\", \"pattern\": \"a\"" USUAL "}, {\"name\": \"x\", "
                  "\"pattern\": \"b\"" USUAL "}]}",
                  "rules[1]: name x", "twice" },
                { "{\"rules\": [], \"exempt\": [\"/a\", \"b\"]}", "exempt[1]", "path" },
                { "{\"rules\": [], \"exempt\": [\"/a*b\"]}", "exempt[0]", "*" },
                { "{\"rules\": [], \"default\": {\"calls\": 5}}", "default: period", "required" },
        };
        static const struct expected kept[] = { { RATE_DEFAULT, "GET", "/kept", "kept", 3, 4 } };
        struct ctx *ctx = *state;

        assert_ok(ctx, read_rules(ctx, RULE("kept", "^/kept", ", \"calls\": 3, \"period\": 4")));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_rc(ctx, ERR_INVALID, read_rules(ctx, cases[i].text));
                if (!strstr(ctx->detail, "SIMPLETUNER_RATE_LIMIT_RULES /") ||
                    !strstr(ctx->detail, cases[i].where) || !strstr(ctx->detail, cases[i].what))
                        fail_msg("%s: %s", cases[i].text, ctx->detail);
                assert_matches(ctx, kept, 1);
        }
        fixture_config(ctx)->rate_rules = "/nowhere/rules.json";
        assert_rc(ctx, ERR_INVALID, rate_rules_reload(ctx, ctx->config));
        assert_non_null(strstr(ctx->detail, "/nowhere/rules.json"));
}

static void count_rules(void *arg, const struct rate_rule_view *view)
{
        unsigned *counted = arg;

        assert_non_null(view->name);
        assert_non_null(view->pattern);
        counted[view->is_built_in]++;
}

static void every_rule_in_force_is_shown(void **state)
{
        unsigned counted[2] = { 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, read_rules(ctx, RULE("mine", "^/mine", USUAL)));
        rate_rules_each(ctx, count_rules, counted);
        assert_int_equal(counted[false], 1);
        assert_int_equal(counted[true], 10);
}

static atomic_bool reading_ends;

static bool match_and_reload(struct ctx *ctx, unsigned index, void *arg)
{
        const struct rate_request request = { RATE_DEFAULT, "GET", "/mine" };
        struct rate_match match;

        (void)arg;
        if (index == 0) {
                for (int i = 0; i < 300; i++) {
                        if (rate_rules_reload(ctx, ctx->config) != OK)
                                return false;
                }
                atomic_store(&reading_ends, true);
        }
        while (!atomic_load(&reading_ends)) {
                rate_rules_match(ctx, &request, &match);
                if (strcmp(match.limit.rule, "mine") != 0)
                        return false;
        }
        return true;
}

static void rules_are_read_anew_under_those_who_use_them(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, read_rules(ctx, RULE("mine", "^/mine", USUAL)));
        fixture_threads(ctx, 4, match_and_reload, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_table_of_the_guide_is_built_in),
                FIXTURE_CLOUD_TEST(
                        rules_of_the_file_come_first_and_exemptions_after_explicit_rules),
                FIXTURE_CLOUD_TEST(no_calls_at_all_turn_every_limit_off),
                FIXTURE_CLOUD_TEST(a_bad_file_names_item_and_field_and_changes_nothing),
                FIXTURE_CLOUD_TEST(every_rule_in_force_is_shown),
                FIXTURE_CLOUD_TEST(rules_are_read_anew_under_those_who_use_them),
        };

        return FIXTURE_RUN("rate rules", tests);
}
