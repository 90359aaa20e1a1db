/* Teams of an organisation. Who sees the organisation (core/cloud/auth/org.h) sees them; else
 * ERR_NOT_FOUND. */
#ifndef CORE_CLOUD_AUTH_TEAM_H
#define CORE_CLOUD_AUTH_TEAM_H

#include "core/cloud/auth/org.h"

/* What names one. */
struct team_key {
        int64_t org_id, team_id;
};

/* By name. */
NODISCARD enum err team_list(struct ctx *ctx, int64_t org_id, const struct team **ret);
NODISCARD enum err team_get(struct ctx *ctx, struct team_key key, struct team *ret);

/* Each in a transaction of its own, with its audit row. ERR_INVALID names the field. ERR_CONFLICT:
 * the organisation has a team of the name. */
NODISCARD enum err team_create(struct ctx *ctx, int64_t org_id, const struct org_given *given,
                               struct team *ret);
NODISCARD enum err team_update(struct ctx *ctx, struct team_key key, const struct org_given *given,
                               struct team *ret);
/* Whoever is in it stays in the organisation. */
NODISCARD enum err team_delete(struct ctx *ctx, struct team_key key);

/* Call row for each member, by name. */
NODISCARD enum err team_members(struct ctx *ctx, struct team_key key, member_row_fn *row,
                                void *arg);
/* ERR_NOT_FOUND also: the user is not in the organisation, or not in the team. ERR_DENIED as
 * org_add_member. */
NODISCARD enum err team_add_member(struct ctx *ctx, struct team_key key, int64_t user_id);
NODISCARD enum err team_remove_member(struct ctx *ctx, struct team_key key, int64_t user_id);

#endif
