/* simpletuner-cloud db check: is the database sound? */
#include <stdio.h>

#include "core/cloud/database/upkeep.h"
#include "core/cron/command.h"

static void print_findings(const struct upkeep_finding *finding)
{
        for (; finding; finding = finding->next)
                printf("%s\n", finding->text);
}

enum err cmd_db_check(struct ctx *ctx, const struct command_options *options)
{
        struct upkeep_report report;
        enum err rc = upkeep_verify(ctx, 0, &report);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                upkeep_render_report(&out.json, &report);
        } else {
                print_findings(report.integrity);
                print_findings(report.references);
                printf("Looked at: %s.\n%s\n", report.checked,
                       report.is_valid ? "The database is sound." : "The database is damaged.");
        }
        return report.is_valid ? OK : ctx_fail(ctx, ERR_CONFLICT, "the database is damaged");
}
