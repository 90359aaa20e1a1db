/* simpletuner-cloud migrate: bring the database to this program's schema. */
#include <stdio.h>

#include "core/cloud/database/schema.h"
#include "core/cron/command.h"

static void print_text(const struct schema_move *move)
{
        if (move->applied == 0)
                printf("The database is at version %u, nothing to do.\n", move->to);
        else
                printf("The database went from version %u to %u.\n", move->from, move->to);
        if (move->copy)
                printf("The database as it was before: %s\n", move->copy);
}

static void print_json(const struct schema_move *move)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_int(&out.json, "from_version", move->from);
        jsonw_int(&out.json, "to_version", move->to);
        jsonw_int(&out.json, "applied", move->applied);
        jsonw_string(&out.json, "copy", move->copy);
}

enum err cmd_migrate(struct ctx *ctx, const struct command_options *options)
{
        struct schema_move move;
        enum err rc = schema_migrate(ctx, &move);

        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&move);
        else
                print_text(&move);
        return OK;
}
