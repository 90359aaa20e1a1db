/* Organisations and their teams. Who may administer users (admin.users) sees and manages all;
 * whoever else has a permission of org or team has it for his own organisation, and does not learn
 * of others: ERR_NOT_FOUND. */
#ifndef CORE_CLOUD_AUTH_ORG_H
#define CORE_CLOUD_AUTH_ORG_H

#include "core/store/store_orgs.h"

#define ORG_NAME_MAX        100
#define ORG_DESCRIPTION_MAX 500

/* Those that the one who acts may know of, by name. Faults. */
NODISCARD enum err org_list(struct ctx *ctx, const struct org **ret);
/* ERR_NOT_FOUND. */
NODISCARD enum err org_get(struct ctx *ctx, int64_t org_id, struct org *ret);

/* What is NULL stays as it is; of a new one name must be given. */
struct org_given {
        const char *name, *description;
};

/* Each in a transaction of its own, with its audit row. ERR_INVALID names the field. ERR_CONFLICT:
 * the name is taken. ERR_NOT_FOUND. */
NODISCARD enum err org_create(struct ctx *ctx, const struct org_given *given, struct org *ret);
NODISCARD enum err org_update(struct ctx *ctx, int64_t org_id, const struct org_given *given,
                              struct org *ret);
/* With its teams. ERR_CONFLICT: somebody is in it. */
NODISCARD enum err org_delete(struct ctx *ctx, int64_t org_id);

/* Call row for each member, by name. */
NODISCARD enum err org_members(struct ctx *ctx, int64_t org_id, member_row_fn *row, void *arg);
/* ERR_DENIED: the user may more than the one who acts; or is himself, who may not everything: the
 * limits of an organisation bind him. ERR_CONFLICT: he is in another organisation. ERR_NOT_FOUND
 * also: there is no such user; for who may not administer users, as well one of an organisation. */
NODISCARD enum err org_add_member(struct ctx *ctx, int64_t org_id, int64_t user_id);
/* Out of its teams too. ERR_DENIED as above. ERR_NOT_FOUND: he is not in it. */
NODISCARD enum err org_remove_member(struct ctx *ctx, int64_t org_id, int64_t user_id);

#endif
