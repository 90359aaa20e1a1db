#include "core/cron/backup_print.h"

#include <inttypes.h>
#include <stdio.h>

void backup_print_line(const struct backup *backup)
{
        char created[CLOCK_ISO_SIZE];

        clock_format_iso(backup->created_at_us, created);
        printf("%-28s  %s  %9.1f MB  %8" JSON_INTEGER_FORMAT " jobs  schema %u%s%s%s\n", backup->id,
               created, (double)backup->size_bytes / 1e6,
               json_integer_value(json_object_get(backup->rows, "jobs")), backup->schema_version,
               backup->private_bytes ? "  with config" : "", backup->description ? "  " : "",
               backup->description ? backup->description : "");
}
