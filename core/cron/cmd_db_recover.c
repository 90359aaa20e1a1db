/* simpletuner-cloud db recover: save what is left of a damaged SQLite database. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/database/db_recover.h"
#include "core/cron/command.h"

static void print_table(const struct sqlite_salvage_table *table)
{
        printf("%-28s %10" PRId64 " rows", table->name, table->rows);
        if (table->is_new)
                printf(", what the table is like was lost");
        if (table->found > 0)
                printf(", %" PRId64 " of them found on pages that nothing leads to", table->found);
        if (table->lost > 0)
                printf(", %" PRId64 " LOST", table->lost);
        if (table->lost < 0)
                printf(", an unknown number LOST");
        if (table->bad_pages > 0)
                printf(" (%u pages cannot be read)", table->bad_pages);
        printf("\n");
}

static void print_text(const struct db_recover_report *report)
{
        const struct sqlite_salvage *salvage = &report->salvage;

        for (const struct sqlite_salvage_table *t = salvage->tables; t; t = t->next) {
                if (t->rows > 0 || t->lost != 0 || t->bad_pages > 0)
                        print_table(t);
        }
        if (!salvage->has_header)
                printf("The header of the file is destroyed.\n");
        if (salvage->missing_pages > 0)
                printf("%u of %u pages are missing at the end.\n", salvage->missing_pages,
                       salvage->pages);
        if (salvage->log_pages > 0)
                printf("%u pages are from the write-ahead log.\n", salvage->log_pages);
        if (salvage->not_made > 0)
                printf("%u tables or indexes could not be made: %s\n", salvage->not_made,
                       salvage->first_not_made);
        if (report->strays)
                printf("%" PRId64 " rows of no known table are in %s.\n", salvage->stray_rows,
                       report->strays);
        printf("integrity_check: %s\n", report->sound ? "ok" : report->unsound);
        if (report->schema_version > 0)
                printf("schema version: %u, this program's is %u\n", report->schema_version,
                       report->newest);
        else
                printf("schema version: not known\n");
        if (report->audit_checked)
                printf("audit log: %s\n", report->audit_valid ? "valid" : "NOT VALID");
        else
                printf("audit log: not checked: %s\n", report->audit_trouble);
        printf("%s\nRecovered into %s; %s is as it was.\n",
               report->complete ? "Nothing is known to be lost." : "Not everything was saved.",
               report->path, report->from);
        printf("A backup may be better: see \"simpletuner-cloud backups\". To use what was saved:\n"
               "simpletuner-cloud restore %s%s\n",
               report->path,
               report->audit_checked && report->audit_valid ? "" : " --restart-audit");
}

static void print_json(const struct db_recover_report *report)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();
        struct jsonw *json = &out.json;
        const struct sqlite_salvage *salvage = &report->salvage;

        jsonw_bool(json, "complete", report->complete);
        jsonw_string(json, "damaged", report->from);
        jsonw_string(json, "output", report->path);
        jsonw_string(json, "lost_and_found", report->strays);
        jsonw_int(json, "stray_rows", salvage->stray_rows);
        jsonw_array(json, "tables");
        for (const struct sqlite_salvage_table *t = salvage->tables; t; t = t->next) {
                jsonw_object(json, NULL);
                jsonw_string(json, "name", t->name);
                jsonw_int(json, "rows", t->rows);
                jsonw_int(json, "found", t->found);
                if (t->lost < 0)
                        jsonw_null(json, "lost");
                else
                        jsonw_int(json, "lost", t->lost);
                jsonw_int(json, "unreadable_pages", t->bad_pages);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
        jsonw_bool(json, "header", salvage->has_header);
        jsonw_int(json, "pages", salvage->pages);
        jsonw_int(json, "missing_pages", salvage->missing_pages);
        jsonw_int(json, "log_pages", salvage->log_pages);
        jsonw_int(json, "not_made", salvage->not_made);
        jsonw_bool(json, "sound", report->sound);
        jsonw_string(json, "unsound", report->unsound);
        jsonw_int(json, "schema_version", report->schema_version);
        jsonw_string(json, "audit",
                     !report->audit_checked ? "not checked"
                     : report->audit_valid  ? "valid"
                                            : "not valid");
}

enum err cmd_db_recover(struct ctx *ctx, const struct command_options *options)
{
        struct db_recover_report report;
        enum err rc = db_recover(ctx, options->from, options->output, &report);

        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&report);
        else
                print_text(&report);
        if (report.complete)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT, "not everything was saved");
}
