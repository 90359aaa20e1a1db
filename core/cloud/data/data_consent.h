/* May local data sets be sent to providers at all? One answer for the installation: "ask" (the
 * default: each submission says so itself), "allow" or "deny". */
#ifndef CORE_CLOUD_DATA_DATA_CONSENT_H
#define CORE_CLOUD_DATA_DATA_CONSENT_H

#include <stdbool.h>

#include "core/base/ctx.h"

/* The answers, NULL-terminated. */
extern const char *const data_consent_choices[];

/* One of the choices; lives as long as the program. Faults. */
NODISCARD enum err data_consent_get(struct ctx *ctx, const char **ret_consent);
/* consent is one of the choices. Audited. Faults. */
NODISCARD enum err data_consent_set(struct ctx *ctx, const char *consent);

/* OK: this submission's data may be sent. given: its body says so. ERR_DENIED: the answer is deny.
 * ERR_CONFLICT: it is ask, and the body does not say so. */
NODISCARD enum err data_consent_require(struct ctx *ctx, bool given);

#endif
