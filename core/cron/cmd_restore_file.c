/* simpletuner-cloud restore FILE.db: put a plain SQLite file in the place of the database. */
#include <stdio.h>

#include "core/cloud/database/db_recover.h"
#include "core/cron/command.h"

enum err cmd_restore_file(struct ctx *ctx, const struct command_options *options)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        const struct restore_wish wish = {
                .path = options->operand,
                .source = options->operand,
                .restart_audit = options->restart_audit,
                .no_safety = options->no_safety,
        };
        struct restore_report report = { 0 };
        enum err rc = backup_lock_take(ctx, &lock);

        if (rc == OK)
                rc = db_recover_put_back(ctx, &lock, &wish, options->dry_run, &report);
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_bool(&out.json, "success", true);
                jsonw_bool(&out.json, "dry_run", options->dry_run);
                jsonw_string(&out.json, "safety", report.safety);
                jsonw_bool(&out.json, "replaced_file", report.replaced_file);
        } else if (options->dry_run) {
                printf("%s can be restored. Dry run - no changes made.\n", options->operand);
        } else {
                printf("The database is that of %s now.\n", options->operand);
                if (report.safety)
                        printf("The one before it: %s\n", report.safety);
                if (report.replaced_file)
                        printf("SQLite refused the file that was there: it was replaced.\n");
        }
        return OK;
}
