/* simpletuner-cloud db vacuum: write the database anew, without gaps. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/database/upkeep.h"
#include "core/cron/command.h"

enum err cmd_db_vacuum(struct ctx *ctx, const struct command_options *options)
{
        struct upkeep_vacuumed vacuumed;
        enum err rc = upkeep_vacuum_database(ctx, 0, &vacuumed);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                upkeep_render_vacuumed(&out.json, &vacuumed);
        } else {
                printf("The database had %" PRId64 " bytes and has %" PRId64 ".\n", vacuumed.before,
                       vacuumed.after);
        }
        return OK;
}
