/* Passwords: scrypt (RFC 7914), its parameters and salt kept with the hash as a PHC string,
 * "$scrypt$ln=15,r=8,p=3$salt$hash", so that they can be raised later: whoever logs in with a hash
 * of other parameters gets a new one. Hashing is slow and large on purpose (OWASP: 32 MiB, about a
 * quarter of a second); it never happens inside a transaction, and only so many at once. */
#ifndef CORE_CLOUD_AUTH_PASSWORD_H
#define CORE_CLOUD_AUTH_PASSWORD_H

#include "core/base/crypto.h"

#define PASSWORD_MIN 8
#define PASSWORD_MAX 1024 /* bytes: longer ones are only work */

/* May this be a password? ERR_INVALID names the field and what is allowed. */
NODISCARD enum err password_check_rules(struct ctx *ctx, const char *field, const char *password);

/* *ret_hash: in the arena. ERR_LIMITED: too many are being hashed, with ctx->retry_after_s. */
NODISCARD enum err password_hash(struct ctx *ctx, struct secret password, const char **ret_hash);

/* Is it the password of this hash? hash NULL: it is nobody's, found out in the same time. */
struct password_verdict {
        bool matches;
        bool is_stale; /* it does, and the hash is to be made anew */
};
/* ERR_LIMITED as above. ERR_INTERNAL: the hash is not one of ours. */
NODISCARD enum err password_verify(struct ctx *ctx, struct secret password, const char *hash,
                                   struct password_verdict *ret);

#endif
