/* Data sets measured and packed: one ZIP archive in a temporary file without a name, in which each
 * data set is a directory. */
#ifndef CORE_CLOUD_DATA_DATA_PACK_H
#define CORE_CLOUD_DATA_DATA_PACK_H

#include "core/cloud/data/data_set.h"

struct data_total {
        int64_t files, bytes;
};

/* What the provider takes. */
struct data_limit {
        const char *provider; /* its name, for messages */
        int64_t max_bytes;
};

/* One data set's files. Fails as data_walk does. */
NODISCARD enum err data_measure(struct ctx *ctx, const struct data_set *set,
                                struct data_total *ret);

struct data_packing {
        const struct data_sets *sets;
        struct data_limit limit;
        /* Hears how many bytes of the files are packed, none while they are measured. False: stop.
         * NULL: nobody asks. */
        bool (*step)(void *arg, int64_t done_bytes);
        void *arg;
};

/* All of them, each directory once. ERR_INVALID: no files, or more than the limit. ERR_CONFLICT:
 * step said stop. */
NODISCARD enum err data_measure_all(struct ctx *ctx, const struct data_packing *packing,
                                    struct data_total *ret);

/* *ret_fd: the archive, the caller's to close, which is the end of it; data_pack_path names it for
 * those who open files by name. ERR_INVALID: as data_measure_all, or a file cannot be read.
 * ERR_CONFLICT: step said stop. ERR_NO_SPACE. ERR_UNAVAILABLE: it cannot be written. */
NODISCARD enum err data_pack(struct ctx *ctx, const struct data_packing *packing, int *ret_fd,
                             int64_t *ret_size);
/* NULL: out of memory. In the arena. */
const char *data_pack_path(struct ctx *ctx, int fd);

#endif
