/* What goes on without a request: the companion, the audit log, the limits, and the object store.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/doctor/doctor_proc.h"
#include "core/cloud/health/health_part.h"
#include "core/cloud/storage/storage_root.h"
#include "core/store/store_tasks.h"

#define FAILURES_MIN 3
#define LONG_UP_S    86400.0 /* "it has not had the time yet" does not count */
#define PROGRAM_MS   4000

/* ---- who starts the companion ---- */

static bool in_files(struct ctx *ctx, const char *pattern, const char **ret_where)
{
        glob_t files = { 0 };
        bool found = false;

        if (glob(pattern, 0, NULL, &files) == 0) {
                for (size_t i = 0; i < files.gl_pathc && !found; i++) {
                        const char *text = proc_read(ctx, files.gl_pathv[i], 64 * KiB, false);
                        const char *line;

                        found = text && crontab_has_us(ctx, text, &line);
                        if (found)
                                *ret_where = arena_strdup(ctx->arena, files.gl_pathv[i]);
                }
        }
        globfree(&files);
        return found;
}

static bool in_crontab(struct ctx *ctx, const char **ret_where)
{
        static const char *const argv[] = { "crontab", "-l", NULL };
        int status;
        const char *text = proc_output(ctx, argv, PROGRAM_MS, &status), *line;

        *ret_where = "the user's crontab";
        return text && status == 0 && crontab_has_us(ctx, text, &line);
}

static bool in_timers(struct ctx *ctx, const char **ret_where)
{
        static const char *const argv[] = { "systemctl", "list-timers", "--no-legend",
                                            "simpletuner-cloud*", NULL };
        int status;
        const char *text = proc_output(ctx, argv, PROGRAM_MS, &status);

        *ret_where = "a systemd timer";
        return text && status == 0 && strstr(text, "simpletuner-cloud");
}

static const char *starter(struct ctx *ctx)
{
        const char *where = NULL;

        if (in_crontab(ctx, &where) || in_files(ctx, "/etc/crontab", &where) ||
            in_files(ctx, "/etc/cron.d/*", &where) || in_timers(ctx, &where))
                return where;
        return NULL;
}

/* ---- the companion ---- */

static enum err say_task(struct ctx *ctx, void *arg, const struct task_row *task)
{
        struct doctor *doctor = arg;

        if (task->failures >= FAILURES_MIN)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "simpletuner-cloud cron --task %s", task->name),
                           "The task %s failed %" PRId64 " times in a row", task->name,
                           task->failures);
        return OK;
}

/* What health says of it, as a finding. */
static void say_health(struct ctx *ctx, struct doctor *doctor, const struct health *health,
                       enum doctor_level bad, const char *command)
{
        for (size_t i = 0; i < health->count; i++) {
                const struct health_component *part = &health->components[i];

                doctor_say(ctx, doctor, part->status == HEALTH_HEALTHY ? DOCTOR_OK : bad,
                           part->status == HEALTH_HEALTHY ? NULL : command, "%s", part->message);
        }
}

void doctor_companion(struct ctx *ctx, struct doctor *doctor)
{
        static const char install[] = "(crontab -l 2>/dev/null; echo \"* * * * * $(command -v "
                                      "simpletuner-cloud) cron\") | crontab -";
        struct health health = { .uptime_s = LONG_UP_S };
        const char *where = starter(ctx);
        bool runs = false;

        if (!doctor->skip && health_companion(ctx, &health) == OK && health.count > 0)
                runs = health.components[0].status == HEALTH_HEALTHY;
        if (!runs)
                say_health(ctx, doctor, &health, DOCTOR_WARNING,
                           where ? "simpletuner-cloud cron; simpletuner-cloud tasks" : install);
        if (where)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "The companion is started from %s", where);
        else if (runs)
                doctor_say(ctx, doctor, DOCTOR_NOTE, install,
                           "The companion has run lately, but neither a crontab nor a timer starts "
                           "it");
        else if (health.count == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING, install,
                           "Neither a crontab nor a timer starts the companion");
        if (!doctor->skip && store_tasks_each(ctx, say_task, doctor) != OK)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL, "Its tasks cannot be read");
}

void doctor_audit(struct ctx *ctx, struct doctor *doctor)
{
        struct health health = { 0 };

        if (health_audit(ctx, &health) == OK)
                say_health(ctx, doctor, &health, DOCTOR_ERROR, "simpletuner-cloud audit verify");
}

void doctor_state(struct ctx *ctx, struct doctor *doctor)
{
        struct health health = { 0 };

        if (health_state_backend(ctx, &health) != OK)
                return;
        if (health.status == HEALTH_HEALTHY)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "Limits are counted in %s",
                           ctx->config->state_backend);
        else
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud --test-config",
                           "Limits are not enforced, because the state backend (%s) does not "
                           "answer: %s",
                           ctx->config->state_backend, ctx->detail);
}

/* ---- where objects are ---- */

/* Make a file below .incoming and give it a name beside it, as each upload does. */
static bool try_root(struct ctx *ctx, const char *root)
{
        const char *incoming = arena_printf(ctx->arena, "%s/.incoming", root);
        const char *from = arena_printf(ctx->arena, "%s/.doctor-%d", incoming, (int)getpid());
        const char *to = arena_printf(ctx->arena, "%s/.doctor-%d", root, (int)getpid());
        CLEANUP(close_fdp) int fd = -1;
        struct stat st;
        bool made;

        if (!incoming || !from || !to)
                return false;
        if (stat(incoming, &st) != 0)
                return faccessat(AT_FDCWD, root, W_OK | X_OK, AT_EACCESS) == 0;
        fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        made = fd >= 0 && rename(from, to) == 0;
        if (fd >= 0 && unlink(made ? to : from) != 0)
                made = false;
        return made;
}

void doctor_storage(struct ctx *ctx, struct doctor *doctor)
{
        struct storage_roots roots = STORAGE_ROOTS;
        struct health health = { 0 };
        const char *root;

        while (storage_root_next(ctx, &roots, &root) == OK) {
                struct stat st;

                if (stat(root, &st) != 0 && errno == ENOENT)
                        continue;
                if (try_root(ctx, root))
                        doctor_say(ctx, doctor, DOCTOR_OK, NULL, "Objects can be stored in %s",
                                   root);
                else
                        doctor_say(ctx, doctor, DOCTOR_ERROR,
                                   DOCTOR_COMMAND(ctx, "namei -l '%s/.incoming'; findmnt -T '%s'",
                                                  root, root),
                                   "Objects cannot be stored in %s: %m%s", root,
                                   errno == EXDEV ? " (its .incoming is on another file system)"
                                                  : "");
        }
        if (health_remote_store(ctx, &health) == OK)
                say_health(ctx, doctor, &health, DOCTOR_ERROR, "simpletuner-cloud storage usage");
}
