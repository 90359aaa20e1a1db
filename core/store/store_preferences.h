/* Choices that belong to no provider, as rows of name and value. */
#ifndef CORE_STORE_STORE_PREFERENCES_H
#define CORE_STORE_STORE_PREFERENCES_H

#include "core/base/ctx.h"

/* *ret_value is in the arena. ERR_NOT_FOUND: no choice was made. */
NODISCARD enum err store_preference_get(struct ctx *ctx, const char *name, const char **ret_value);

/* Make a choice; NULL takes it back. Inside a transaction. */
NODISCARD enum err store_preference_put(struct ctx *ctx, const char *name, const char *value);

#endif
