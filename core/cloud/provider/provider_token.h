/* The global token of a provider, which serves everyone without one of their own. Kept in the
 * secrets file; an environment variable of its name wins over it. */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_TOKEN_H
#define CORE_CLOUD_PROVIDER_PROVIDER_TOKEN_H

#include "core/cloud/provider/provider.h"

/* The form of a token: one word, with the provider's prefix. *ret_token: without blanks around it,
 * in the arena. ERR_INVALID: it is not so; field names it in the text. */
NODISCARD enum err provider_token_check(struct ctx *ctx, const struct provider *provider,
                                        const char *field, const char *token,
                                        struct secret *ret_token);

/* Save the token and try it. ERR_INVALID: empty or of the wrong form. *ret_problem: why the
 * provider did not take it, NULL when it did. */
NODISCARD enum err provider_token_save(struct ctx *ctx, const char *id, const char *token,
                                       const char **ret_problem);
NODISCARD enum err provider_token_delete(struct ctx *ctx, const char *id);

#endif
