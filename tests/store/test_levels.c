#include <string.h>

#include "core/cloud/auth/level.h"
#include "core/cloud/auth/resource_rule.h"
#include "core/cloud/auth/resource_rule_change.h"
#include "tests/fixture_db.h"

static void act_as_administrator(struct ctx *ctx)
{
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
}

/* ---- levels ---- */

static struct level made(struct ctx *ctx, const char *name, const char *permission)
{
        CLEANUP(json_decrefp) json_t *permissions = json_pack("[s]", permission);
        const struct level_given given = { .name = name, .permissions = permissions };
        struct level level = { 0 };

        act_as_administrator(ctx);
        assert_ok(ctx, level_create(ctx, &given, &level));
        return level;
}

static void a_pattern_gives_only_what_there_is_today(void **state)
{
        assert_string_equal(made(*state, "quotas", "quota.*").permissions,
                            "quota.view quota.manage");
}

static void all_is_kept_as_all(void **state)
{
        assert_string_equal(made(*state, "second-admin", "*").permissions, "*");
}

static void what_is_not_given_stays(void **state)
{
        const int64_t priority = 9;
        const struct level_given patch = { .priority = &priority };
        struct ctx *ctx = *state;
        struct level level = made(ctx, "one", "quota.view"), after;

        assert_ok(ctx, level_update(ctx, level.level_id, &patch, &after));
        assert_string_equal(after.name, "one");
        assert_string_equal(after.permissions, "quota.view");
        assert_int_equal(after.priority, 9);
}

static void the_last_administrator_keeps_the_level_that_makes_him_one(void **state)
{
        CLEANUP(json_decrefp) json_t *nothing = json_array();
        const struct level_given patch = { .permissions = nothing };
        struct ctx *ctx = *state;
        struct level level = made(ctx, "second-admin", "*"), after;

        fixture_sql(ctx, "INSERT INTO users (user_id, username, username_key, auth_provider, "
                         "created_at_us) VALUES (1, 'ann', 'ann', 'local', 1)");
        fixture_sql(ctx, "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                         "SELECT 1, level_id, 'test', 1 FROM levels WHERE name = 'second-admin'");
        assert_rc(ctx, ERR_CONFLICT, level_update(ctx, level.level_id, &patch, &after));
        assert_non_null(strstr(ctx->detail, "last admin"));
}

static void levels_of_the_system_stay(void **state)
{
        const struct level_given patch = { .description = "x" };
        struct ctx *ctx = *state;
        struct level level;

        act_as_administrator(ctx);
        for (int64_t level_id = 1; level_id <= 4; level_id++) {
                assert_rc(ctx, ERR_CONFLICT, level_update(ctx, level_id, &patch, &level));
                assert_rc(ctx, ERR_CONFLICT, level_delete(ctx, level_id));
        }
}

/* ---- patterns ---- */

static void patterns_match_as_in_a_shell(void **state)
{
        static const struct {
                const char *pattern, *text;
                bool matches;
        } cases[] = {
                { "", "", true },
                { "", "a", false },
                { "*", "", true },
                { "*", "a/b", true },
                { "a*", "abc", true },
                { "a*c", "abbbc", true },
                { "a*c", "abbbd", false },
                { "?", "", false },
                { "?", "x", true },
                { "a?c", "abc", true },
                { "[a-c]x", "bx", true },
                { "[a-c]x", "dx", false },
                { "[!a-c]", "d", true },
                { "[!a-c]", "a", false },
                { "[]]", "]", true },
                { "[", "[", true },
                { "[abc", "[abc", true },
                { "[a-]", "-", true },
                { "**a**", "bab", true },
                { "A", "a", false },
                { "a*b*c", "a-b-b-c", true },
                { "*.json", "x.jsn", false },
                { "*x", "xxx", true },
                { "a", "", false },
                { "%", "x", false },
                { "_", "x", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                if (resource_pattern_matches(cases[i].pattern, cases[i].text) != cases[i].matches)
                        fail_msg("%s against %s", cases[i].pattern, cases[i].text);
        }
}

static void no_pattern_takes_long(void **state)
{
        static char pattern[RESOURCE_PATTERN_MAX + 1], text[5001];

        (void)state;
        for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
                memcpy(pattern + i, "*a", 2);
        pattern[sizeof(pattern) - 2] = 'b';
        memset(text, 'a', sizeof(text) - 1);
        assert_false(resource_pattern_matches(pattern, text));
}

/* ---- rules ---- */

#define RULE(kind, does, what)                                                                     \
        {                                                                                          \
                .resource_type = (kind), .action = (does), .pattern = (what), .applies_to = ""     \
        }

static void any_allow_wins_and_else_nothing_passes(void **state)
{
        struct resource_rule allow = RULE("config", "allow", "team-*");
        struct resource_rule deny = RULE("config", "deny", "*");

        (void)state;
        deny.next = &allow;
        assert_true(resource_rules_allow(&deny, "config", "team-a"));
        assert_false(resource_rules_allow(&deny, "config", "other"));
        assert_true(resource_rules_allow(&deny, "hardware", "other"));
        assert_true(resource_rules_allow(NULL, "config", "other"));
        deny.next = NULL;
        deny.pattern = "secret";
        assert_false(resource_rules_allow(&deny, "config", "open"));
        deny.applies_to = "config.view";
        assert_true(resource_rules_allow(&deny, "config", "open"));
}

static void rules_are_within_others_that_allow_as_much(void **state)
{
        struct resource_rule team = RULE("config", "allow", "team-*");
        struct resource_rule wide = RULE("config", "allow", "*");
        struct resource_rule both = RULE("config", "allow", "team-*");
        struct resource_rule other = RULE("hardware", "allow", "*");

        (void)state;
        both.next = &wide;
        assert_true(resource_rules_within(&team, NULL));
        assert_true(resource_rules_within(&team, &team));
        assert_true(resource_rules_within(&team, &both));
        assert_false(resource_rules_within(NULL, &team));
        assert_false(resource_rules_within(&wide, &team));
        assert_false(resource_rules_within(&both, &team));
        assert_false(resource_rules_within(&other, &team));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_pattern_gives_only_what_there_is_today),
                FIXTURE_CLOUD_TEST(all_is_kept_as_all),
                FIXTURE_CLOUD_TEST(what_is_not_given_stays),
                FIXTURE_CLOUD_TEST(the_last_administrator_keeps_the_level_that_makes_him_one),
                FIXTURE_CLOUD_TEST(levels_of_the_system_stay),
                FIXTURE_DB_TEST(patterns_match_as_in_a_shell),
                FIXTURE_DB_TEST(no_pattern_takes_long),
                FIXTURE_DB_TEST(any_allow_wins_and_else_nothing_passes),
                FIXTURE_DB_TEST(rules_are_within_others_that_allow_as_much),
        };

        return FIXTURE_RUN("levels", tests);
}
