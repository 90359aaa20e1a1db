/* Failed logins in a row, by the name that was given. */
#ifndef CORE_STORE_STORE_LOGINS_H
#define CORE_STORE_STORE_LOGINS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct login_failures {
        int64_t failures;
        int64_t failed_at_us; /* the last of them */
        int64_t until_us;     /* no password is looked at before */
};
/* ERR_NOT_FOUND: none. */
NODISCARD enum err store_login_failures(struct ctx *ctx, const char *name_sha256,
                                        struct login_failures *ret);
/* Inside a transaction each. */
NODISCARD enum err store_login_failures_put(struct ctx *ctx, const char *name_sha256,
                                            const struct login_failures *row);
NODISCARD enum err store_login_failures_clear(struct ctx *ctx, const char *name_sha256);
/* At most limit of those that are older. */
NODISCARD enum err store_login_failures_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                              int64_t *ret_pruned);

#endif
