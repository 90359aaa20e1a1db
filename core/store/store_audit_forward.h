/* How far the audit log was forwarded to each target. The queue is the log itself: a cursor holds
 * the last entry that arrived, and a claim keeps others off while one is at it. */
#ifndef CORE_STORE_STORE_AUDIT_FORWARD_H
#define CORE_STORE_STORE_AUDIT_FORWARD_H

#include <stdint.h>

#include "core/base/ctx.h"

struct audit_cursor {
        const char *target;       /* "webhook", "syslog" */
        int64_t last_id;          /* the last entry that arrived */
        int64_t newest_id;        /* of the log */
        int64_t claimed_until_us; /* 0: nobody is at it */
        int64_t next_at_us;       /* not before that */
        int64_t failures;         /* in a row */
        const char *last_error;   /* NULL: none; in the arena */
        int64_t forwarded_at_us;  /* 0: nothing was forwarded yet */
};

/* ERR_NOT_FOUND: nothing is forwarded to it. */
NODISCARD enum err store_audit_cursor_get(struct ctx *ctx, const char *target,
                                          struct audit_cursor *ret);

/* Begin with what comes now, or go on at once after a failure. Inside a transaction. */
NODISCARD enum err store_audit_cursor_begin(struct ctx *ctx, const char *target);
/* Forward nothing more to it. Inside a transaction. */
NODISCARD enum err store_audit_cursor_end(struct ctx *ctx, const char *target);

/* Keep others off until then. A claim or due time more than an hour ahead, as a clock set back
 * leaves it, does not count. Inside a transaction. ERR_CONFLICT: another is at it, or it is not
 * due. */
NODISCARD enum err store_audit_cursor_claim(struct ctx *ctx, const char *target, int64_t now_us,
                                            int64_t until_us);
/* Give it back, with all that is in cursor; claimed_until_us is that of the claim. Does nothing
 * when another has taken it over since. Inside a transaction. */
NODISCARD enum err store_audit_cursor_put(struct ctx *ctx, const struct audit_cursor *cursor);

/* The last entry that arrived everywhere; INT64_MAX when nothing is forwarded. */
NODISCARD enum err store_audit_forwarded(struct ctx *ctx, int64_t *ret_id);

#endif
