/* Choices that belong to no provider: a name and a value each. */
#ifndef CORE_STORE_STORE_PREFERENCES_H
#define CORE_STORE_STORE_PREFERENCES_H

#include "core/base/ctx.h"

/* The value, in the arena. ERR_NOT_FOUND: nobody chose. */
NODISCARD enum err store_preference_get(struct ctx *ctx, const char *name, const char **ret_value);

/* Inside a transaction. */
NODISCARD enum err store_preference_put(struct ctx *ctx, const char *name, const char *value);

#endif
