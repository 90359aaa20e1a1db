/* Calls to Vault and being logged in there: a token that is given, or one for an AppRole. Its lease
 * is renewed when two thirds of it are over. After the HTTP API documentation of Vault: auth/token,
 * auth/approle. */
#ifndef CORE_CLOUD_SECRETS_VAULT_CALL_H
#define CORE_CLOUD_SECRETS_VAULT_CALL_H

#include "core/base/json.h"

struct vault_login {
        char *token;  /* owned; NULL: not logged in */
        bool is_ours; /* by AppRole: another can be had */
        bool is_renewable;
        int64_t renew_us, expires_us; /* monotonic; 0: never */
};

struct vault_call {
        const char *method, *path; /* below /v1/ */
        const char *token;         /* NULL: none */
        const char *body;          /* JSON; NULL: none */
};

struct vault_answer {
        long status;
        json_t *json; /* a new reference; NULL: there is none */
};

/* ERR_UNAVAILABLE: no answer. Any status that is one is OK. */
NODISCARD enum err vault_perform(struct ctx *ctx, const struct vault_call *call,
                                 struct vault_answer *ret);
/* ctx_fail for an answer that is not what was hoped for, with Vault's own words, but for those that
 * it says about what we sent. */
NODISCARD enum err vault_refused(struct ctx *ctx, const struct vault_answer *answer,
                                 const char *what);

/* Have a token that is good. ERR_UNAVAILABLE. */
NODISCARD enum err vault_log_in(struct ctx *ctx, struct vault_login *login);
void vault_log_out(struct vault_login *login);

#endif
