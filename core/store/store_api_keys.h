/* API keys as rows. Who shows one is found by store_identity_by_key. */
#ifndef CORE_STORE_STORE_API_KEYS_H
#define CORE_STORE_STORE_API_KEYS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct api_key {
        int64_t key_id, user_id;
        const char *username;      /* of user_id; not asked for in an insert */
        const char *name, *prefix; /* prefix: the first characters, to know it by */
        const char *scopes;        /* names of permissions; NULL: all that the user may */
        int64_t created_at_us;
        int64_t expires_at_us;   /* 0: never */
        int64_t last_used_at_us; /* 0: not yet */
};

/* Write a new one; *ret_key_id is its number. Inside a transaction. */
NODISCARD enum err store_api_key_insert(struct ctx *ctx, const struct api_key *row,
                                        const char *key_sha256, int64_t *ret_key_id);

/* One that is not revoked. ERR_NOT_FOUND. Everything of *ret is in the arena. */
NODISCARD enum err store_api_key_get(struct ctx *ctx, int64_t key_id, struct api_key *ret);

/* How many a user has that are neither revoked nor expired. */
NODISCARD enum err store_api_keys_live(struct ctx *ctx, int64_t user_id, int64_t *ret);

/* It is no good from now on. Inside a transaction. ERR_NOT_FOUND: none, or revoked before. */
NODISCARD enum err store_api_key_revoke(struct ctx *ctx, int64_t key_id);
/* The same for all of a user. */
NODISCARD enum err store_api_keys_revoke_all(struct ctx *ctx, int64_t user_id);

/* Inside a transaction: it is used now, unless that was said since since_us; *ret_said: not so. */
NODISCARD enum err store_api_key_used(struct ctx *ctx, int64_t key_id, int64_t since_us,
                                      int64_t *ret_changed);

/* Call row for each that is not revoked, the oldest first; texts live until it returns. user_id 0:
 * of all users. */
typedef void api_key_row_fn(void *arg, const struct api_key *row);
NODISCARD enum err store_api_keys_each(struct ctx *ctx, int64_t user_id, api_key_row_fn *row,
                                       void *arg);

#endif
