/* The live SQLite database as files, for when it is too damaged to be written to.
 * Private to restore.c. */
#ifndef CORE_CLOUD_BACKUP_RESTORE_FILE_H
#define CORE_CLOUD_BACKUP_RESTORE_FILE_H

#include "core/base/ctx.h"

/* Copy the file, its log and what else is beside it as they are, synced, to
 * FILE.before-restore.TIME. *ret_path: the copy of the file; NULL: there is no file. ERR_NO_SPACE.
 * Faults. */
NODISCARD enum err restore_file_copy_aside(struct ctx *ctx, const char **ret_path);

/* Put a copy of the SQLite file path in the place of a live file that SQLite refuses, or of none.
 * There is a file at every moment, and never the new one beside a log of the old. Connections to
 * the old one notice before their next statement (core/db). ERR_NO_SPACE. Faults. */
NODISCARD enum err restore_file_replace(struct ctx *ctx, const char *path);

#endif
