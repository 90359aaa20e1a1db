#include <string.h>

#include "core/cron/arguments.h"
#include "tests/fixture.h"

/* Read a command line; words are separated by single blanks. */
static bool parse(struct ctx *ctx, const char *line, struct arguments *ret)
{
        char **argv = arena_alloc(ctx->arena, 16 * sizeof(char *));
        char *words = arena_strdup(ctx->arena, line);
        size_t count = 0;

        assert_non_null(argv);
        assert_non_null(words);
        for (char *rest = words, *word; count < 15 && (word = strsep(&rest, " "));) {
                if (*word)
                        argv[count++] = word;
        }
        return arguments_parse(argv, ret);
}

static struct arguments good(struct ctx *ctx, const char *line)
{
        struct arguments arguments;

        if (!parse(ctx, line, &arguments))
                fail_msg("%s: %s", line, arguments.problem);
        return arguments;
}

static void assert_refused(struct ctx *ctx, const char *line, const char *mention)
{
        struct arguments arguments;

        if (parse(ctx, line, &arguments))
                fail_msg("%s is accepted", line);
        if (!strstr(arguments.problem, mention))
                fail_msg("%s: %s", line, arguments.problem);
}

static void every_command_is_reached_by_its_name(void **state)
{
        struct ctx *ctx = *state;

        for (size_t n = 0; command_at(n); n++) {
                const struct command *command = command_at(n);
                const char *line = arena_printf(ctx->arena, "%s%s", command->name,
                                                command->operand ? " something" : "");

                assert_ptr_equal(good(ctx, line).command, command);
                assert_true(*command->summary && *command->help && command->run);
        }
}

static void a_flag_is_its_name_alone(void **state)
{
        struct ctx *ctx = *state;

        assert_false(good(ctx, "storage gc").options.dry_run);
        assert_true(good(ctx, "storage gc --dry-run --json").options.dry_run);
        assert_true(good(ctx, "storage fsck --repair --hashes").options.repair);
        assert_refused(ctx, "storage gc --dry-run=yes", "--dry-run takes no value");
        assert_refused(ctx, "storage gc --dry-run yes", "one word too many");
        assert_refused(ctx, "storage gc --hashes", "unknown option");
}

static void options_stand_anywhere_and_in_both_forms(void **state)
{
        static const char *const lines[] = {
                "jobs list --status running --limit 7 --json",
                "--json jobs list --limit=7 --status=running",
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct arguments arguments = good(ctx, lines[i]);

                assert_string_equal(arguments.command->name, "jobs list");
                assert_true(arguments.options.json);
                assert_string_equal(arguments.options.status, "running");
                assert_int_equal(arguments.options.limit, 7);
                assert_null(arguments.options.provider);
        }
}

static void an_operand_is_taken_where_there_is_one(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(good(ctx, "jobs show abc").options.operand, "abc");
        assert_refused(ctx, "jobs show", "needs an ID");
        assert_refused(ctx, "jobs show a b", "'b'");
        assert_refused(ctx, "info extra", "'extra'");
}

static void durations_have_a_number_and_a_unit(void **state)
{
        struct ctx *ctx = *state;
        struct arguments arguments = good(ctx, "poll --every 30s --for=2m");
        int64_t us = -1;

        assert_true(arguments.options.every_us == 30 * US_PER_S);
        assert_true(arguments.options.for_us == 120 * US_PER_S);
        assert_true(arguments_duration("1h", 86400, &us) && us == US_PER_HOUR);
        assert_true(arguments_duration("1d", 86400, &us) && us == US_PER_DAY);
        us = -1;
        assert_false(arguments_duration("2d", 86400, &us));
        assert_false(arguments_duration("9223372036854775807d", INT64_MAX / 86400, &us));
        assert_true(us == -1);
}

static void bad_values_are_refused_by_name(void **state)
{
        static const char *const durations[] = { "0s",   "-1s", "30",    "s",
                                                 "1.5m", "5w",  "5m30s", "99999999999999999999s",
                                                 "25h" };
        static const char *const counts[] = { "0", "-1", "1001", "x", "5x", "1e2" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(durations); i++)
                assert_refused(ctx, arena_printf(ctx->arena, "poll --every %s", durations[i]),
                               "--every must be a duration");
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
                assert_refused(ctx, arena_printf(ctx->arena, "jobs list --limit %s", counts[i]),
                               "--limit must be a number from 1 to 1000");
        assert_refused(ctx, "jobs list --status sleeping", "--status: unknown STATUS 'sleeping'");
        assert_refused(ctx, "cron --task fly", "--task: unknown NAME 'fly'");
        assert_refused(ctx, "poll --every", "--every needs a DURATION");
}

static void what_is_not_there_is_refused(void **state)
{
        struct ctx *ctx = *state;

        assert_refused(ctx, "", "which command");
        assert_refused(ctx, "fly", "unknown command 'fly'");
        assert_refused(ctx, "jobs", "unknown command 'jobs'");
        assert_refused(ctx, "jobs fly", "unknown command 'jobs fly'");
        assert_refused(ctx, "list", "unknown command 'list'");
        assert_refused(ctx, "--colour", "unknown option '--colour'");
        assert_refused(ctx, "info --every 30s", "unknown option '--every'");
        assert_refused(ctx, "poll --ever 30s", "unknown option '--ever'");
        assert_refused(ctx, "--every 30s poll", "unknown option '--every'");
}

static void help_and_version_need_nothing_else_to_be_right(void **state)
{
        struct ctx *ctx = *state;

        assert_true(good(ctx, "--help").help);
        assert_true(good(ctx, "--version").version);
        assert_true(good(ctx, "fly --help").help);
        assert_true(good(ctx, "jobs show --help").help);
        assert_string_equal(good(ctx, "jobs show --help").command->name, "jobs show");
        assert_true(good(ctx, "poll --every x --help").help);
}

/* What --help prints. */
static const char *help_text(struct ctx *ctx, const struct command *command)
{
        FILE *out = fopen(fixture_path(ctx, "help"), "we");

        assert_non_null(out);
        arguments_print_help(out, command);
        assert_int_equal(fclose(out), 0);
        return fixture_read(ctx, "help");
}

static void help_names_every_command_and_every_option(void **state)
{
        struct ctx *ctx = *state;
        const char *all = help_text(ctx, NULL);

        for (size_t n = 0; command_at(n); n++) {
                const struct command *command = command_at(n);
                const char *text = help_text(ctx, command);
                const struct command_option *option = command->options;

                assert_non_null(strstr(all, command->name));
                assert_non_null(strstr(text, command->name));
                for (; option && option->name; option++)
                        assert_non_null(strstr(text, option->name));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(every_command_is_reached_by_its_name),
                FIXTURE_TEST(a_flag_is_its_name_alone),
                FIXTURE_TEST(options_stand_anywhere_and_in_both_forms),
                FIXTURE_TEST(an_operand_is_taken_where_there_is_one),
                FIXTURE_TEST(durations_have_a_number_and_a_unit),
                FIXTURE_TEST(bad_values_are_refused_by_name),
                FIXTURE_TEST(what_is_not_there_is_refused),
                FIXTURE_TEST(help_and_version_need_nothing_else_to_be_right),
                FIXTURE_TEST(help_names_every_command_and_every_option),
        };

        return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
