/* simpletuner-cloud: the companion. Safe to start at any time, from cron or by hand. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/http_client.h"
#include "core/cron/command.h"

/* clang-format off */
static const struct command commands[] = {
        { "migrate", cmd_migrate, false, "bring the database to this program's schema",
          "Applies what is missing, in one transaction. An existing SQLite database is copied aside\n"
          "first; for PostgreSQL take a pg_dump yourself. Running it twice does no harm." },
        { "info",    cmd_info,    true,  "where everything is, and what is in it",
          "Shows version, home, database, schema version, jobs and the state of every part." },
        { "poll",    cmd_poll,    true,  "ask the providers about every active job",
          "Asks about the longest unasked first, finds interrupted submissions again, and removes\n"
          "what broken uploads left. Safe to start every minute, and twice at once." },
};
/* clang-format on */

/* sysexits.h, by result. */
static const int exit_codes[ERR_COUNT] = {
        [OK] = EX_OK,
        [ERR_NOT_FOUND] = EX_NOINPUT,
        [ERR_CONFLICT] = EX_DATAERR,
        [ERR_INVALID] = EX_CONFIG,
        [ERR_UNAUTHENTICATED] = EX_NOPERM,
        [ERR_DENIED] = EX_NOPERM,
        [ERR_LIMITED] = EX_TEMPFAIL,
        [ERR_TOO_LARGE] = EX_DATAERR,
        [ERR_UNSUPPORTED_TYPE] = EX_DATAERR,
        [ERR_NO_SPACE] = EX_CANTCREAT,
        [ERR_PROVIDER] = EX_UNAVAILABLE,
        [ERR_OUTCOME_UNKNOWN] = EX_UNAVAILABLE,
        [ERR_NOT_READY] = EX_TEMPFAIL,
        [ERR_UNAVAILABLE] = EX_TEMPFAIL,
        [ERR_NOMEM] = EX_OSERR,
        [ERR_INTERNAL] = EX_SOFTWARE,
};

static int complain(const char *message, int code)
{
        fprintf(stderr, "simpletuner-cloud: %s\n", message);
        return code;
}

static void print_usage(FILE *out)
{
        fputs("Usage: simpletuner-cloud COMMAND [OPTION]...\n"
              "The companion of the SimpleTuner Cloud service, for cron and for operators.\n"
              "\n",
              out);
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
        fputs("\n"
              "      --json     write the result as JSON\n"
              "      --help     this text and the settings; after COMMAND: about the command\n"
              "      --version  the version\n"
              "\n"
              "Settings come from the environment, then from the file $SIMPLETUNER_CONFIG, else\n"
              "/etc/simpletuner-cloud/cloud.env, else $SIMPLETUNER_HOME/cloud.env:\n",
              out);
        config_print_help(out);
}

static const struct command *find_command(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        }
        return NULL;
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, const struct command **ret_command,
                           struct command_options *ret_options)
{
        const struct command *command = NULL;
        bool help = false;

        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--version") == 0) {
                        puts("simpletuner-cloud " PACKAGE_VERSION);
                        return EX_OK;
                } else if (strcmp(argv[i], "--help") == 0) {
                        help = true;
                } else if (strcmp(argv[i], "--json") == 0) {
                        ret_options->json = true;
                } else if (command || !(command = find_command(argv[i]))) {
                        fprintf(stderr, "simpletuner-cloud: unknown %s '%s'; try --help\n",
                                *argv[i] == '-' || command ? "option" : "command", argv[i]);
                        return EX_USAGE;
                }
        }
        if (help && command) {
                printf("Usage: simpletuner-cloud %s [--json]\n%s\n", command->name, command->help);
                return EX_OK;
        }
        if (help || !command) {
                print_usage(help ? stdout : stderr);
                return help ? EX_OK : EX_USAGE;
        }
        *ret_command = command;
        return -1;
}

static enum err run(struct ctx *ctx, const struct command *command,
                    const struct command_options *options, struct cloud *cloud)
{
        enum err rc;

        rc = cloud_attach(ctx, cloud);
        if (rc != OK)
                return rc;
        cloud_new_correlation_id(ctx);
        rc = command->needs_schema ? cloud_check_schema(ctx) : OK;
        if (rc == OK)
                rc = command->run(ctx, options);
        cloud_detach(ctx);
        return rc;
}

int main(int argc, char **argv)
{
        CLEANUP(config_freep) struct config *config = NULL;
        CLEANUP(arena_freep) struct arena *arena = NULL;
        CLEANUP(cloud_closep) struct cloud *cloud = NULL;
        struct ctx ctx = { .clock = &clock_system, .actor = { .kind = ACTOR_LOCAL_ADMIN } };
        struct command_options options = { 0 };
        const struct command *command = NULL;
        char message[512];
        enum err rc;
        int code;

        code = parse_arguments(argc, argv, &command, &options);
        if (code >= 0)
                return code;
        if (!config_load(&config, message, sizeof(message)))
                return complain(message, EX_CONFIG);
        umask(027);
        fault_arm(config_secret(config, "SIMPLETUNER_FAULT_POINT"));
        if (!log_configure(config->log_level, config->log_format,
                           *config->log_file ? config->log_file : NULL))
                return complain("SIMPLETUNER_LOG_FILE cannot be opened", EX_CONFIG);
        arena = arena_new();
        ctx.arena = arena;
        ctx.config = config;
        if (!arena || !http_client_start())
                return complain("out of memory", EX_OSERR);
        rc = cloud_open(&ctx, &cloud);
        if (rc == OK)
                rc = run(&ctx, command, &options, cloud);
        http_client_stop();
        return rc == OK ? EX_OK : complain(ctx.detail, exit_codes[rc]);
}
