/* simpletuner-cloud migrate: bring the database to this program's schema. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/jsonw.h"
#include "core/cloud/cloud.h"
#include "core/cron/command.h"
#include "core/db/db.h"
#include "core/db/migrate.h"

/* An existing SQLite database is copied aside first; PostgreSQL has its own tools for that. */
static enum err copy_aside(struct ctx *ctx, const struct migrate_status *before,
                           const char **ret_path)
{
        const char *path = database_path(ctx->cloud->database);
        char stamp[CLOCK_ISO_SIZE];

        *ret_path = NULL;
        if (before->state != MIGRATE_BEHIND || !path)
                return OK;
        clock_format_iso(clock_wall_us(ctx->clock), stamp);
        *ret_path = arena_printf(ctx->arena, "%s.before-%u.%s", path, before->newest, stamp);
        return *ret_path ? db_copy_to(ctx, *ret_path) : ctx_nomem(ctx);
}

static void report(const struct command_options *options, const struct migrate_status *before,
                   unsigned applied, const char *copy)
{
        struct buf out;
        struct jsonw json;

        if (!options->json) {
                if (applied == 0)
                        printf("The database is at version %u, nothing to do.\n", before->current);
                else
                        printf("The database went from version %u to %u.\n", before->current,
                               before->newest);
                if (copy)
                        printf("The database as it was before: %s\n", copy);
                return;
        }
        buf_init(&out, 64 * KiB);
        json = jsonw_to(&out);
        jsonw_object(&json, NULL);
        jsonw_int(&json, "from_version", before->current);
        jsonw_int(&json, "to_version", before->newest);
        jsonw_int(&json, "applied", applied);
        jsonw_string(&json, "copy", copy);
        jsonw_object_end(&json);
        puts(buf_str(&out));
        buf_done(&out);
}

enum err cmd_migrate(struct ctx *ctx, const struct command_options *options)
{
        struct migrate_status before;
        unsigned applied = 0;
        const char *copy;
        enum err rc;

        rc = migrate_check(ctx, &before);
        if (rc == OK)
                rc = copy_aside(ctx, &before, &copy);
        if (rc == OK)
                rc = migrate_run(ctx, &applied);
        if (rc == OK)
                report(options, &before, applied, copy);
        return rc;
}
