/* What commands about secrets show. */
#ifndef CORE_CRON_SECRET_PRINT_H
#define CORE_CRON_SECRET_PRINT_H

#include "core/cloud/secrets/secrets.h"

/* The source that a name comes from, NULL: none has it. ERR_UNAVAILABLE: one cannot be asked. */
NODISCARD enum err secret_print_source(struct ctx *ctx, const char *name, const char **ret);

/* A value as it may be shown: its last letters, of one that is long. */
#define SECRET_MASK_SIZE 16
void secret_print_mask(struct secret value, char ret[SECRET_MASK_SIZE]);

#endif
