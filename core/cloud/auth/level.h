/* Levels: named sets of permissions that users have. Those the service came with stay as they are.
 */
#ifndef CORE_CLOUD_AUTH_LEVEL_H
#define CORE_CLOUD_AUTH_LEVEL_H

#include "core/base/json.h"
#include "core/store/store_levels.h"

#define LEVEL_NAME_MAX        50
#define LEVEL_DESCRIPTION_MAX 500
#define LEVEL_PRIORITY_MAX    1000

/* What is NULL, or for priority 0, stays as it is; of a new level name must be given. */
struct level_given {
        const char *name; /* 1 to 50 of A-Z a-z 0-9 _ - */
        const char *description;
        const int64_t *priority;   /* 0 to LEVEL_PRIORITY_MAX */
        const json_t *permissions; /* an array of names, "*" and "job.*" among them */
};

/* The highest first; one. ERR_NOT_FOUND. */
NODISCARD enum err level_list(struct ctx *ctx, const struct level **ret);
NODISCARD enum err level_get(struct ctx *ctx, int64_t level_id, struct level *ret);

/* Each in a transaction of its own, with its audit row. What a level gives, before and after, must
 * be within what the one who acts may, and no resource rule may bind him: ERR_DENIED. ERR_INVALID
 * names the field. ERR_CONFLICT: the name is taken; it is a level of the system; the last
 * administrator would be gone. ERR_NOT_FOUND. */
NODISCARD enum err level_create(struct ctx *ctx, const struct level_given *given,
                                struct level *ret);
NODISCARD enum err level_update(struct ctx *ctx, int64_t level_id, const struct level_given *given,
                                struct level *ret);
/* ERR_CONFLICT also: somebody has it. */
NODISCARD enum err level_delete(struct ctx *ctx, int64_t level_id);

#endif
