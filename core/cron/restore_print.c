#include "core/cron/restore_print.h"

#include <inttypes.h>
#include <stdio.h>

void restore_print(const struct restore_report *report, const char *what)
{
        if (report->safety)
                printf("The one before it: %s\n", report->safety);
        if (report->from_version != report->to_version)
                printf("Its schema went from version %u to %u.\n", report->from_version,
                       report->to_version);
        if (report->cut_from)
                printf("Entries %" PRId64 " to %" PRId64 " of the audit log are in the one before "
                       "it only.\n",
                       report->cut_from, report->cut_to);
        if (report->replaced_file)
                printf("SQLite refused the file that was there: it was replaced.\n");
        printf("Objects that were uploaded after the %s have no row now: look at "
               "\"simpletuner-cloud storage fsck\" before any \"storage gc\".\n"
               "Jobs that were submitted after it: POST /api/cloud/jobs/sync finds them.\n",
               what);
}

void restore_print_json(struct jsonw *json, const struct restore_report *report)
{
        jsonw_string(json, "safety", report->safety);
        if (report->to_version) {
                jsonw_int(json, "from_version", report->from_version);
                jsonw_int(json, "to_version", report->to_version);
        }
        if (report->cut_from) {
                jsonw_int(json, "audit_cut_from", report->cut_from);
                jsonw_int(json, "audit_cut_to", report->cut_to);
        }
        jsonw_bool(json, "replaced_file", report->replaced_file);
}
