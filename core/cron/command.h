/* The companion's commands: one file each, cmd_<name>.c. */
#ifndef CORE_CRON_COMMAND_H
#define CORE_CRON_COMMAND_H

#include <stdbool.h>

#include "core/base/ctx.h"
#include "core/base/jsonw.h"

struct command_options {
        bool json; /* write for a script, not for a person */
};

/* Do it and write the result to standard output. */
typedef enum err command_fn(struct ctx *ctx, const struct command_options *options);

struct command {
        const char *name;
        command_fn *run;
        bool needs_schema; /* refuse to run before the database is migrated */
        const char *summary, *help;
};

/* A result as one JSON object, printed when it leaves its scope:
 * CLEANUP(command_json_end) struct command_json out = command_json_begin(); */
struct command_json {
        struct buf *text;
        struct jsonw json;
};
struct command_json command_json_begin(void);
void command_json_end(struct command_json *out);

command_fn cmd_migrate, cmd_info, cmd_poll;

#endif
