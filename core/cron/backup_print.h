/* How the commands about backups show one. */
#ifndef CORE_CRON_BACKUP_PRINT_H
#define CORE_CRON_BACKUP_PRINT_H

#include "core/base/jsonw.h"
#include "core/cloud/backup/backup.h"

void backup_print_line(const struct backup *backup);

#endif
