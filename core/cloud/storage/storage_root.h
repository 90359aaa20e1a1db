/* The directories that buckets are in: the settings may have named several over time. */
#ifndef CORE_CLOUD_STORAGE_STORAGE_ROOT_H
#define CORE_CLOUD_STORAGE_STORAGE_ROOT_H

#include <stdbool.h>

#include "core/base/ctx.h"

/* A walk over them: those of all buckets, and the one where new buckets are made. */
struct storage_roots {
        const char *after;   /* begin with "" */
        const char *current; /* where new buckets are made; NULL: not asked yet */
        bool met, done;      /* current */
};
#define STORAGE_ROOTS ((struct storage_roots){ .after = "" })

/* The next one, in ctx->arena like all that the walk remembers. ERR_NOT_FOUND: no more. Faults. */
NODISCARD enum err storage_root_next(struct ctx *ctx, struct storage_roots *roots,
                                     const char **ret_root);

/* What its file system has to give. ERR_NOT_FOUND: the directory is not there. ERR_UNAVAILABLE. */
NODISCARD enum err storage_root_free(struct ctx *ctx, const char *root, int64_t *ret_bytes);

#endif
