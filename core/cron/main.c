/* simpletuner-cloud: the companion. Safe to start at any time, from cron or by hand. */
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "core/base/config_problem.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/backup/restore.h"
#include "core/cloud/cloud.h"
#include "core/cloud/http/http_client.h"
#include "core/cloud/settings_test.h"
#include "core/cron/arguments.h"

/* sysexits.h, by result. */
static const int exit_codes[ERR_COUNT] = {
        [OK] = EX_OK,
        [ERR_NOT_FOUND] = EX_NOINPUT,
        [ERR_CONFLICT] = EX_DATAERR,
        [ERR_INVALID] = EX_CONFIG,
        [ERR_UNAUTHENTICATED] = EX_NOPERM,
        [ERR_DENIED] = EX_NOPERM,
        [ERR_LIMITED] = EX_TEMPFAIL,
        [ERR_OVER_LIMIT] = EX_NOPERM,
        [ERR_OVER_QUOTA] = EX_NOPERM,
        [ERR_TOO_LARGE] = EX_DATAERR,
        [ERR_PRECONDITION] = EX_DATAERR,
        [ERR_RANGE] = EX_DATAERR,
        [ERR_UNSUPPORTED] = EX_UNAVAILABLE,
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

/* -1: go on; else the exit code. */
static int read_arguments(char *const *argv, struct arguments *ret)
{
        if (!arguments_parse(argv, ret)) {
                fprintf(stderr, "simpletuner-cloud: %s; try --help\n", ret->problem);
                return EX_USAGE;
        }
        if (ret->version)
                puts("simpletuner-cloud " PACKAGE_VERSION);
        else if (ret->help)
                arguments_print_help(stdout, ret->command);
        return ret->version || ret->help ? EX_OK : -1;
}

/* The command is done in any case; the next one tries again. */
static void tell_of_restore(struct ctx *ctx)
{
        if (restore_tell(ctx) != OK)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.restore",
                          "The audit log does not tell yet of the last restore", "reason",
                          ctx->detail);
        ctx->detail[0] = '\0';
}

static enum err run(struct ctx *ctx, const struct arguments *arguments, struct cloud *cloud)
{
        const struct command *command = arguments->command;
        enum err rc;

        rc = cloud_attach(ctx, cloud);
        if (rc != OK)
                return rc;
        cloud_new_correlation_id(ctx);
        tell_of_restore(ctx);
        rc = command->needs_schema ? cloud_check_schema(ctx) : OK;
        if (rc == OK)
                rc = command->run(ctx, &arguments->options);
        cloud_detach(ctx);
        return rc;
}

static int finish(const struct ctx *ctx, enum err rc)
{
        return rc == OK ? EX_OK : complain(ctx->detail, exit_codes[rc]);
}

/* -t: say whether the settings are well. */
static int test_settings(struct ctx *ctx)
{
        enum err rc = settings_test(ctx);

        if (rc != OK)
                return complain(ctx->detail, EX_CONFIG);
        puts("simpletuner-cloud: settings are well");
        return EX_OK;
}

static int run_bare(const struct arguments *arguments)
{
        CLEANUP(config_freep) struct config *config = NULL;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .clock = &clock_system, .actor = { .kind = ACTOR_LOCAL_ADMIN } };

        if (!arena || !config_load_all(&config))
                return complain("out of memory", EX_OSERR);
        umask(027);
        ctx.arena = arena;
        ctx.config = config;
        return finish(&ctx, arguments->command->run(&ctx, &arguments->options));
}

static int run_with_settings(struct config *config, const struct arguments *arguments)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(cloud_closep) struct cloud *cloud = NULL;
        struct ctx ctx = { .clock = &clock_system, .actor = { .kind = ACTOR_LOCAL_ADMIN } };
        enum err rc;

        umask(027);
        fault_arm(config_secret(config, "SIMPLETUNER_FAULT_POINT"));
        if (!log_configure(config->log_level, config->log_format,
                           *config->log_file ? config->log_file : NULL))
                return complain("SIMPLETUNER_LOG_FILE cannot be opened", EX_CONFIG);
        ctx.arena = arena;
        ctx.config = config;
        if (!arena || !http_client_start())
                return complain("out of memory", EX_OSERR);
        if (arguments->test_config)
                return test_settings(&ctx);
        rc = cloud_open(&ctx, &cloud);
        if (rc == OK)
                rc = run(&ctx, arguments, cloud);
        http_client_stop();
        return finish(&ctx, rc);
}

int main(int argc, char **argv)
{
        CLEANUP(config_freep) struct config *config = NULL;
        struct arguments arguments;
        char message[512];
        int code;

        (void)argc;
        code = read_arguments(argv + 1, &arguments);
        if (code >= 0)
                return code;
        if (!arguments.test_config && command_runs_bare(arguments.command))
                return run_bare(&arguments);
        if (!config_load(&config, message, sizeof(message)))
                return complain(message, EX_CONFIG);
        return run_with_settings(config, &arguments);
}
