/* Owners and permissions: whose are the files, who else gets at them, and can we? */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_part.h"

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

const char *doctor_nearest(struct ctx *ctx, const char *path)
{
        char *copy = arena_strdup(ctx->arena, path);
        struct stat st;

        while (copy && stat(copy, &st) != 0) {
                char *slash = strrchr(copy, '/');

                if ((errno != ENOENT && errno != ENOTDIR) || !slash)
                        return NULL;
                slash[slash == copy] = '\0';
        }
        return copy;
}

/* The directory that a path is in. */
static char *directory_of(struct ctx *ctx, const char *path)
{
        size_t len = strlen(path);

        while (len > 1 && path[len - 1] == '/')
                len--;
        while (len > 0 && path[len - 1] != '/')
                len--;
        return len > 0 ? arena_strndup(ctx->arena, path, len > 1 ? len - 1 : 1) : NULL;
}

/* A start makes this one directory, and none above it. */
bool doctor_can_make_home(struct ctx *ctx)
{
        const char *above = directory_of(ctx, ctx->config->home);

        return !above || faccessat(AT_FDCWD, above, W_OK | X_OK, AT_EACCESS) == 0;
}

/* All directories above it that are missing are made too, the home among them. */
bool doctor_can_make_database(struct ctx *ctx, const char *file)
{
        const char *above = doctor_nearest(ctx, file);

        return above && faccessat(AT_FDCWD, above, W_OK | X_OK, AT_EACCESS) == 0;
}

/* False: it is not there, or what is in it cannot be looked at, which has been said. */
static bool look_at_home(struct ctx *ctx, struct doctor *doctor)
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
        const char *home = ctx->config->home, *own = user_name(ctx, geteuid());
        struct stat st;

        if (stat(home, &st) != 0 && errno == ENOENT) {
                if (doctor_can_make_home(ctx))
                        doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud migrate",
                                   "There is no home directory %s yet", home);
                else
                        doctor_say(
                                ctx, doctor, DOCTOR_ERROR,
                                DOCTOR_COMMAND(ctx, "sudo install -d -m 700 -o %s '%s'", own, home),
                                "There is no home directory %s, and a start cannot make it: %m",
                                home);
                return false;
        }
        look_at(ctx, doctor, home, KIND_DIRECTORY);
        if (faccessat(AT_FDCWD, home, X_OK, AT_EACCESS) != 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                look_at(ctx, doctor, arena_printf(ctx->arena, "%s/%s", home, parts[i].name),
                        parts[i].kind);
        return true;
}

/* SQLite makes its log beside the file. What is wrong with the home has been said. */
static void look_at_database(struct ctx *ctx, struct doctor *doctor, const char *file)
{
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        const char *usual = arena_printf(ctx->arena, "%s/config/cloud", ctx->config->home);
        const char *directory = directory_of(ctx, file), *own = user_name(ctx, geteuid());
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
                look_at(ctx, doctor, arena_printf(ctx->arena, "%s%s", file, suffixes[i]),
                        KIND_DATA);
        if (!directory || !usual || strcmp(directory, usual) == 0 ||
            strcmp(directory, ctx->config->home) == 0)
                return;
        if (stat(directory, &st) == 0)
                look_at_access(ctx, doctor, directory, KIND_DIRECTORY);
        else if (errno == ENOENT && !doctor_can_make_database(ctx, file))
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "sudo install -d -m 700 -o %s '%s'", own, directory),
                           "The directory %s of the database cannot be made: %m", directory);
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
        const char *file = doctor_database_file(ctx);
        const size_t home_len = strlen(ctx->config->home);
        const bool home_is_open = look_at_home(ctx, doctor);

        if (file && (home_is_open || strncmp(file, ctx->config->home, home_len) != 0 ||
                     file[home_len] != '/'))
                look_at_database(ctx, doctor, file);
        look_at_log(ctx, doctor);
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL,
                           "Owners and permissions below %s are as they should be",
                           ctx->config->home);
}
