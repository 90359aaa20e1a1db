/* Pictures of users: PNG, JPEG, GIF or WebP of at most 512 KB, as their bytes say themselves. */
#ifndef CORE_CLOUD_AUTH_USER_AVATAR_H
#define CORE_CLOUD_AUTH_USER_AVATAR_H

#include "core/base/ctx.h"

#define AVATAR_MAX ((size_t)512 * 1024)

/* One's own, from a "data:image/png;base64,..." URL (RFC 2397). ERR_INVALID: it is none, or not of
 * these types, or too large. ERR_NOT_FOUND: the one who acts has no account. */
NODISCARD enum err user_avatar_set(struct ctx *ctx, const char *data_url);
/* ERR_NOT_FOUND: there is none. */
NODISCARD enum err user_avatar_remove(struct ctx *ctx);

struct avatar {
        const char *content_type; /* "image/png" */
        const unsigned char *bytes;
        size_t len;
};
/* Anybody's, in the arena. ERR_NOT_FOUND: no picture, or no such user. */
NODISCARD enum err user_avatar_get(struct ctx *ctx, int64_t user_id, struct avatar *ret);

#endif
