/* Tags of objects: names and values of the client's own. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_TAGS_H
#define CORE_CLOUD_STORAGE_OBJECT_TAGS_H

#include "core/base/ctx.h"
#include "core/base/json.h"

/* *ret belongs to the arena. ERR_NOT_FOUND. */
NODISCARD enum err object_tags_get(struct ctx *ctx, const char *bucket, const char *key,
                                   json_t **ret);
/* Replace them; NULL: none any more. ERR_NOT_FOUND. */
NODISCARD enum err object_tags_set(struct ctx *ctx, const char *bucket, const char *key,
                                   const json_t *tags);

#endif
