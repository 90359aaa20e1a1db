#include "core/cron/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"

static bool refuse(struct arguments *arguments, const char *fmt, ...) PRINTF(2, 3);
static bool refuse(struct arguments *arguments, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(arguments->problem, sizeof(arguments->problem), fmt, ap);
        va_end(ap);
        return false;
}

/* ---- values ---- */

/* Decimal digits and nothing else before *ret_end. */
static bool read_number(const char *text, int64_t max, int64_t *ret, const char **ret_end)
{
        char *end;
        long long value;

        if (*text < '0' || *text > '9')
                return false;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (errno != 0 || value < 1 || value > max)
                return false;
        *ret = value;
        *ret_end = end;
        return true;
}

bool arguments_duration(const char *text, int64_t max_s, int64_t *ret_us)
{
        static const struct {
                const char *unit;
                int64_t seconds;
        } units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
        const char *unit;
        int64_t count;

        if (!read_number(text, max_s, &count, &unit))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (strcmp(unit, units[i].unit) != 0)
                        continue;
                if (count > max_s / units[i].seconds)
                        return false;
                *ret_us = count * units[i].seconds * US_PER_S;
                return true;
        }
        return false;
}

static bool store_value(struct arguments *arguments, const struct command_option *option,
                        const char *text)
{
        void *member = (char *)&arguments->options + option->offset;
        const char *end;

        switch (option->kind) {
        case OPTION_WORD:
                *(const char **)member = text;
                return (!option->is_allowed || option->is_allowed(text)) ||
                       refuse(arguments, "%s: unknown %s '%s'", option->name, option->value, text);
        case OPTION_COUNT:
                return (read_number(text, option->max, member, &end) && *end == '\0') ||
                       refuse(arguments, "%s must be a number from 1 to %" PRId64, option->name,
                              option->max);
        case OPTION_DURATION:
                return arguments_duration(text, option->max, member) ||
                       refuse(arguments,
                              "%s must be a duration such as 30s, 5m or 1h, at most %" PRId64 "h",
                              option->name, option->max / 3600);
        case OPTION_FLAG:
                *(bool *)member = true;
                return true;
        }
        return false;
}

/* ---- words ---- */

/* The command that these one or two words name; second may be NULL. */
static const struct command *find_command(const char *first, const char *second)
{
        for (size_t n = 0; command_at(n); n++) {
                const char *name = command_at(n)->name;
                const size_t len = strcspn(name, " ");

                if (strlen(first) != len || strncmp(name, first, len) != 0)
                        continue;
                if (name[len] == '\0' || (second && strcmp(name + len + 1, second) == 0))
                        return command_at(n);
        }
        return NULL;
}

/* A word that is no option: the command's name, or its operand. Returns how many it has used. */
static unsigned take_word(struct arguments *arguments, char *const *words)
{
        struct command_options *options = &arguments->options;

        if (!arguments->command) {
                arguments->command = find_command(words[0], words[1]);
                if (arguments->command)
                        return strchr(arguments->command->name, ' ') ? 2 : 1;
                (void)refuse(arguments, "unknown command '%s%s%s'", words[0],
                             words[1] && *words[1] != '-' ? " " : "",
                             words[1] && *words[1] != '-' ? words[1] : "");
                return 0;
        }
        if (arguments->command->operand && !options->operand) {
                options->operand = words[0];
                return 1;
        }
        (void)refuse(arguments, "'%s' is one word too many", words[0]);
        return 0;
}

/* ---- options ---- */

static const struct command_option *find_option(const struct command *command, const char *text)
{
        const size_t len = strcspn(text, "=");

        for (const struct command_option *option = command ? command->options : NULL;
             option && option->name; option++) {
                if (strlen(option->name) == len && strncmp(option->name, text, len) == 0)
                        return option;
        }
        return NULL;
}

/* Returns how many words it has used. */
static unsigned take_option(struct arguments *arguments, char *const *words)
{
        const struct command_option *option = find_option(arguments->command, words[0]);
        const char *equals = strchr(words[0], '=');

        if (strcmp(words[0], "--json") == 0) {
                arguments->options.json = true;
                return 1;
        }
        if (strcmp(words[0], "-t") == 0 || strcmp(words[0], "--test-config") == 0) {
                arguments->test_config = true;
                return 1;
        }
        if (!option) {
                (void)refuse(arguments, "unknown option '%s'", words[0]);
                return 0;
        }
        if (option->kind == OPTION_FLAG) {
                if (equals)
                        (void)refuse(arguments, "%s takes no value", option->name);
                return !equals && store_value(arguments, option, "") ? 1 : 0;
        }
        if (!equals && !words[1]) {
                (void)refuse(arguments, "%s needs a %s", option->name, option->value);
                return 0;
        }
        if (!store_value(arguments, option, equals ? equals + 1 : words[1]))
                return 0;
        return equals ? 1 : 2;
}

bool arguments_parse(char *const *argv, struct arguments *ret)
{
        *ret = (struct arguments){ 0 };
        for (char *const *word = argv; *word; word++) {
                ret->help = ret->help || strcmp(*word, "--help") == 0;
                ret->version = ret->version || strcmp(*word, "--version") == 0;
        }
        for (char *const *word = argv; *word;) {
                unsigned used = 1;

                if (strcmp(*word, "--help") != 0 && strcmp(*word, "--version") != 0)
                        used = **word == '-' ? take_option(ret, word) : take_word(ret, word);
                if (used == 0)
                        return ret->help || ret->version;
                word += used;
        }
        if (ret->help || ret->version)
                return true;
        if (ret->test_config)
                return !ret->command || refuse(ret, "--test-config goes without a command");
        if (!ret->command)
                return refuse(ret, "which command?");
        if (ret->command->operand && *ret->command->operand != '[' && !ret->options.operand)
                return refuse(ret, "%s needs an %s", ret->command->name, ret->command->operand);
        return true;
}

/* ---- help ---- */

static void print_command_help(FILE *out, const struct command *command)
{
        const struct command_option *option;

        fprintf(out, "Usage: simpletuner-cloud %s", command->name);
        if (command->operand)
                fprintf(out, " %s", command->operand);
        for (option = command->options; option && option->name; option++)
                fprintf(out, " [%s%s%s]", option->name, *option->value ? " " : "", option->value);
        fprintf(out, " [--json]\n%s\n", command->help);
        if (command->options)
                fputs("\n", out);
        for (option = command->options; option && option->name; option++)
                fprintf(out, "  %s %-*s  %s\n", option->name, 20 - (int)strlen(option->name),
                        option->value, option->help);
}

void arguments_print_help(FILE *out, const struct command *command)
{
        if (command) {
                print_command_help(out, command);
                return;
        }
        fputs("Usage: simpletuner-cloud COMMAND [OPTION]...\n"
              "The companion of the SimpleTuner Cloud service, for cron and for operators.\n"
              "\n",
              out);
        for (size_t n = 0; command_at(n); n++)
                fprintf(out, "  %-20s %s\n", command_at(n)->name, command_at(n)->summary);
        fputs("\n"
              "      --json             write the result as JSON\n"
              "  -t, --test-config      say whether the settings are well, and do nothing\n"
              "      --help             this text and the settings; after COMMAND: about the "
              "command\n"
              "      --version          the version\n"
              "\n"
              "Settings come from the environment, then from the file $SIMPLETUNER_CONFIG, else\n"
              "/etc/simpletuner-cloud/cloud.env, else $SIMPLETUNER_HOME/cloud.env:\n",
              out);
        config_print_help(out);
}
