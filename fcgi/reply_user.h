/* Answers that the resources of identity have in common. */
#ifndef FCGI_REPLY_USER_H
#define FCGI_REPLY_USER_H

#include "fcgi/reply.h"

/* The user as he is now. ERR_NOT_FOUND. */
NODISCARD enum err reply_user(struct ctx *ctx, struct reply *reply, int64_t user_id);

/* {"success": true} */
NODISCARD enum err reply_success(struct ctx *ctx, struct reply *reply);

#endif
