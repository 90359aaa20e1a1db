/* Who somebody is, by what was shown: one statement reads the user with all that his rights come
 * from. Users that are deactivated or deleted are not found. */
#ifndef CORE_STORE_STORE_IDENTITY_H
#define CORE_STORE_STORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* Names of permissions, separated by spaces, as core/cloud/auth/permission.h reads them. In the
 * arena.
 */
struct identity {
        int64_t user_id;
        const char *username;
        bool is_admin;
        const char *granted, *denied; /* overrides of what the levels give */
        const char *levels;           /* what all levels of the user give */
};

/* The API key whose SHA-256 in hex this is, unless it is revoked. Its expiry is the caller's to
 * look at. ERR_NOT_FOUND. */
struct api_key_use {
        int64_t key_id, created_at_us;
        const char *scopes;    /* NULL: all that the user may */
        int64_t expires_at_us; /* 0: never */
        int64_t last_used_at_us;
};
NODISCARD enum err store_identity_by_key(struct ctx *ctx, const char *key_sha256,
                                         struct api_key_use *ret_use, struct identity *ret);

/* The session whose cookie has this SHA-256 in hex, also when it has expired. ERR_NOT_FOUND. */
struct session_use {
        const char *session_id;
        int64_t seen_at_us, expires_at_us, lifetime_s;
};
NODISCARD enum err store_identity_by_session(struct ctx *ctx, const char *token_sha256,
                                             struct session_use *ret_use, struct identity *ret);

/* By name, in any case of letters; by id. ERR_NOT_FOUND. */
NODISCARD enum err store_identity_by_name(struct ctx *ctx, const char *username_key,
                                          struct identity *ret);
NODISCARD enum err store_identity_by_id(struct ctx *ctx, int64_t user_id, struct identity *ret);

/* Is there any user, or has there ever been? */
NODISCARD enum err store_identity_any(struct ctx *ctx, bool *ret);

#endif
