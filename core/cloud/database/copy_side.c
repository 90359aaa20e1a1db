#include "core/cloud/database/copy_side.h"

#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/service_url.h"
#include "core/db/bulk.h"
#include "core/db/migrate.h"

#define PATIENCE_US (5 * US_PER_S) /* for the sessions of a process that was killed */
#define LOOK_US     (100 * 1000)

static enum err find_url(struct ctx *ctx, const struct copy_place *place, const char **ret)
{
        if (place->url && place->variable)
                return ctx_fail(ctx, ERR_INVALID, "give %s or %s-env, not both", place->option,
                                place->option);
        *ret = place->url        ? place->url
               : place->variable ? config_secret(ctx->config, place->variable)
                                 : ctx->config->database_url;
        if (!*ret)
                return ctx_fail(ctx, ERR_INVALID, "%s-env: there is no %s in the environment",
                                place->option, place->variable);
        return OK;
}

/* An address without what only its owner may see. */
static enum err name_url(struct ctx *ctx, const struct copy_place *place, const char *text,
                         const char **ret)
{
        struct service_url url;
        bool is_file = strncmp(text, "sqlite:", 7) == 0;
        bool is_parsed = !is_file && service_url_parse(ctx->arena, text, &url);

        if (place->url && !is_file && !is_parsed)
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must be sqlite:///absolute/path or "
                                "postgresql://user@host/name",
                                place->option);
        if (place->url && is_parsed &&
            (url.password || service_url_option(ctx->arena, &url, "password")))
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must have no password in it, which every user of this machine "
                                "can see: give it by PGPASSWORD or a password file, or the whole "
                                "URL by %s-env NAME",
                                place->option, place->option);
        if (is_file)
                return ctx_strdup(ctx, text, ret);
        if (!is_parsed)
                return ctx_strdup(ctx, "postgresql", ret);
        *ret = arena_printf(ctx->arena, "postgresql://%s%s%s%s%s", url.user ? url.user : "",
                            url.user ? "@" : "", url.host,
                            url.port ? arena_printf(ctx->arena, ":%u", url.port) : "", url.path);
        return *ret ? OK : ctx_nomem(ctx);
}

enum err copy_side_open(struct ctx *ctx, const struct copy_place *place, struct copy_side_use use,
                        struct copy_side *ret)
{
        struct database_use database_use = {
                .setting = place->option,
                .existing = use.has_to_exist || use.is_source,
                .read_only = use.is_source,
        };
        const char *url = NULL, *path;
        enum err rc = find_url(ctx, place, &url);

        if (rc == OK && url)
                rc = name_url(ctx, place, url, &ret->name);
        if (rc == OK)
                rc = database_open_as(ctx, url, &database_use, &ret->database);
        if (rc != OK)
                return rc;
        path = database_path(ret->database);
        if (strcmp(database_kind(ret->database), "mysql") == 0)
                return ctx_fail(ctx, ERR_INVALID, "%s must be SQLite or PostgreSQL", place->option);
        if (database_use.existing && path && access(path, F_OK) != 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s: there is no file %s", place->option, path);
        ret->ctx = ret->writer = *ctx;
        ret->ctx.cloud = ret->writer.cloud = NULL; /* no figures are kept of this work */
        ret->ctx.db = db_new(ret->database);
        ret->writer.db = use.is_source ? NULL : db_new(ret->database);
        return ret->ctx.db && (use.is_source || ret->writer.db) ? OK : ctx_nomem(ctx);
}

void copy_side_close(struct copy_side *side)
{
        db_free(side->ctx.db);
        db_free(side->writer.db);
        database_close(side->database);
}

enum err copy_side_told(struct ctx *ctx, const struct copy_side *side, enum err rc)
{
        if (rc == OK)
                return OK;
        memcpy(ctx->detail, side->ctx.detail, sizeof(ctx->detail));
        return ctx_prefix(ctx, rc, side->name);
}

enum err copy_side_users(struct copy_side *side, const char **ret)
{
        char who[BULK_WHO_SIZE] = "";
        enum err rc;

        for (int64_t waited_us = 0;; waited_us += LOOK_US) {
                rc = bulk_who_else(&side->ctx, who);
                if (rc != OK || !*who || waited_us >= PATIENCE_US)
                        break;
                usleep(LOOK_US);
        }
        return rc == OK ? ctx_strdup(&side->ctx, who, ret) : rc;
}

enum err copy_side_check_schema(struct copy_side *side, unsigned *ret_version)
{
        struct migrate_status status;
        enum err rc = migrate_check(&side->ctx, &status);

        if (rc != OK)
                return rc;
        *ret_version = status.current;
        if (status.state == MIGRATE_EMPTY)
                return ctx_fail(&side->ctx, ERR_NOT_FOUND, "there is no table of the service");
        if (status.state == MIGRATE_BEHIND)
                return ctx_fail(&side->ctx, ERR_NOT_READY,
                                "it has schema version %u, this program needs %u: run "
                                "\"simpletuner-cloud migrate\" with SIMPLETUNER_DATABASE_URL set "
                                "to it first",
                                status.current, status.newest);
        return OK;
}
