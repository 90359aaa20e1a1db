/* The audit log as rows: appended, listed, pruned, never changed. */
#ifndef CORE_STORE_STORE_AUDIT_H
#define CORE_STORE_STORE_AUDIT_H

#include <stdint.h>

#include "core/base/ctx.h"

struct audit_row {
        int64_t audit_id, created_at_us;     /* 0 in store_audit_insert: given there */
        const char *event_type;              /* "security.webhook_rejected" */
        const char *actor;                   /* who did it */
        const char *actor_ip;                /* from where; NULL: not over the network */
        const char *target_type, *target_id; /* NULL: nothing in particular */
        const char *action;                  /* a sentence for people */
        const char *details;                 /* a JSON object as text */
        const char *correlation_id;          /* NULL: none */
};

/* Append. Inside the transaction of what it records; until that ends, all who append wait. */
NODISCARD enum err store_audit_insert(struct ctx *ctx, const struct audit_row *row);

/* How many rows of like's type were written after since_us: those from its actor_ip, or from all
 * when that is NULL; more than 100 count as 100. */
NODISCARD enum err store_audit_recent(struct ctx *ctx, const struct audit_row *like,
                                      int64_t since_us, int64_t *ret_count);

struct audit_filter {
        const char *event_type, *actor, *target_type, *target_id; /* NULL: any */
        int64_t since_us, until_us;                               /* both included; 0: no bound */
        int64_t before_id;                                        /* 0: from the newest */
        unsigned limit, offset; /* of the rows to call for; a count ignores both and before_id */
};
/* Call row for each match, newest first; texts live until it returns. */
typedef void audit_row_fn(void *arg, const struct audit_row *row);
NODISCARD enum err store_audit_each(struct ctx *ctx, const struct audit_filter *filter,
                                    audit_row_fn *row, void *arg);
/* How many match. */
NODISCARD enum err store_audit_count(struct ctx *ctx, const struct audit_filter *filter,
                                     int64_t *ret_count);

#endif
