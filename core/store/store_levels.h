/* Levels as rows, and who has which. What they give are names of permissions, separated by spaces,
 * as core/cloud/auth/permission.h reads them. */
#ifndef CORE_STORE_STORE_LEVELS_H
#define CORE_STORE_STORE_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct level {
        int64_t level_id;
        const char *name, *description;
        int64_t priority; /* the higher the more it is */
        const char *permissions;
        bool is_system; /* never changed, never deleted */
        int64_t created_at_us;
        const struct level *next; /* of a list, NULL: the last */
};

/* Those of a user, or all for user_id 0, the highest first. Everything is in the arena; NULL: none.
 */
NODISCARD enum err store_levels_list(struct ctx *ctx, int64_t user_id, const struct level **ret);

/* Call row for each pair of a user from first_id to last_id and a level of his, the lowest user
 * first, then the highest level; texts live until it returns. */
typedef void user_level_row_fn(void *arg, int64_t user_id, const struct level *level);
NODISCARD enum err store_user_levels_each(struct ctx *ctx, int64_t first_id, int64_t last_id,
                                          user_level_row_fn *row, void *arg);

/* ERR_NOT_FOUND. Everything of *ret is in the arena. */
NODISCARD enum err store_level_get(struct ctx *ctx, int64_t level_id, struct level *ret);
NODISCARD enum err store_level_by_name(struct ctx *ctx, const char *name, struct level *ret);

/* Inside a transaction, as all that follow. ERR_CONFLICT: the name is taken. */
NODISCARD enum err store_level_insert(struct ctx *ctx, const struct level *row,
                                      int64_t *ret_level_id);
/* Everything but its number. ERR_CONFLICT as above. */
NODISCARD enum err store_level_update(struct ctx *ctx, const struct level *row);
/* With its ties to resource rules. ERR_CONFLICT: somebody has it. */
NODISCARD enum err store_level_delete(struct ctx *ctx, int64_t level_id);

/* How many users have it. */
NODISCARD enum err store_level_count_users(struct ctx *ctx, int64_t level_id, int64_t *ret);

/* *ret_changed: 0, the user had it, or had it not, before. */
NODISCARD enum err store_user_level_add(struct ctx *ctx, int64_t user_id, int64_t level_id,
                                        int64_t *ret_changed);
NODISCARD enum err store_user_level_remove(struct ctx *ctx, int64_t user_id, int64_t level_id,
                                           int64_t *ret_changed);
NODISCARD enum err store_user_levels_clear(struct ctx *ctx, int64_t user_id);

#endif
