/* Settings: what is wrong with them, and what a start says to them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config_problem.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/settings_test.h"

/* "FILE:LINE: ..." is a line to edit; anything else is a variable to look up. */
static const char *command_for(struct ctx *ctx, const char *text)
{
        const size_t path_len = strcspn(text, ":");
        const char *colon = text + path_len;
        unsigned line = 0;

        if (*text != '/' || *colon != ':')
                return "simpletuner-cloud --help";
        for (const char *c = colon + 1; *c >= '0' && *c <= '9'; c++)
                line = line * 10 + (unsigned)(*c - '0');
        return DOCTOR_COMMAND(ctx, "${EDITOR:-vi} +%u '%.*s'", line ? line : 1, (int)path_len,
                              text);
}

static void look_at_file(struct ctx *ctx, struct doctor *doctor, const char *path)
{
        struct stat st;

        if (stat(path, &st) != 0)
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "ls -l '%s'", path),
                           "The env file %s cannot be looked at: %m", path);
        else if (st.st_mode & 022)
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "chmod go-w '%s'", path),
                           "The env file %s may be changed by others (mode %03o)", path,
                           (unsigned)st.st_mode & 0777);
        else if (st.st_mode & 004)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "chmod o-rwx '%s'", path),
                           "The env file %s may be read by everybody (mode %03o)", path,
                           (unsigned)st.st_mode & 0777);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "The env file is %s", path);
}

void doctor_settings(struct ctx *ctx, struct doctor *doctor)
{
        const struct config_problem *problem = ctx->config->problems;
        const char *path = config_file_path(ctx->config), *stray;

        for (; problem; problem = problem->next)
                doctor_say(ctx, doctor, DOCTOR_ERROR, command_for(ctx, problem->text), "%s",
                           problem->text);
        if (path)
                look_at_file(ctx, doctor, path);
        for (size_t n = 0; (stray = config_stray_variable(ctx->arena, n)); n++)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "unset %s; simpletuner-cloud --help", stray),
                           "The environment has %s, which is no setting and has no effect", stray);
        if (!ctx->config->ssl_verify)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "unset SIMPLETUNER_SSL_VERIFY",
                           "SIMPLETUNER_SSL_VERIFY is off: nobody knows who answers as a provider");
        if (!ctx->config->problems)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "All settings can be read");
}

/* What the programs do at a start, as far as it can be undone. */
void doctor_start(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx);
        struct stat st;
        enum err rc;
        bool given;

        rc = settings_test(ctx);
        if (rc != OK) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud --test-config",
                           "The service cannot start: %s", ctx->detail);
                return;
        }
        if (stat(ctx->config->home, &st) != 0 && errno == ENOENT) {
                if (doctor_can_make_home(ctx))
                        doctor_say(ctx, doctor, DOCTOR_OK, NULL,
                                   "The first start makes the home %s", ctx->config->home);
                else
                        doctor_say(ctx, doctor, DOCTOR_ERROR,
                                   "simpletuner-cloud doctor --only files",
                                   "The service cannot start: it cannot make its home %s: %m",
                                   ctx->config->home);
                return;
        }
        if (file && stat(file, &st) != 0 && errno == ENOENT &&
            !doctor_can_make_database(ctx, file)) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud doctor --only files",
                           "The service cannot start: it cannot make the database %s: %m", file);
                return;
        }
        rc = doctor_open(ctx, &given);
        if (rc != OK)
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud doctor --only files",
                           "The service cannot start: %s", ctx->detail);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "The programs can start");
}
