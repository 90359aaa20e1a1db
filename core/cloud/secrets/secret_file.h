/* The file of secrets: $SIMPLETUNER_SECRETS_FILE, else the first there is of secrets.json,
 * secrets.yaml and secrets.yml in the home directory. A flat map, for its owner alone, read anew
 * whenever it has changed. Thread safe. */
#ifndef CORE_CLOUD_SECRETS_SECRET_FILE_H
#define CORE_CLOUD_SECRETS_SECRET_FILE_H

#include "core/base/json.h"

struct secret_store;

/* ERR_NOMEM. */
NODISCARD enum err secret_store_new(struct ctx *ctx, struct secret_store **ret);
void secret_store_free(struct secret_store *store);
DEFINE_CLEANUP(struct secret_store *, secret_store_free)

/* The value, in the arena. ERR_NOT_FOUND. ERR_UNAVAILABLE: the file is unsafe or damaged. */
NODISCARD enum err secret_store_get(struct ctx *ctx, struct secret_store *store, const char *name,
                                    const char **ret);
NODISCARD enum err secret_store_names(struct ctx *ctx, struct secret_store *store, json_t *ret);

/* Write one name, or with value NULL remove it: locked against other processes, replaced
 * atomically, in the form that the file has. ret_was, which may be NULL: it was there before.
 * ERR_UNAVAILABLE. */
NODISCARD enum err secret_store_put(struct ctx *ctx, struct secret_store *store, const char *name,
                                    const char *value, bool *ret_was);

/* The file that is read, or that would be made. Borrowed. */
const char *secret_store_path(const struct secret_store *store);

#endif
