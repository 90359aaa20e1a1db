/* simpletuner-cloud verify: is a backup good? */
#include <stdio.h>

#include "core/cron/backup_print.h"
#include "core/cron/command.h"

enum err cmd_verify(struct ctx *ctx, const struct command_options *options)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup backup;
        enum err rc = backup_find(ctx, options->operand, &backup);

        if (rc == OK)
                rc = backup_lock_take(ctx, &lock);
        if (rc == OK)
                rc = backup_verify(ctx, &lock, &backup, NULL);
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_bool(&out.json, "valid", true);
                backup_render(&out.json, &backup);
        } else {
                printf("%s is good: hashes, integrity and row counts are as its manifest says.\n",
                       backup.id);
        }
        return OK;
}
