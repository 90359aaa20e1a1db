/* Pictures of users as rows. */
#ifndef CORE_STORE_STORE_AVATARS_H
#define CORE_STORE_STORE_AVATARS_H

#include "core/base/ctx.h"

struct avatar_row {
        const char *content_type, *bytes_base64;
};

/* Inside a transaction: write, or replace what is there. */
NODISCARD enum err store_avatar_put(struct ctx *ctx, int64_t user_id, const struct avatar_row *row);
/* Inside a transaction. ERR_NOT_FOUND. */
NODISCARD enum err store_avatar_delete(struct ctx *ctx, int64_t user_id);
/* Everything of *ret is in the arena. ERR_NOT_FOUND. */
NODISCARD enum err store_avatar_get(struct ctx *ctx, int64_t user_id, struct avatar_row *ret);

#endif
