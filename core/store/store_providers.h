/* Provider settings as rows: one JSON object each, holding only what was set. */
#ifndef CORE_STORE_STORE_PROVIDERS_H
#define CORE_STORE_STORE_PROVIDERS_H

#include "core/base/ctx.h"

/* *ret_config: the JSON text in the arena, "{}" when nothing was set. Faults. */
NODISCARD enum err store_provider_get(struct ctx *ctx, const char *provider,
                                      const char **ret_config);

/* Replace the settings. Inside a transaction, after db_lock on the provider. */
NODISCARD enum err store_provider_put(struct ctx *ctx, const char *provider, const char *config);

#endif
