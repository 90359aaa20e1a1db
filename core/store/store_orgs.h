/* Organisations, their teams and who is in them, as rows. A user is in one organisation at most,
 * and in teams of it only. */
#ifndef CORE_STORE_STORE_ORGS_H
#define CORE_STORE_STORE_ORGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct org {
        int64_t org_id;
        const char *name, *description;
        int64_t created_at_us;
        int64_t members;
        const struct org *next; /* of a list, NULL: the last */
};
struct team {
        int64_t team_id, org_id;
        const char *name, *description;
        int64_t created_at_us;
        int64_t members;
        const struct team *next;
};

/* By name; of org_id 0 all. Everything is in the arena; NULL: none. */
NODISCARD enum err store_orgs_list(struct ctx *ctx, int64_t org_id, const struct org **ret);
/* ERR_NOT_FOUND. */
NODISCARD enum err store_org_get(struct ctx *ctx, int64_t org_id, struct org *ret);
/* Inside a transaction, as all that write. ERR_CONFLICT: the name is taken. */
NODISCARD enum err store_org_insert(struct ctx *ctx, const struct org *row, int64_t *ret_org_id);
NODISCARD enum err store_org_update(struct ctx *ctx, const struct org *row);
/* With its teams. ERR_CONFLICT: something else still names it. */
NODISCARD enum err store_org_delete(struct ctx *ctx, int64_t org_id);

/* Of an organisation, or those a user is in; the other is 0. By name. */
NODISCARD enum err store_teams_list(struct ctx *ctx, int64_t org_id, int64_t user_id,
                                    const struct team **ret);
/* ERR_NOT_FOUND: the organisation has no such team. */
NODISCARD enum err store_team_get(struct ctx *ctx, int64_t org_id, int64_t team_id,
                                  struct team *ret);
NODISCARD enum err store_team_insert(struct ctx *ctx, const struct team *row, int64_t *ret_team_id);
NODISCARD enum err store_team_update(struct ctx *ctx, const struct team *row);
NODISCARD enum err store_team_delete(struct ctx *ctx, int64_t team_id);

/* *ret_changed: 0, he was in it, or was not, before. */
NODISCARD enum err store_team_member_add(struct ctx *ctx, int64_t team_id, int64_t user_id,
                                         int64_t *ret_changed);
NODISCARD enum err store_team_member_remove(struct ctx *ctx, int64_t team_id, int64_t user_id,
                                            int64_t *ret_changed);
/* Out of all teams. */
NODISCARD enum err store_team_member_clear(struct ctx *ctx, int64_t user_id);

/* Call row for each member of an organisation, or, unless team_id is 0, of that team of it, by
 * name; texts live until it returns. */
struct member {
        int64_t user_id;
        const char *username, *display_name;
        bool is_active;
};
typedef void member_row_fn(void *arg, const struct member *row);
NODISCARD enum err store_members_each(struct ctx *ctx, int64_t org_id, int64_t team_id,
                                      member_row_fn *row, void *arg);

#endif
