/* Tokens at providers, and whether a provider takes one, as several resources answer it. */
#ifndef FCGI_RENDER_ACCOUNT_H
#define FCGI_RENDER_ACCOUNT_H

#include "core/cloud/provider/credential.h"
#include "fcgi/reply.h"

/* One token of a list, never its value: a credential_row_fn whose arg is a struct jsonw. */
void render_credential(void *arg, const struct credential_row *row);

/* Ask the provider: {"valid", "user_info", "token_source": "user"|"global"|null, "error"}.
 * ERR_NOT_FOUND: no such provider. That it refuses, or is away, is an answer. */
NODISCARD enum err render_account(struct ctx *ctx, const char *provider_id, struct reply *reply);

#endif
