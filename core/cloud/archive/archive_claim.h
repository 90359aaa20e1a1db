/* Who works on the results of a job: one thread of all processes, until it has settled what comes
 * next or its claim has run out. */
#ifndef CORE_CLOUD_ARCHIVE_ARCHIVE_CLAIM_H
#define CORE_CLOUD_ARCHIVE_ARCHIVE_CLAIM_H

#include "core/store/store_archives.h"

/* A claim, and how long its holder may go on. */
struct archive_hold {
        struct archive_claim claim;
        int64_t renewed_us;  /* monotonic */
        int64_t deadline_us; /* monotonic: stop then; 0: never */
};

/* Claim the job that has waited longest; its id is in the arena, the deadline is the caller's.
 * ERR_NOT_FOUND: none is due, or it is time to stop. */
NODISCARD enum err archive_claim_next(struct ctx *ctx, struct archive_hold *hold);

/* To be called at least every minute: holds the claim for longer. ERR_NOT_READY: stop, for the
 * deadline has come, the process ends, or another has taken the job over. */
NODISCARD enum err archive_claim_keep(struct ctx *ctx, struct archive_hold *hold);

/* Is there no attempt after this one? */
bool archive_claim_is_last(const struct archive_hold *hold);

/* What an attempt came to. */
struct archive_outcome {
        bool complete;     /* nothing is left that another attempt could fetch */
        bool failed;       /* complete, and something was refused */
        bool interrupted;  /* by ERR_NOT_READY: it does not count */
        unsigned again_s;  /* interrupted by a circuit breaker: when to come back */
        const char *error; /* NULL: none */
        int64_t files, bytes;
};
/* End the claim: done, or failed, or the next attempt after a while. Nothing happens to a job that
 * another has taken over. *ret_state: what it is now. */
NODISCARD enum err archive_claim_settle(struct ctx *ctx, const struct archive_hold *hold,
                                        const struct archive_outcome *outcome,
                                        enum archive_state *ret_state);

#endif
