/* The audit log as rows: appended, counted, pruned, never changed; and the two signed rows beside
 * it, its head and its anchor. What the hashes are is core/cloud/audit/audit_chain.h's business. */
#ifndef CORE_STORE_STORE_AUDIT_H
#define CORE_STORE_STORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct audit_row {
        int64_t audit_id, created_at_us;
        int64_t actor_id;                       /* the user; 0: no user */
        const char *event_type;                 /* "security.webhook_rejected" */
        const char *actor;                      /* who did it */
        const char *actor_ip;                   /* from where; NULL: not over the network */
        const char *target_type, *target_id;    /* NULL: nothing in particular */
        const char *action;                     /* a sentence for people */
        const char *details;                    /* a JSON object as text */
        const char *correlation_id;             /* NULL: none */
        const char *previous_hash, *entry_hash; /* NULL: written before there was a chain */
        bool damaged; /* a number in the table is none: nobody but a stranger writes that */
};

/* The newest entry. The hash and the mac are NULL before the first one that has them. */
struct audit_head {
        int64_t audit_id, entries; /* entries: since the chain began, pruned ones too */
        const char *entry_hash, *mac;
};

/* Where the chain begins. first_id is INT64_MAX and the rest NULL and 0 before it does. */
struct audit_anchor {
        int64_t first_id;          /* the first entry that must be there */
        const char *previous_hash; /* what it follows */
        int64_t pruned, unchained; /* entries before it that were pruned; that have no hash */
        const char *mac;
};

/* Take the lock on the head and read it, in the arena. Inside a transaction; until that ends, all
 * who append wait. ERR_INTERNAL: the row is gone. */
NODISCARD enum err store_audit_head_lock(struct ctx *ctx, struct audit_head *ret);
/* The same without the lock, outside of transactions. ERR_NOT_FOUND: the row is gone. */
NODISCARD enum err store_audit_head_get(struct ctx *ctx, struct audit_head *ret);
/* Inside that transaction. */
NODISCARD enum err store_audit_head_put(struct ctx *ctx, const struct audit_head *head);
NODISCARD enum err store_audit_anchor_get(struct ctx *ctx, struct audit_anchor *ret);
NODISCARD enum err store_audit_anchor_put(struct ctx *ctx, const struct audit_anchor *anchor);

/* Insert the row with all that it has, and count it. ERR_INTERNAL: there is one of this number. */
NODISCARD enum err store_audit_insert(struct ctx *ctx, const struct audit_row *row);

/* Both rows and what lies around them, as of one moment; texts are in the arena. */
struct audit_state {
        struct audit_head head;
        struct audit_anchor anchor;
        int64_t newest_id; /* of the log; 0: it is empty */
        int64_t older;     /* how many entries are before the anchor's first_id */
};
/* ERR_NOT_FOUND: one of the two rows is gone. */
NODISCARD enum err store_audit_state(struct ctx *ctx, struct audit_state *ret);

/* Put back whichever of the two rows is gone, as of a log without a chain. Inside a transaction. */
NODISCARD enum err store_audit_rows_restore(struct ctx *ctx);

/* Call row for entries from first_id on, oldest first, at most limit; texts live until it returns.
 * OK from row goes on, anything else ends this with that result. */
typedef enum err audit_scan_fn(struct ctx *ctx, void *arg, const struct audit_row *row);
NODISCARD enum err store_audit_scan(struct ctx *ctx, int64_t first_id, unsigned limit,
                                    audit_scan_fn *row, void *arg);
/* The hash of one entry, in the arena; NULL: it has none. ERR_NOT_FOUND. */
NODISCARD enum err store_audit_hash(struct ctx *ctx, int64_t audit_id, const char **ret_hash);
/* How many entries have a hash. Reads the whole log. */
NODISCARD enum err store_audit_hashed(struct ctx *ctx, int64_t *ret_count);

/* Delete entries from from_id to to_id and uncount them. Inside a transaction that holds the head.
 */
NODISCARD enum err store_audit_prune(struct ctx *ctx, int64_t from_id, int64_t to_id);

/* How many rows of like's type were written after since_us: those from its actor_ip, or from all
 * when that is NULL; more than 100 count as 100. */
NODISCARD enum err store_audit_recent(struct ctx *ctx, const struct audit_row *like,
                                      int64_t since_us, int64_t *ret_count);

#endif
