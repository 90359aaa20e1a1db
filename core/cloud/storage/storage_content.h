/* Is the content of an object what its row says: its hashes, or the hashes of its parts. */
#ifndef CORE_CLOUD_STORAGE_STORAGE_CONTENT_H
#define CORE_CLOUD_STORAGE_STORAGE_CONTENT_H

#include <stdbool.h>

#include "core/store/store_objects.h"

/* Read an open file from its beginning. *ret_same is true also where the row has nothing to compare
 * with. ERR_UNAVAILABLE: it cannot be read. */
NODISCARD enum err storage_content_check(struct ctx *ctx, int fd, const struct object *object,
                                         bool *ret_same);

#endif
