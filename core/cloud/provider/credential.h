/* Tokens that users have of their own at providers: sealed at rest, used for their jobs in place of
 * the global one, and never shown again. */
#ifndef CORE_CLOUD_PROVIDER_CREDENTIAL_H
#define CORE_CLOUD_PROVIDER_CREDENTIAL_H

#include "core/base/crypto.h"
#include "core/store/store_credentials.h"

/* What is kept of a provider for now: its token. */
#define CREDENTIAL_TOKEN "api_token"

struct provider_session;

/* An owner's token. ERR_NOT_FOUND: there is none. ERR_UNAVAILABLE: it does not open, or faults. */
NODISCARD enum err credential_get(struct ctx *ctx, const char *owner, const char *provider,
                                  struct secret *ret_value);

/* What a user gives; the owner is whoever asks. */
struct credential_given {
        const char *provider, *credential_name, *value;
        const char *description; /* NULL: none */
};

/* Do these name something that is kept? Value and description are not looked at. ERR_INVALID names
 * the field. */
NODISCARD enum err credential_check(struct ctx *ctx, const struct credential_given *given);

/* Store or replace, with the audit row. ERR_INVALID names the field. ERR_CONFLICT: another
 * token than the one that active jobs run under, which it may not know. */
NODISCARD enum err credential_save(struct ctx *ctx, const struct credential_given *given);

/* With the audit row. owner NULL: whoever asks; that he may ask for another's is checked before.
 * ERR_NOT_FOUND. ERR_CONFLICT: jobs are active under it. */
NODISCARD enum err credential_delete(struct ctx *ctx, const char *owner, const char *provider,
                                     const char *name);

/* All of an owner, inside a transaction that ends with him. ERR_CONFLICT: jobs are active under
 * one. */
NODISCARD enum err credential_forget_all(struct ctx *ctx, const char *owner);

/* Those of an owner, NULL: of whoever asks; values stay where they are. */
NODISCARD enum err credential_list(struct ctx *ctx, const char *owner, credential_row_fn *row,
                                   void *arg);

/* The session's token is about to be sent: write that down, at most once a minute. Trouble with
 * that is logged and stops nothing. */
void credential_note_use(struct ctx *ctx, const struct provider_session *session);

#endif
