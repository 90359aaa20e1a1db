/* The live SQLite database as files, for when it is too damaged to be a database any more.
 * Private to restore.c. */
#ifndef CORE_CLOUD_RESTORE_FILE_H
#define CORE_CLOUD_RESTORE_FILE_H

#include "core/base/ctx.h"

/* Copy the file and its log aside as they are, synced. *ret_path: the copy of the file; NULL: there
 * is no file. ERR_NO_SPACE. Faults. */
NODISCARD enum err restore_file_copy_aside(struct ctx *ctx, const char **ret_path);

/* Put the SQLite file path, which is a copy to be used up, in the place of a live file that is no
 * database. There is a file at every moment, and never the new one beside a log of the old. */
NODISCARD enum err restore_file_replace(struct ctx *ctx, const char *path);

#endif
