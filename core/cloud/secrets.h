/* Named secrets: the process environment first, then $SIMPLETUNER_HOME/secrets.json, which must be
 * readable by its owner alone. The file is read anew whenever it has changed. Thread safe. */
#ifndef CORE_CLOUD_SECRETS_H
#define CORE_CLOUD_SECRETS_H

#include "core/base/crypto.h"

struct secrets;

/* ERR_NOMEM. A missing file is no error. */
NODISCARD enum err secrets_new(struct ctx *ctx, struct secrets **ret);
void secrets_free(struct secrets *secrets);
DEFINE_CLEANUP(struct secrets *, secrets_free)

/* The value, in the arena. ERR_NOT_FOUND | ERR_UNAVAILABLE: the file is unsafe or damaged. */
NODISCARD enum err secrets_get(struct ctx *ctx, const char *name, struct secret *ret);

/* Write or remove one name in the file: locked against other processes, replaced atomically, mode
 * 0600. Removing an absent name succeeds. ERR_UNAVAILABLE: the file cannot be written. */
NODISCARD enum err secrets_put(struct ctx *ctx, const char *name, const char *value);
NODISCARD enum err secrets_delete(struct ctx *ctx, const char *name);

/* Where secrets_put writes. Borrowed. */
const char *secrets_path(const struct secrets *secrets);

#endif
