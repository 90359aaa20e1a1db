/* Who did what: one row of the audit log, written in the transaction of the change it records, so
 * that there is neither one without the other. And the log as it is read. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_H
#define CORE_CLOUD_AUDIT_AUDIT_H

#include "core/base/json.h"
#include "core/store/store_audit_list.h"

struct audit_entry {
        const char *event_type;              /* "job.submitted" */
        const char *target_type, *target_id; /* "job" and its id; NULL: nothing in particular */
        const char *action;                  /* a sentence for people */
        const json_t *details;               /* an object, borrowed; NULL: none */
};

/* Append, for ctx's actor, address and correlation id. Inside a transaction, late in it. Faults. */
NODISCARD enum err audit_add(struct ctx *ctx, const struct audit_entry *entry);
/* The same in a transaction of its own, of what was done outside the database. */
NODISCARD enum err audit_note(struct ctx *ctx, const struct audit_entry *entry);

/* Call row for each match, newest first; *ret_total: how many match. Faults. */
NODISCARD enum err audit_list(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                              void *arg, int64_t *ret_total);
/* The same for what the user of filter->actor_id did and what was done to that user
 * (store_audit_user_each). */
NODISCARD enum err audit_list_user(struct ctx *ctx, const struct audit_filter *filter,
                                   audit_row_fn *row, void *arg, int64_t *ret_total);

/* Times are shown in milliseconds: the last moment that is shown as until_us is, so that an entry's
 * own time as a bound includes it. */
int64_t audit_until(int64_t until_us);

/* Figures of the log. */
struct audit_stats {
        int64_t total, last_24h;
        int64_t first_us, last_us; /* times of the oldest and newest entry; 0 without any */
};
/* type is called for each type that has entries. Faults. */
NODISCARD enum err audit_stats(struct ctx *ctx, audit_type_fn *type, void *arg,
                               struct audit_stats *ret);

#endif
