/* simpletuner-cloud restore: put a backup back, or try whether it could be. */
#include <stdio.h>
#include <string.h>

#include "core/cloud/database/db_recover.h"
#include "core/cron/backup_print.h"
#include "core/cron/command.h"
#include "core/cron/restore_print.h"

static void print_text(const struct backup *backup, const struct restore_report *report)
{
        printf("The database is that of backup %s now.\n", backup->id);
        restore_print(report, "backup");
}

static void print_json(const struct backup *backup, const struct restore_report *report,
                       bool dry_run)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_bool(&out.json, "success", true);
        jsonw_string(&out.json, "id", backup->id);
        jsonw_bool(&out.json, "dry_run", dry_run);
        restore_print_json(&out.json, report);
}

static enum err rehearse(struct ctx *ctx, const struct command_options *options,
                         const struct backup_lock *lock, const struct backup *backup)
{
        bool partly = false;
        enum err rc = backup_rehearse(ctx, lock, backup, &partly);

        if (rc != OK)
                backup_count_failure(ctx);
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_bool(&out.json, "success", true);
                jsonw_string(&out.json, "id", backup->id);
                jsonw_bool(&out.json, "partly", partly);
        } else {
                printf(partly ? "%s can be read to its end; to restore it on trial the role needs "
                                "the right to make databases (CREATEDB).\n"
                              : "%s can be restored.\n",
                       backup->id);
        }
        return OK;
}

static enum err restore(struct ctx *ctx, const struct command_options *options,
                        const struct backup_lock *lock, const struct backup *backup)
{
        const struct backup_restore_wish wish = {
                .dry_run = options->dry_run,
                .private_files = options->with_config || options->config_only,
                .no_database = options->config_only,
                .restart_audit = options->restart_audit,
                .no_safety = options->no_safety,
        };
        struct restore_report report = { 0 };
        enum err rc = backup_restore(ctx, lock, backup, &wish, &report);

        if (rc != OK)
                return rc;
        if (options->json)
                print_json(backup, &report, options->dry_run);
        else if (options->dry_run)
                printf("%s can be restored. Dry run - no changes made.\n", backup->id);
        else if (options->config_only)
                printf("Keys and configuration are those of %s now; what was there is beside them "
                       "as *.before-restore. Restart the service.\n",
                       backup->id);
        else
                print_text(backup, &report);
        return OK;
}

enum err cmd_restore(struct ctx *ctx, const struct command_options *options)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup backup;
        enum err rc;

        if (options->to)
                return cmd_restore_to(ctx, options);
        if (!options->operand && !options->dry_run && !options->rehearse)
                return ctx_fail(ctx, ERR_INVALID,
                                "restore needs a BACKUP, which \"simpletuner-cloud backups\" "
                                "lists, or --to TIME");
        rc = backup_find(ctx, options->operand, &backup);
        if (rc == ERR_NOT_FOUND && options->operand && !options->rehearse &&
            db_recover_is_database(ctx, options->operand))
                return cmd_restore_file(ctx, options);
        if (rc == OK)
                rc = backup_lock_take(ctx, &lock);
        if (rc != OK)
                return rc;
        return options->rehearse ? rehearse(ctx, options, &lock, &backup)
                                 : restore(ctx, options, &lock, &backup);
}
