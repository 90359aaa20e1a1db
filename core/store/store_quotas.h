/* Quotas as rows, and what is counted against them. */
#ifndef CORE_STORE_STORE_QUOTAS_H
#define CORE_STORE_STORE_QUOTAS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

enum quota_type {
        QUOTA_COST_MONTHLY, /* what the jobs of 30 days cost */
        QUOTA_COST_DAILY,   /* of 24 hours */
        QUOTA_CONCURRENT_JOBS,
        QUOTA_JOBS_PER_DAY,  /* submitted in 24 hours */
        QUOTA_JOBS_PER_HOUR, /* in 60 minutes */
        QUOTA_LOCAL_GPUS,    /* jobs in the cloud use none */
        QUOTA_TYPE_COUNT
};
/* From the mildest to the strictest. */
enum quota_action { QUOTA_WARN, QUOTA_REQUIRE_APPROVAL, QUOTA_BLOCK, QUOTA_ACTION_COUNT };
enum quota_scope { QUOTA_USER, QUOTA_LEVEL, QUOTA_TEAM, QUOTA_ORG, QUOTA_GLOBAL };

/* "cost_monthly", "require_approval", "team". */
const char *quota_type_name(enum quota_type type);
const char *quota_action_name(enum quota_action action);
const char *quota_scope_name(enum quota_scope scope);
bool quota_type_parse(const char *name, enum quota_type *ret);
bool quota_action_parse(const char *name, enum quota_action *ret);
/* Is its limit in USD micros? Else it is a number. */
static inline bool quota_type_is_money(enum quota_type type)
{
        return type == QUOTA_COST_MONTHLY || type == QUOTA_COST_DAILY;
}

struct quota {
        int64_t quota_id;
        enum quota_type type;
        int64_t limit;
        enum quota_action action;
        enum quota_scope scope;
        int64_t scope_id; /* of the user, level, team or organisation; 0 for QUOTA_GLOBAL */
        int64_t created_at_us, updated_at_us;
        const char *created_by;
};

/* Write the quota of its type for its scope in place of the one there was; *ret_id is its number.
 * Inside a transaction. ERR_CONFLICT: there is no such user, level, team or organisation. */
NODISCARD enum err store_quota_put(struct ctx *ctx, const struct quota *quota, int64_t *ret_id);
/* The one that there is of the type for the scope; by its number. ERR_NOT_FOUND. */
NODISCARD enum err store_quota_find(struct ctx *ctx, const struct quota *like, struct quota *ret);
NODISCARD enum err store_quota_get(struct ctx *ctx, int64_t quota_id, struct quota *ret);
NODISCARD enum err store_quota_delete(struct ctx *ctx, int64_t quota_id);

/* Call row for each, by type and scope; texts live until it returns. Of one scope: scope_id is
 * that of a team or an organisation. */
typedef void quota_row_fn(void *arg, const struct quota *quota);
NODISCARD enum err store_quotas_each(struct ctx *ctx, quota_row_fn *row, void *arg);
NODISCARD enum err store_quotas_of(struct ctx *ctx, enum quota_scope scope, int64_t scope_id,
                                   quota_row_fn *row, void *arg);
/* All that touch a user: his own, those of his levels and teams and of his organisation, and those
 * for all. user_id 0: those for all. */
NODISCARD enum err store_quotas_for(struct ctx *ctx, int64_t user_id, quota_row_fn *row, void *arg);

/* Is there such a user, level, team or organisation? *ret_org_id: that of a team, else 0. */
NODISCARD enum err store_quota_target(struct ctx *ctx, enum quota_scope scope, int64_t scope_id,
                                      int64_t *ret_org_id);
/* Is the user of this team; of this organisation? */
NODISCARD enum err store_quota_member(struct ctx *ctx, enum quota_scope scope, int64_t scope_id,
                                      int64_t user_id, bool *ret);

/* What an owner has used of a type by now. */
NODISCARD enum err store_quota_used(struct ctx *ctx, enum quota_type type, const char *owner,
                                    int64_t *ret);

/* A job was submitted: it counts for two days, also when it is deleted. Inside a transaction. */
struct job;
NODISCARD enum err store_ledger_add(struct ctx *ctx, const struct job *job);
NODISCARD enum err store_ledger_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                      int64_t *ret_pruned);
/* How many the owner has submitted since; whether he ever has. */
NODISCARD enum err store_ledger_count(struct ctx *ctx, const char *owner, int64_t since_us,
                                      int64_t *ret_count);
NODISCARD enum err store_ledger_any(struct ctx *ctx, const char *owner, bool *ret);

/* Somebody is over a quota: *ret_first when that was not written down within the last minute.
 * Inside a transaction. */
NODISCARD enum err store_quota_excess(struct ctx *ctx, const char *owner, enum quota_type type,
                                      bool *ret_first);

#endif
