/* "storage usage": what lies in the storage, and what room there is. */
#ifndef CORE_CLOUD_STORAGE_STORAGE_USAGE_H
#define CORE_CLOUD_STORAGE_STORAGE_USAGE_H

#include "core/store/store_buckets.h"

struct storage_usage {
        int64_t buckets, files, bytes, part_bytes; /* part_bytes: of unfinished uploads */
};

/* Called for each bucket by name. */
typedef void bucket_usage_fn(void *arg, const struct bucket *bucket, int64_t part_bytes);
/* Of all of them together. Faults. */
NODISCARD enum err storage_usage(struct ctx *ctx, bucket_usage_fn *row, void *arg,
                                 struct storage_usage *ret);

#endif
