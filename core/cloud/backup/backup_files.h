/* Names and files of backups: what an id looks like, and directories that are made under a hidden
 * name and appear whole. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_FILES_H
#define CORE_CLOUD_BACKUP_BACKUP_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/cloud/backup/backup_lock.h"

#define BACKUP_NEW      ".new-" /* what the names of unfinished things begin with */
#define BACKUP_ID_SIZE  80
#define BACKUP_NAME_MAX 40

/* YYYYmmdd_HHMMSS_mmm, then perhaps _name. */
bool backup_is_id(const char *id);

/* A new id of now, one that the directory does not have. name: letters, digits, "-", "_", "." and
 * blanks, which become "_"; NULL or "": none. ERR_INVALID: it is not that. Faults. */
NODISCARD enum err backup_new_id(struct ctx *ctx, const struct backup_lock *lock, const char *name,
                                 char ret_id[BACKUP_ID_SIZE]);

/* Remove a directory of plain files, or a file. Symbolic links are removed, never followed.
 * False: errno says why something is left. */
bool backup_files_remove(int dir_fd, const char *name);

/* The bytes of the files of a directory; -1: it is none. */
int64_t backup_files_size(int dir_fd, const char *name);

/* Bytes that may still be written where fd is: what is free beyond SIMPLETUNER_MIN_FREE_BYTES.
 * ERR_NO_SPACE: it is less than needed; what says for what. */
NODISCARD enum err backup_need_space(struct ctx *ctx, int fd, int64_t needed, const char *what);

/* A hidden directory in the making. */
struct backup_new {
        int parent_fd, fd; /* fd -1: none */
        char name[BACKUP_ID_SIZE + 16];
        const char *path; /* in the arena */
};
#define BACKUP_NEW_NONE ((struct backup_new){ .parent_fd = -1, .fd = -1 })
NODISCARD enum err backup_new_begin(struct ctx *ctx, const struct backup_lock *lock,
                                    const char *what, struct backup_new *ret);
/* A path of a file in it, in the arena; NULL: out of memory. */
const char *backup_new_path(struct ctx *ctx, const struct backup_new *made, const char *file);
/* All is written: sync it, and give it its name. */
NODISCARD enum err backup_new_end(struct ctx *ctx, struct backup_new *made, const char *id);
void backup_new_drop(struct backup_new *made); /* for CLEANUP: remove it unless it was ended */

#endif
