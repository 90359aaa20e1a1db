/* Hardware profiles and what a second on them costs. Those of Replicate's trainer models stand
 * here, with prices, which its API does not tell and the hardware_info setting overrides; those of
 * other providers are what that setting lists: {id: {"name"?: text, "cost_per_second": USD}}. */
#ifndef CORE_CLOUD_JOB_HARDWARE_H
#define CORE_CLOUD_JOB_HARDWARE_H

#include "core/base/json.h"

#define HARDWARE_DEFAULT "h100"

struct hardware {
        const char *profile;  /* "h100-x2" */
        const char *label;    /* "2x H100" */
        const char *price_id; /* the key in hardware_info: "gpu-h100" */
        const char *card;     /* what one is: "H100 (80GB)" */
        unsigned count;       /* cards; the price is that of one, times this */
};

/* Find a profile by any of its spellings: "H100", "1xh100", "advanced-trainer-l40s-x4".
 * ERR_INVALID: none; detail lists the valid ones. */
NODISCARD enum err hardware_find(struct ctx *ctx, const char *name, struct hardware *ret);

/* The n-th profile, for lists; false past the last. */
bool hardware_at(size_t n, struct hardware *ret);

/* The same for profiles that the setting lists, by their very ids; without a list there is one,
 * "default", which costs nothing. Texts are borrowed from info and name. */
NODISCARD enum err hardware_listed_find(struct ctx *ctx, const json_t *info, const char *name,
                                        struct hardware *ret);
bool hardware_listed_at(const json_t *info, size_t n, struct hardware *ret);

/* What one card is called: by the setting, else by us. */
const char *hardware_card_name(const struct hardware *hardware, const json_t *info);

/* USD per second in billionths (1e-9). info: the hardware_info setting or NULL. */
int64_t hardware_price_nanos(const struct hardware *hardware, const json_t *info);

#endif
