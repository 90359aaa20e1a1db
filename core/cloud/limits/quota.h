/* Quotas as administrators set them: for a user, a level, a team, an organisation or all. What they
 * come to for somebody is quota_status.h, what a submission meets is quota_check.h. */
#ifndef CORE_CLOUD_LIMITS_QUOTA_H
#define CORE_CLOUD_LIMITS_QUOTA_H

#include "core/store/store_quotas.h"

/* What is asked for. At most one of the ids is set; with none it is for all. */
struct quota_given {
        const char *quota_type, *action;            /* action NULL: "block" */
        double limit_value;                         /* USD of costs, else a number */
        int64_t user_id, level_id, team_id, org_id; /* 0: not this one */
};
#define QUOTA_LIMIT_MAX 1e9

/* Set it in place of the one there was of the type for the same. ERR_INVALID: a field, or several
 * ids. ERR_NOT_FOUND: there is no such user, level, team or organisation. */
NODISCARD enum err quota_set(struct ctx *ctx, const struct quota_given *given, struct quota *ret);
/* ERR_NOT_FOUND. */
NODISCARD enum err quota_get(struct ctx *ctx, int64_t quota_id, struct quota *ret);
NODISCARD enum err quota_remove(struct ctx *ctx, int64_t quota_id);
NODISCARD enum err quota_list(struct ctx *ctx, quota_row_fn *row, void *arg);

/* The same of one organisation (team_id 0) or team. Who may not look after all may see and change
 * those of his own only. ERR_NOT_FOUND: there is none, or it is not his, or the quota is not its.
 */
struct quota_group {
        int64_t org_id, team_id;
};
NODISCARD enum err quota_group_list(struct ctx *ctx, const struct quota_group *group,
                                    quota_row_fn *row, void *arg);
NODISCARD enum err quota_group_set(struct ctx *ctx, const struct quota_group *group,
                                   const struct quota_given *given, struct quota *ret);
NODISCARD enum err quota_group_remove(struct ctx *ctx, const struct quota_group *group,
                                      int64_t quota_id);

/* A limit or a use as it is shown: USD of costs, else the number. */
double quota_shown(enum quota_type type, int64_t value);
/* What a type is, for people. */
const char *quota_type_description(enum quota_type type);

#endif
