/* The companion's command line, read against the command table. */
#ifndef CORE_CRON_ARGUMENTS_H
#define CORE_CRON_ARGUMENTS_H

#include <stdio.h>

#include "core/cron/command.h"

#define ARGUMENTS_PROBLEM_SIZE 256

struct arguments {
        const struct command *command; /* NULL: none was named */
        struct command_options options;
        bool help, version; /* asked for; then nothing else need be right */
        bool test_config;   /* the settings are to be read, and nothing is to be done */
        char problem[ARGUMENTS_PROBLEM_SIZE];
};

/* Read what follows the program's name, up to NULL. False: ret->problem says what is wrong, in a
 * sentence without end mark. Texts are borrowed from argv. */
NODISCARD bool arguments_parse(char *const *argv, struct arguments *ret);

/* "90s", "5m", "1h", "2d" in microseconds. False: not of this form, or longer than max_s. */
NODISCARD bool arguments_duration(const char *text, int64_t max_s, int64_t *ret_us);

/* What --help says: all commands, or all about one. */
void arguments_print_help(FILE *out, const struct command *command);

#endif
