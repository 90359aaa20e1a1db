/* "storage gc": what lies in the storage and no row knows. Files of a key go under its lock and
 * only when they are an hour old; symbolic links and strangers' directories are named and left. */
#ifndef CORE_CLOUD_STORAGE_STORAGE_GC_H
#define CORE_CLOUD_STORAGE_STORAGE_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

enum storage_waste_kind {
        WASTE_TEMPORARY, /* an upload's file whose process has died */
        WASTE_UPLOAD,    /* an upload in parts that nobody goes on with */
        WASTE_PART,      /* a file of parts that no upload knows */
        WASTE_FILE,      /* a file in a bucket that is no object */
        WASTE_BUCKET,    /* the empty directory of a bucket that is gone */
        WASTE_UNKNOWN,   /* nothing of ours: it is left where it is */
        WASTE_COUNT
};
const char *storage_waste_name(enum storage_waste_kind kind);

struct storage_waste {
        enum storage_waste_kind kind;
        const char *path; /* absolute, or the id of an upload */
        int64_t bytes;
        bool removed;
};
typedef void storage_waste_fn(void *arg, const struct storage_waste *waste);

struct storage_gc {
        bool dry_run; /* remove nothing */
        storage_waste_fn *found;
        void *arg;
};

/* found is called for each piece when it is gone, or would be. Faults. */
NODISCARD enum err storage_gc(struct ctx *ctx, const struct storage_gc *gc);

/* The files of all buckets below a root, as one step of it. */
NODISCARD enum err storage_gc_buckets(struct ctx *ctx, const struct storage_gc *gc,
                                      const char *root);

/* Is a file old enough to be nobody's upload? */
struct stat;
bool storage_gc_is_old(const struct ctx *ctx, const struct stat *st);

#endif
