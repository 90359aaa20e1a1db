#include "core/cloud/backup/pgsql_programs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/cloud/secrets/private_file.h"
#include "core/db/pgsql_service.h"

#define VERSIONED        "/usr/lib/postgresql" /* of Debian; a directory for each major version */
#define SERVICE          "backup"
#define SERVICE_VARIABLE "PGSERVICE=backup"

/* The newest below VERSIONED that has the program; 0: none. */
static long newest_version(struct ctx *ctx, const char *name, const char **ret)
{
        DIR *dir = opendir(VERSIONED);
        const struct dirent *entry;
        long newest = 0;

        while (dir && (entry = readdir(dir))) {
                long version = strtol(entry->d_name, NULL, 10);
                const char *path =
                        arena_printf(ctx->arena, VERSIONED "/%s/bin/%s", entry->d_name, name);

                if (version > newest && path && access(path, X_OK) == 0) {
                        newest = version;
                        *ret = path;
                }
        }
        if (dir)
                closedir(dir);
        return newest;
}

/* Elsewhere: which version that is, it says itself when it is too old. */
static bool find_elsewhere(struct ctx *ctx, const char *name, const char **ret)
{
        static const char *const places[] = { "/usr/local/bin", "/usr/bin", "/bin",
                                              "/usr/local/pgsql/bin" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                *ret = arena_printf(ctx->arena, "%s/%s", places[i], name);
                if (*ret && access(*ret, X_OK) == 0)
                        return true;
        }
        return false;
}

enum err pgsql_program(struct ctx *ctx, const char *name, int64_t server_major, const char **ret)
{
        long newest = newest_version(ctx, name, ret);

        if (newest > 0 && newest >= server_major)
                return OK;
        if (newest == 0 && find_elsewhere(ctx, name, ret))
                return OK;
        if (newest > 0)
                return ctx_fail(ctx, ERR_NOT_READY,
                                "%s is of version %ld, older than the server's %" PRId64
                                ": install postgresql-client-%" PRId64,
                                name, newest, server_major, server_major);
        return ctx_fail(ctx, ERR_NOT_READY,
                        "%s is not installed: install the package postgresql-client", name);
}

enum err pgsql_place_make(struct ctx *ctx, const char *dir, const char *url,
                          struct pgsql_place *ret)
{
        char unique[ULID_SIZE];
        const char *text, *file;
        enum err rc = pgsql_service_text(ctx, url, SERVICE, &text);

        if (rc == OK)
                rc = crypto_ulid(ctx, unique);
        if (rc != OK)
                return rc;
        file = arena_printf(ctx->arena, "%s/service-%s", dir, unique);
        rc = file ? private_file_replace(ctx, file, text) : ctx_nomem(ctx);
        if (rc == OK)
                ret->file = file;
        return rc;
}

void pgsql_place_clear(struct pgsql_place *place)
{
        if (place->file)
                unlink(place->file);
        place->file = NULL;
}

enum err pgsql_start(struct ctx *ctx, const char *const *argv, const struct pgsql_place *place,
                     int wanted, struct child *ret)
{
        const char *environment[] = { "PATH=/usr/bin:/bin",
                                      "LC_ALL=C.UTF-8",
                                      "PGAPPNAME=simpletuner-cloud",
                                      arena_printf(ctx->arena, "HOME=%s", ctx->config->user_home),
                                      SERVICE_VARIABLE,
                                      NULL,
                                      NULL };

        if (place)
                environment[5] = arena_printf(ctx->arena, "PGSERVICEFILE=%s", place->file);
        else
                environment[4] = NULL;
        if (!environment[3] || (place && !environment[5]))
                return ctx_nomem(ctx);
        return child_start(ctx, argv, environment, wanted, ret);
}

enum err pgsql_run(struct ctx *ctx, const char *const *argv, const struct pgsql_place *place)
{
        CLEANUP(child_kill) struct child child = CHILD_NONE;
        enum err rc = pgsql_start(ctx, argv, place, 0, &child);

        return rc == OK ? child_end(ctx, &child) : rc;
}

enum err pgsql_psql(struct ctx *ctx, const struct pgsql_place *place, struct child *ret)
{
        const char *argv[] = {
                NULL,       "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1",
                "--file=-", NULL
        };
        enum err rc = pgsql_program(ctx, "psql", 0, &argv[0]);

        return rc == OK ? pgsql_start(ctx, argv, place, CHILD_IN, ret) : rc;
}
