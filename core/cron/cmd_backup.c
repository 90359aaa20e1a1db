/* simpletuner-cloud backup: make a backup of the database. */
#include <stdio.h>

#include "core/cron/backup_print.h"
#include "core/cron/command.h"

static void print_json(const struct backup *backup)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_bool(&out.json, "success", true);
        jsonw_string(&out.json, "path", backup->path);
        backup_render(&out.json, backup);
}

enum err cmd_backup(struct ctx *ctx, const struct command_options *options)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        CLEANUP(backup_lock_drop) struct backup_lock elsewhere = BACKUP_LOCK_NONE;
        const struct backup_wish wish = { .name = options->name,
                                          .description = options->description,
                                          .with_private = options->with_config };
        struct backup backup;
        enum err rc = backup_lock_take(ctx, &lock);

        if (rc == OK && options->output)
                rc = backup_lock_take_in(ctx, options->output, &elsewhere);
        if (rc == OK)
                rc = backup_make(ctx, options->output ? &elsewhere : &lock, &wish, &backup);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&backup);
        else
                printf("%s\n", backup.path);
        return OK;
}
