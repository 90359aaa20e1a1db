/* A user as the one who acts: what somebody's levels and overrides come to, and becoming him for
 * the rest of the request. */
#ifndef CORE_CLOUD_AUTH_IDENTITY_H
#define CORE_CLOUD_AUTH_IDENTITY_H

#include "core/cloud/auth/permission.h"
#include "core/store/store_identity.h"

/* All of them for an administrator; else what the levels give and the grants add, without the
 * denied ones. */
permission_set identity_rights(const struct identity *identity);

/* The actor that an identity is. scopes: names of permissions that bound what it may, NULL: none
 * do. Its texts are those of identity. */
struct actor identity_actor(const struct identity *identity, enum actor_via via,
                            const char *scopes);

/* A user's name as it is compared: in lower case. In the arena, NULL: out of memory. */
const char *identity_name_key(struct ctx *ctx, const char *username);

/* Is there any user, or has there ever been? Once there was, it is so for ever, and remembered.
 * Faults. */
NODISCARD enum err identity_any(struct ctx *ctx, bool *ret);

#endif
