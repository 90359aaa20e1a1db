/* The local data sets of a submission: which entries of its dataloader_config name directories of
 * this machine, and whether those may leave it. They may when they are at or below one of
 * SIMPLETUNER_DATA_ROOTS, symbolic links resolved. */
#ifndef CORE_CLOUD_DATA_DATA_SET_H
#define CORE_CLOUD_DATA_DATA_SET_H

#include "core/base/json.h"

#define DATA_SETS_MAX 1000 /* entries of a dataloader_config */

struct data_set {
        const char *field;        /* "dataloader_config[0].instance_data_dir", for messages */
        size_t index;             /* in dataloader_config */
        const char *id, *type;    /* NULL: not said */
        const char *directory;    /* as it was given */
        const char *root, *below; /* the data root, resolved, and the way down from it */
        const char *name;         /* its directory in the archive, no other's */
        bool repeats;             /* another entry before it has the same directory and name */
};

struct data_sets {
        struct data_set *sets;
        size_t count;
};

/* dataloader_config: an array of objects or NULL. ERR_INVALID: an entry is no object, or names a
 * directory that cannot be sent. ERR_DENIED: one that must not be. detail says which. */
NODISCARD enum err data_sets_find(struct ctx *ctx, const json_t *dataloader_config,
                                  struct data_sets *ret);

/* dataloader_config as the provider gets it: instance_data_dir is a directory of the archive. */
NODISCARD enum err data_sets_rename(struct ctx *ctx, const struct data_sets *sets,
                                    const json_t *dataloader_config, const json_t **ret);

/* Open its directory, going down from the root without following a link. *ret_fd is the caller's.
 * ERR_INVALID: it cannot be opened (any more). */
NODISCARD enum err data_set_open(struct ctx *ctx, const struct data_set *set, int *ret_fd);

/* Is a directory of this name never sent? */
bool data_directory_is_refused(const char *name);
/* Is a file of this name left out? */
bool data_file_is_skipped(const char *name);

#endif
