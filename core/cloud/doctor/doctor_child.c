#include "core/cloud/doctor/doctor_child.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/jsonw.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/database/schema.h"
#include "core/cloud/http/http_client.h"
#include "core/db/db.h"

#define OUT_MAX     (1 * MiB)
#define FOUND_SIZE  2048
#define DATABASE_MS 5000 /* for a database that must answer before a check begins */

void doctor_say(struct ctx *ctx, struct doctor *doctor, enum doctor_level level,
                const char *command, const char *fmt, ...)
{
        struct jsonw json = jsonw_to(&doctor->out);
        char found[FOUND_SIZE];
        va_list ap;

        (void)ctx;
        va_start(ap, fmt);
        vsnprintf(found, sizeof(found), fmt, ap);
        va_end(ap);
        jsonw_object(&json, NULL);
        jsonw_int(&json, "level", level);
        jsonw_string(&json, "found", found);
        jsonw_string(&json, "command", command);
        jsonw_object_end(&json);
        buf_putc(&doctor->out, '\n');
        doctor->said++;
}

/* On a new machine there is no home yet, and nothing to try. */
void doctor_say_untried(struct ctx *ctx, struct doctor *doctor)
{
        struct stat st;
        const bool is_new = stat(ctx->config->home, &st) != 0 && errno == ENOENT;

        doctor_say(ctx, doctor, is_new ? DOCTOR_NOTE : DOCTOR_WARNING,
                   is_new ? "simpletuner-cloud migrate"
                          : "simpletuner-cloud doctor --only start,files,disk",
                   "Not tried: %s", is_new ? "there is no home directory yet" : ctx->detail);
}

const char *doctor_database_file(const struct ctx *ctx)
{
        static const char prefix[] = "sqlite://";
        const char *url = ctx->config->database_url;

        return strncmp(url, prefix, strlen(prefix)) == 0 ? url + strlen(prefix) : NULL;
}

/* The rules of rate limits and the state backend are read at a start and can stop it; who wants to
 * know how the database is can do without. */
enum err doctor_open(struct ctx *ctx, bool *ret_given)
{
        struct config *simple = arena_alloc(ctx->arena, sizeof(*simple));
        struct cloud *cloud;
        enum err rc = cloud_open(ctx, &cloud);

        *ret_given = rc == OK;
        if (rc != OK && simple) {
                *simple = *ctx->config;
                simple->rate_rules = "";
                simple->state_backend = "memory";
                ctx->config = simple;
                rc = cloud_open(ctx, &cloud);
        }
        if (rc == OK)
                rc = cloud_attach(ctx, cloud);
        if (rc == OK)
                cloud_new_correlation_id(ctx);
        return rc;
}

/* Looking makes nothing: neither a home nor a database. */
static bool is_there(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx);
        struct stat st;

        if (stat(ctx->config->home, &st) != 0)
                doctor->skip = errno == ENOENT ? "there is no home directory"
                                               : "the home directory cannot be looked at";
        else if (file && stat(file, &st) != 0)
                doctor->skip = errno == ENOENT ? "there is no database file"
                                               : "the database file cannot be looked at";
        return !doctor->skip;
}

/* Sets doctor->skip where the check's needs are not met. */
static void meet(struct ctx *ctx, struct doctor *doctor, enum doctor_needs needs)
{
        struct schema_info schema;
        bool given;

        if (needs == CHECK_NOTHING || !is_there(ctx, doctor))
                return;
        if (doctor_open(ctx, &given) != OK) {
                doctor->skip = "the service cannot start (see the check \"start\")";
                return;
        }
        db_set_timeout(ctx, DATABASE_MS);
        if (schema_info(ctx, &schema) != OK || schema.version != schema.newest)
                doctor->skip = "the database does not answer as it should (see \"database\" and "
                               "\"schema\")";
        db_set_timeout(ctx, 0);
}

static void run(struct ctx *ctx, struct doctor *doctor, const struct doctor_check *check)
{
        struct cloud *cloud;

        meet(ctx, doctor, check->needs);
        if (doctor->skip && (check->needs == CHECK_DATABASE || !ctx->cloud) &&
            check->needs != CHECK_NOTHING)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL, "Not looked at, because %s",
                           doctor->skip);
        else
                check->run(ctx, doctor);
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "Nothing is wrong");
        buf_puts(&doctor->out, "{\"end\":true}\n");
        cloud = ctx->cloud;
        if (cloud) {
                cloud_detach(ctx);
                cloud_close(cloud);
        }
}

static bool write_out(int fd, const struct buf *out)
{
        for (size_t done = 0; done < out->len;) {
                ssize_t len = write(fd, out->data + done, out->len - done);

                if (len < 0 && errno == EINTR)
                        continue;
                if (len <= 0)
                        return false;
                done += (size_t)len;
        }
        return true;
}

_Noreturn void doctor_child(const struct ctx *ctx, const struct doctor_options *options,
                            const struct doctor_check *check, int fd)
{
        struct ctx own = { .clock = ctx->clock, .config = ctx->config, .actor = ctx->actor };
        struct doctor doctor = { .options = options };
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        bool written;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        /* What the service would log of its troubles, the checks say. */
        if (nowhere >= 0)
                dup2(nowhere, STDERR_FILENO);
        own.arena = arena_new();
        if (!own.arena || !http_client_start() || !log_configure(LOG_ERROR, LOG_TEXT, NULL))
                _exit(1);
        buf_init(&doctor.out, OUT_MAX);
        run(&own, &doctor, check);
        written = write_out(fd, &doctor.out);
        buf_done(&doctor.out);
        arena_free(own.arena);
        http_client_stop();
        _exit(written ? 0 : 1);
}
