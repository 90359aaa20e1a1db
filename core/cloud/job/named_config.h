/* Training configurations kept on this machine, to be submitted by name:
 * $SIMPLETUNER_HOME/config/jobs/{name}.json holds either {"config": {...}, "dataloader_config":
 * [...]} or the configuration itself. */
#ifndef CORE_CLOUD_JOB_NAMED_CONFIG_H
#define CORE_CLOUD_JOB_NAMED_CONFIG_H

#include "core/base/json.h"

struct named_config {
        const json_t *config;            /* an object */
        const json_t *dataloader_config; /* an array, NULL when there is none */
};

/* Both trees are the arena's. ERR_INVALID: the name is no file name of ours, there is no such file,
 * or it does not hold a configuration. ERR_UNAVAILABLE: it cannot be read. */
NODISCARD enum err named_config_load(struct ctx *ctx, const char *name, struct named_config *ret);

/* The names there are, sorted, in the arena; none when there is no such directory. */
NODISCARD enum err named_config_list(struct ctx *ctx, const char *const **ret_names,
                                     size_t *ret_count);

#endif
