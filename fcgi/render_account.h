/* Whether a provider takes the caller's token, as two resources answer it. */
#ifndef FCGI_RENDER_ACCOUNT_H
#define FCGI_RENDER_ACCOUNT_H

#include "fcgi/reply.h"

/* Ask the provider: {"valid", "user_info", "token_source": "user"|"global"|null, "error"}.
 * ERR_NOT_FOUND: no such provider. That it refuses, or is away, is an answer. */
NODISCARD enum err render_account(struct ctx *ctx, const char *provider_id, struct reply *reply);

#endif
