/* API keys: what programs show instead of a login. A key is shown once, when it is made; only its
 * SHA-256 is stored. It may what its scopes name, and never more than its user. */
#ifndef CORE_CLOUD_AUTH_API_KEY_H
#define CORE_CLOUD_AUTH_API_KEY_H

#include "core/cloud/auth/permission.h"
#include "core/store/store_api_keys.h"

#define API_KEY_PREFIX   "st_"
#define API_KEY_SIZE     (3 + 32 + 1)
#define API_KEY_NAME_MAX 100
#define API_KEY_DAYS_MAX 365
#define API_KEYS_MAX     200 /* live ones of a user */

/* Set ctx->actor to the key's user, and note the use. ERR_UNAUTHENTICATED: no such key, or it has
 * expired, was revoked, or its user is deactivated: not told apart. ERR_DENIED: its user may not
 * use keys (api.access). Faults. */
NODISCARD enum err api_key_identify(struct ctx *ctx, const char *key);

struct api_key_given {
        const char *name;
        int64_t expires_days;  /* 0: never */
        permission_set scopes; /* bounds what it may, when is_scoped */
        bool is_scoped;
};
struct api_key_made {
        const char *key; /* the one time it can be read */
        struct api_key row;
};
/* Make one for the user (the caller, or, by the companion, any). ERR_DENIED: a scope that the
 * caller has not got, said as the original does. ERR_CONFLICT: too many. */
NODISCARD enum err api_key_new(struct ctx *ctx, int64_t user_id, const struct api_key_given *given,
                               struct api_key_made *ret);

/* Call row for each live or expired key of the user, 0: of all users, the oldest first. */
NODISCARD enum err api_key_list(struct ctx *ctx, int64_t user_id, api_key_row_fn *row, void *arg);

/* Nothing is accepted with it from now on. One's own, or with api.keys.all anybody's.
 * ERR_NOT_FOUND: no such key of the caller's, or it is revoked already. */
NODISCARD enum err api_key_revoke(struct ctx *ctx, int64_t key_id);

/* "active", "expired". */
const char *api_key_state(const struct ctx *ctx, const struct api_key *key);

#endif
