#include <string.h>
#include <time.h>

#include "core/cloud/approval/approval_pattern.h"
#include "tests/fixture_db.h"

static void assert_glob(const char *pattern, const char *text, bool matches)
{
        if (approval_glob_matches(pattern, text) != matches)
                fail_msg("%s %s %s", pattern, matches ? "does not match" : "matches", text);
}

static void a_glob_matches_all_of_a_text(void **state)
{
        (void)state;
        assert_glob("", "", true);
        assert_glob("", "a", false);
        assert_glob("*", "", true);
        assert_glob("a*c", "abbc", true);
        assert_glob("a*c", "abbcd", false);
        assert_glob("*a*b", "aaab", true);
        assert_glob("p?rt", "port", true);
        assert_glob("p?rt", "prt", false);
        assert_glob("x[0-9a]y", "x5y", true);
        assert_glob("x[!0-9]y", "x5y", false);
        assert_glob("x[]-]y", "x-y", true);
        assert_glob("x[y", "x[y", true);
        assert_glob("\\*", "*", true);
        assert_glob("\\*", "a", false);
        assert_glob("a\\", "a\\", true);
        assert_glob("B200*", "b200", false);
}

static void what_begins_or_ends_like_one_is_a_regular_expression(void **state)
{
        (void)state;
        assert_true(approval_pattern_is_regex("^a"));
        assert_true(approval_pattern_is_regex("a$"));
        assert_false(approval_pattern_is_regex("a*"));
        assert_false(approval_pattern_is_regex(""));
        assert_true(approval_pattern_matches("^(port|land)(rait|scape)$", "landscape"));
        assert_false(approval_pattern_matches("^land$", "landscape"));
        assert_true(approval_pattern_matches("scape$", "landscape"));
        assert_false(approval_pattern_matches("scape", "landscape"));
}

static void a_broken_pattern_lets_nobody_pass(void **state)
{
        (void)state;
        assert_true(approval_pattern_matches("^(", "anything"));
}

static const char *repeated(struct ctx *ctx, const char *part, unsigned count)
{
        const char *text = "";

        for (unsigned i = 0; i < count; i++)
                text = arena_printf(ctx->arena, "%s%s", text, part);
        return text;
}

/* "^((a+)+)+b$" */
static const char *nested(struct ctx *ctx, const char *quantifier, unsigned depth)
{
        return arena_printf(ctx->arena, "^%sa%sb$", repeated(ctx, "(", depth),
                            repeated(ctx, arena_printf(ctx->arena, "%s)", quantifier), depth));
}

static void what_could_take_long_is_refused(void **state)
{
        struct ctx *ctx = *state;
        const char *const bad[] = {
                "",
                "^(a",
                "^[a$",
                "^(a)\\1$",
                "^a{101}$",
                "^a{1,101}$",
                "^((a{10}){10}){10}$",
                "^(.{0,10}){0,100}$",
                "^(a{50}b{50}){3}$",
                nested(ctx, "+", 8),
                nested(ctx, "*", 21),
                nested(ctx, "{2,}", 6),
                repeated(ctx, "a", APPROVAL_PATTERN_MAX + 1),
                arena_printf(ctx->arena, "^%s$", repeated(ctx, "a{9}", 40)),
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_rc(ctx, ERR_INVALID, approval_pattern_check(ctx, "threshold", bad[i]));
                assert_non_null(strstr(ctx->detail, "threshold"));
        }
}

static double seconds_of(const char *pattern, const char *text)
{
        struct timespec before, after;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        (void)approval_pattern_matches(pattern, text);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        return (double)(after.tv_sec - before.tv_sec) +
               (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* The classics of those who want a matcher to hang, and the largest that pass the check. */
static void whatever_is_taken_is_matched_at_once(void **state)
{
        struct ctx *ctx = *state;
        const char *const hostile[] = {
                "(a+)+$",
                "(a|aa)+$",
                "(a|a?)+$",
                "(.*)*x$",
                "^(.*)*x",
                "^(a|b|ab)*(a|b|ab)*(a|b|ab)*(a|b|ab)*c$",
                "^(a*a*a*a*a*a*a*a*a*a*)*b$",
                "(.*a.*b.*c.*d.*e.*f.*g.*h.*i.*j.*)*k$",
                "^a{100}a{100}$",
                "^((a?){10}){9}b$",
                "^(()|a)*(()|a)*(()|a)*(()|a)*(()|a)*b$",
                nested(ctx, "*", 20),
                nested(ctx, "+", 5),
                repeated(ctx, "a*", 100),
                arena_printf(ctx->arena, "^%s", repeated(ctx, "a?", 99)),
        };
        const char *texts[] = { repeated(ctx, "a", 300), repeated(ctx, "abcdefghij", 30) };
        unsigned taken = 0;

        for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
                if (approval_pattern_check(ctx, "threshold", hostile[i]) != OK)
                        continue;
                taken++;
                for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
                        if (seconds_of(hostile[i], texts[j]) > 0.5)
                                fail_msg("%s takes too long", hostile[i]);
                }
        }
        assert_true(taken >= 10);
}

static void only_the_beginning_of_a_long_text_is_looked_at(void **state)
{
        struct ctx *ctx = *state;
        const char *text = arena_printf(ctx->arena, "%sb", repeated(ctx, "a", APPROVAL_TEXT_MAX));

        assert_true(approval_pattern_matches("^a*$", text));
        assert_glob("a*b", text, false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_glob_matches_all_of_a_text),
                FIXTURE_TEST(what_begins_or_ends_like_one_is_a_regular_expression),
                FIXTURE_TEST(a_broken_pattern_lets_nobody_pass),
                FIXTURE_TEST(what_could_take_long_is_refused),
                FIXTURE_TEST(whatever_is_taken_is_matched_at_once),
                FIXTURE_TEST(only_the_beginning_of_a_long_text_is_looked_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
