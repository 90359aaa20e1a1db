/* Who says that somebody is this user: a password here ("local"), or the front server ("remote").
 */
#ifndef CORE_CLOUD_AUTH_USER_PROVIDER_H
#define CORE_CLOUD_AUTH_USER_PROVIDER_H

#include "core/cloud/auth/user.h"

/* Leave a user to the front server, or take him back: USER_LOCAL or USER_REMOTE. His password and
 * his sessions end in both cases; his keys and his levels stay. What is so already changes nothing.
 * ERR_NOT_FOUND: there is no such user. ERR_DENIED: he may more than the caller. Faults. */
NODISCARD enum err user_set_provider(struct ctx *ctx, int64_t user_id, const char *provider);

#endif
