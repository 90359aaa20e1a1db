/* Hardware profiles of the provider's trainer models and what a second on them costs. Replicate's
 * API has no prices, so the defaults stand here and the hardware_info setting overrides them. */
#ifndef CORE_CLOUD_HARDWARE_H
#define CORE_CLOUD_HARDWARE_H

#include "core/base/json.h"

#define HARDWARE_DEFAULT "h100"

struct hardware {
        const char *profile;  /* "h100-x2" */
        const char *label;    /* "2x H100" */
        const char *price_id; /* the key in hardware_info: "gpu-h100" */
        unsigned count;       /* cards; the price is that of one, times this */
};

/* Find a profile by any of its spellings: "H100", "1xh100", "advanced-trainer-l40s-x4".
 * ERR_INVALID: none; detail lists the valid ones. */
NODISCARD enum err hardware_find(struct ctx *ctx, const char *name, struct hardware *ret);

/* The n-th profile, for lists; false past the last. */
bool hardware_at(size_t n, struct hardware *ret);

/* USD per second in billionths (1e-9). info: the hardware_info setting or NULL. */
int64_t hardware_price_nanos(const struct hardware *hardware, const json_t *info);

#endif
