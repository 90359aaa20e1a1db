/* What a restore has done to the database in place, for people and for scripts. */
#ifndef CORE_CRON_RESTORE_PRINT_H
#define CORE_CRON_RESTORE_PRINT_H

#include "core/base/jsonw.h"
#include "core/cloud/backup/restore.h"

/* what was put back: "backup" or "moment". */
void restore_print(const struct restore_report *report, const char *what);
/* Members of an open object. */
void restore_print_json(struct jsonw *json, const struct restore_report *report);

#endif
