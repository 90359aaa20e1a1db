/* The audit log as it is looked at: pages, totals and figures.
 *
 * What a page and its total cost: a page reads what it shows. The total without any condition, or
 * with types alone, is added up from the counts that appending keeps. With one other condition it
 * is counted in that condition's index alone; with several, those entries are looked at that match
 * the leading one: the first given of target_id, actor_id, actor, types, target_type. */
#ifndef CORE_STORE_STORE_AUDIT_LIST_H
#define CORE_STORE_STORE_AUDIT_LIST_H

#include "core/store/store_audit.h"

#define AUDIT_TYPES_MAX 8

struct audit_filter {
        const char *types[AUDIT_TYPES_MAX];          /* any of these; all NULL: any */
        const char *actor, *target_type, *target_id; /* NULL: any */
        int64_t actor_id;                            /* 0: any */
        int64_t since_us, until_us;                  /* both included; 0: no bound */
        int64_t before_id;                           /* 0: from the newest */
        unsigned limit, offset; /* of the rows to call for; a count ignores both and before_id */
};

/* Call row for each match, newest first; texts live until it returns. */
typedef void audit_row_fn(void *arg, const struct audit_row *row);
NODISCARD enum err store_audit_each(struct ctx *ctx, const struct audit_filter *filter,
                                    audit_row_fn *row, void *arg);
/* How many match. */
NODISCARD enum err store_audit_count(struct ctx *ctx, const struct audit_filter *filter,
                                     int64_t *ret_count);

/* What a user did and what was done to that user: actor_id, or target_type "user" with this number
 * as target_id. Of filter, actor_id, before_id, limit and offset count. */
NODISCARD enum err store_audit_user_each(struct ctx *ctx, const struct audit_filter *filter,
                                         audit_row_fn *row, void *arg);
NODISCARD enum err store_audit_user_count(struct ctx *ctx, int64_t user_id, int64_t *ret_count);

/* Call type for each type that has entries, by name. */
typedef void audit_type_fn(void *arg, const char *event_type, int64_t entries);
NODISCARD enum err store_audit_types_each(struct ctx *ctx, audit_type_fn *type, void *arg);

/* The times of the oldest and the newest entry, 0 without any. */
NODISCARD enum err store_audit_span(struct ctx *ctx, int64_t *ret_first_us, int64_t *ret_last_us);

#endif
