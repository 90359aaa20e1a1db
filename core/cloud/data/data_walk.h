/* Walking over the files of a data set, and over nothing else: directories are opened one by one
 * below the one before, and no symbolic link is followed. */
#ifndef CORE_CLOUD_DATA_DATA_WALK_H
#define CORE_CLOUD_DATA_DATA_WALK_H

#include <stdint.h>

#include "core/cloud/data/data_set.h"

struct data_file {
        int directory;    /* that it is in, open */
        const char *name; /* there */
        const char *path; /* below the data set, UTF-8 */
        int64_t size;     /* when it was looked at */
};

/* What is done with a file; what it returns, if not OK, ends the walk. */
typedef enum err data_file_fn(void *arg, const struct data_file *file);

/* Every regular file, in the order of names. Left out without a word: hidden files and directories,
 * links and devices, and what data_directory_is_refused and data_file_is_skipped say.
 * ERR_INVALID: a directory cannot be read, a name is not UTF-8, too deep, too many files. */
NODISCARD enum err data_walk(struct ctx *ctx, const struct data_set *set, data_file_fn *fn,
                             void *arg);

#endif
