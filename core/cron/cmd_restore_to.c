/* simpletuner-cloud restore --to TIME: put the database of a moment back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cloud/wal/wal_restore.h"
#include "core/cron/command.h"
#include "core/cron/restore_print.h"

static void print_reach(const struct wal_reach *reach)
{
        char reached[CLOCK_ISO_SIZE], missing[CLOCK_ISO_SIZE];

        clock_format_iso(reach->reached_us, reached);
        clock_format_iso(reach->missing_us, missing);
        printf("Base: %s, %u segments, %" PRId64 " transactions.\n", reach->generation->id,
               reach->segments, reach->transactions);
        printf("Reached: all that was committed until %s.\n", reached);
        if (reach->missing_us)
                printf("Not in it: what was committed after that; the next look was at %s.\n",
                       missing);
        else
                printf("Nothing later is kept.\n");
}

static void print_text(const struct wal_reach *reach, const struct restore_report *report,
                       bool dry_run)
{
        print_reach(reach);
        if (dry_run) {
                printf("It can be restored. Dry run - no changes made.\n");
                return;
        }
        printf("The database is that of this moment now.\n");
        restore_print(report, "moment");
}

static void print_json(const struct wal_reach *reach, const struct restore_report *report,
                       bool dry_run)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_bool(&out.json, "success", true);
        jsonw_bool(&out.json, "dry_run", dry_run);
        jsonw_string(&out.json, "base", reach->generation->id);
        jsonw_int(&out.json, "segments", reach->segments);
        jsonw_int(&out.json, "transactions", reach->transactions);
        jsonw_time(&out.json, "reached", reach->reached_us);
        jsonw_time(&out.json, "missing_until", reach->missing_us);
        restore_print_json(&out.json, report);
}

enum err cmd_restore_to(struct ctx *ctx, const struct command_options *options)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct wal_restore_wish wish = {
                .to_us = WAL_LATEST,
                .dry_run = options->dry_run,
                .restart_audit = options->restart_audit,
                .no_safety = options->no_safety,
        };
        struct restore_report report = { 0 };
        struct wal_reach reach;
        enum err rc;

        if (options->operand || options->rehearse || options->with_config || options->config_only)
                return ctx_fail(ctx, ERR_INVALID,
                                "restore --to takes no BACKUP, and of the other options only "
                                "--dry-run, --restart-audit, --no-safety and --json");
        if (strcmp(options->to, "latest") != 0 && !clock_parse_iso(options->to, &wish.to_us))
                return ctx_fail(ctx, ERR_INVALID,
                                "--to must be a time as 2026-01-15T10:30:00Z, or latest");
        rc = backup_lock_take(ctx, &lock);
        if (rc == OK)
                rc = wal_restore(ctx, &lock, &wish, &reach, &report);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&reach, &report, options->dry_run);
        else
                print_text(&reach, &report, options->dry_run);
        return OK;
}
