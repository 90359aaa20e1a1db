/* Knowing a small file again: is it still the one that was read, or has it been replaced or
 * changed? A time alone would not tell two files of one tick of the file system's clock apart, nor
 * would the number of a file that may be gone: the mark keeps the file open, so that no other one
 * is given its number meanwhile. */
#ifndef CORE_CLOUD_FILE_MARK_H
#define CORE_CLOUD_FILE_MARK_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "core/base/ctx.h"

struct file_mark {
        int held; /* -1: of no file */
        struct timespec mtime;
        ino_t inode;
        off_t size;
};

#define FILE_MARK_NONE ((struct file_mark){ .held = -1 })

/* Is path still the marked file, unchanged and for its owner alone? */
bool file_mark_holds(const struct file_mark *mark, const char *path);

/* Mark path before it is read. ERR_NOT_FOUND: there is none. ERR_UNAVAILABLE: it cannot be looked
 * at. Release with file_mark_drop. */
NODISCARD enum err file_mark_take(struct ctx *ctx, const char *path, struct file_mark *ret);
void file_mark_drop(struct file_mark *mark);

#endif
