/* What a source over the network has, kept: for SIMPLETUNER_SECRETS_TTL, that a name is missing for
 * SECRET_MISSING_S, a failure for SECRET_RETRY_S. While the source is away what was there last goes
 * on to serve, until it is SIMPLETUNER_SECRETS_MAX_STALE old. One thread asks at a time; others
 * take what there is, or wait SECRET_WAIT_MS at most. Nothing is asked inside a transaction. */
#ifndef CORE_CLOUD_SECRETS_SECRET_CACHE_H
#define CORE_CLOUD_SECRETS_SECRET_CACHE_H

#include "core/cloud/secrets/secret_source.h"
#include "core/cloud/secrets/secrets.h"

#define SECRET_MISSING_S 15
#define SECRET_RETRY_S   10
#define SECRET_WAIT_MS   3000
#define SECRET_CALL_S    5 /* the longest that one call may take */

struct secret_cache;

/* ERR_NOMEM. */
NODISCARD enum err secret_cache_new(struct ctx *ctx, const struct secret_source *source,
                                    struct secret_cache **ret);
void secret_cache_free(struct secret_cache *cache);

/* As secrets_get. */
NODISCARD enum err secret_cache_get(struct ctx *ctx, struct secret_cache *cache, const char *name,
                                    const char **ret);
/* The names it has. As secrets_get. */
NODISCARD enum err secret_cache_names(struct ctx *ctx, struct secret_cache *cache, json_t *ret);

void secret_cache_flush(struct secret_cache *cache);
/* Ask again when it was asked before and three quarters of its time are over. */
void secret_cache_keep(struct ctx *ctx, struct secret_cache *cache);

/* ERR_NOMEM. */
NODISCARD enum err secret_cache_status(struct ctx *ctx, struct secret_cache *cache,
                                       struct secret_status *ret);

#endif
