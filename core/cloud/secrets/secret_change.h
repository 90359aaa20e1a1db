/* Secrets that a person changes in the file of secrets: checked, and audited as "secret.set" and
 * "secret.deleted". Values are not in the log. */
#ifndef CORE_CLOUD_SECRETS_SECRET_CHANGE_H
#define CORE_CLOUD_SECRETS_SECRET_CHANGE_H

#include "core/base/ctx.h"

#define SECRET_NAME_MAX  128
#define SECRET_VALUE_MAX (64 * KiB)

/* Is it letters, digits and "_.-", at most SECRET_NAME_MAX? ERR_INVALID. */
NODISCARD enum err secret_check_name(struct ctx *ctx, const char *name);

/* ERR_INVALID: the name, or a value that is empty, too long or no UTF-8. ERR_UNAVAILABLE: the file
 * cannot be written. */
NODISCARD enum err secret_set(struct ctx *ctx, const char *name, const char *value);

/* ERR_NOT_FOUND: the file has no such name. */
NODISCARD enum err secret_remove(struct ctx *ctx, const char *name);

#endif
