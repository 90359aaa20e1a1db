/* One poll round: ask the providers about every active job, the longest unasked first. Jobs whose
 * submission was interrupted are looked for at the provider by our id; nothing is submitted again.
 */
#ifndef CORE_CLOUD_JOB_POLL_H
#define CORE_CLOUD_JOB_POLL_H

#include "core/base/ctx.h"

/* A submission is in flight at most this long; before that its absence proves nothing. */
#define SUBMISSION_GRACE_US (15 * 60 * US_PER_S)

struct poll_report {
        unsigned asked;  /* jobs the provider was asked about */
        unsigned moved;  /* of these, whose row changed */
        unsigned found;  /* lost submissions found at the provider */
        unsigned failed; /* the provider could not be asked; tried again next time */
};

/* At most limit jobs. One job's trouble is logged and counted, and does not stop the round.
 * Faults of the database only. */
NODISCARD enum err job_poll(struct ctx *ctx, unsigned limit, struct poll_report *ret);

#endif
