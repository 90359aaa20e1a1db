/* Owners and permissions: whose are the files, who else gets at them, and can we? */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/doctor_part.h"

/* What a file may be. */
enum kind {
        KIND_SECRET,    /* for its owner alone: the programs refuse any other */
        KIND_DATA,      /* not for others than owner and group */
        KIND_DIRECTORY, /* the same, and we make files in it */
};

static const char *user_name(struct ctx *ctx, uid_t uid)
{
        struct passwd entry, *found = NULL;
        char space[4096];

        if (getpwuid_r(uid, &entry, space, sizeof(space), &found) == 0 && found)
                return arena_strdup(ctx->arena, found->pw_name);
        return arena_printf(ctx->arena, "%u", (unsigned)uid);
}

static void look_at_owner(struct ctx *ctx, struct doctor *doctor, const char *path,
                          const struct stat *st)
{
        const char *owner = user_name(ctx, st->st_uid), *own = user_name(ctx, geteuid());

        if (st->st_uid == geteuid() || !owner || !own)
                return;
        if (geteuid() == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx,
                                          "setpriv --reuid %s --init-groups simpletuner-cloud "
                                          "doctor",
                                          owner),
                           "%s belongs to %s and this is root: run the doctor as that user", path,
                           owner);
        else
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "sudo chown %s '%s'", own, path),
                           "%s belongs to %s and not to %s", path, owner, own);
}

static void look_at_mode(struct ctx *ctx, struct doctor *doctor, const char *path,
                         const struct stat *st, enum kind kind)
{
        const unsigned mode = (unsigned)st->st_mode & 0777;
        const char *what = kind == KIND_DIRECTORY ? "o-rwx" : "go-w,o-rwx";

        if (kind == KIND_SECRET && mode & 077)
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "chmod 600 '%s'", path),
                           "%s may be used by others (mode %03o), so the programs refuse it", path,
                           mode);
        else if (mode & 002)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "chmod %s '%s'", what, path),
                           "%s may be changed by everybody (mode %03o)", path, mode);
        else if (kind == KIND_DATA && mode & 004)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "chmod %s '%s'", what, path),
                           "%s may be read by everybody (mode %03o)", path, mode);
}

static void look_at_access(struct ctx *ctx, struct doctor *doctor, const char *path, enum kind kind)
{
        const int wanted = kind == KIND_DIRECTORY ? R_OK | W_OK | X_OK
                           : kind == KIND_SECRET  ? R_OK
                                                  : R_OK | W_OK;

        if (faccessat(AT_FDCWD, path, wanted, AT_EACCESS) != 0)
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "namei -l '%s'", path),
                           "%s cannot be %s: %m", path,
                           kind == KIND_SECRET ? "read" : "read and written");
}

/* What is not there is no matter, but for what is required. */
static void look_at(struct ctx *ctx, struct doctor *doctor, const char *path, enum kind kind)
{
        struct stat st;

        if (!path)
                return;
        if (stat(path, &st) != 0) {
                if (errno != ENOENT)
                        doctor_say(ctx, doctor, DOCTOR_ERROR,
                                   DOCTOR_COMMAND(ctx, "namei -l '%s'", path),
                                   "%s cannot be looked at: %m", path);
                return;
        }
        if ((kind == KIND_DIRECTORY) != S_ISDIR(st.st_mode)) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "ls -ld '%s'", path),
                           "%s is %sa directory", path, kind == KIND_DIRECTORY ? "not " : "");
                return;
        }
        look_at_owner(ctx, doctor, path, &st);
        look_at_mode(ctx, doctor, path, &st, kind);
        look_at_access(ctx, doctor, path, kind);
}

static void look_at_home(struct ctx *ctx, struct doctor *doctor)
{
        static const struct {
                const char *name;
                enum kind kind;
        } parts[] = {
                { "secrets.json", KIND_SECRET }, { "secrets.yaml", KIND_SECRET },
                { "secrets.yml", KIND_SECRET },  { "credential.key", KIND_SECRET },
                { "audit.key", KIND_SECRET },    { "audit.head", KIND_SECRET },
                { "outputs", KIND_DIRECTORY },   { "backups", KIND_DIRECTORY },
                { "run", KIND_DIRECTORY },       { "config/cloud", KIND_DIRECTORY },
        };
        const char *home = ctx->config->home;
        struct stat st;

        if (stat(home, &st) != 0 && errno == ENOENT) {
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud migrate",
                           "There is no home directory %s yet", home);
                return;
        }
        look_at(ctx, doctor, home, KIND_DIRECTORY);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                look_at(ctx, doctor, arena_printf(ctx->arena, "%s/%s", home, parts[i].name),
                        parts[i].kind);
}

/* A log that cannot be opened stops a start. */
static void look_at_log(struct ctx *ctx, struct doctor *doctor)
{
        const char *path = ctx->config->log_file;
        const char *slash = strrchr(path, '/');
        const char *directory =
                slash ? arena_strndup(ctx->arena, path, (size_t)(slash - path) + 1) : NULL;
        struct stat st;

        if (!*path || !directory)
                return;
        if (stat(path, &st) == 0)
                look_at(ctx, doctor, path, KIND_DATA);
        else if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) != 0)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "namei -l '%s'", directory),
                           "The log file %s cannot be made: %m", path);
}

void doctor_files(struct ctx *ctx, struct doctor *doctor)
{
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        const char *file = doctor_database_file(ctx);

        look_at_home(ctx, doctor);
        for (size_t i = 0; file && i < ARRAY_SIZE(suffixes); i++)
                look_at(ctx, doctor, arena_printf(ctx->arena, "%s%s", file, suffixes[i]),
                        KIND_DATA);
        look_at_log(ctx, doctor);
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL,
                           "Owners and permissions below %s are as they should be",
                           ctx->config->home);
}
