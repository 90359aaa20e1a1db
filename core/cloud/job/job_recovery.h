/* Submissions whose outcome is unknown: jobs the provider has not named, which it may have all the
 * same. They are looked for in its list by our id, and nothing is submitted again. */
#ifndef CORE_CLOUD_JOB_JOB_RECOVERY_H
#define CORE_CLOUD_JOB_JOB_RECOVERY_H

#include "core/cloud/job/poll_finding.h"

/* A submission is in flight at most this long; before that its absence proves nothing. */
#define SUBMISSION_GRACE_US (15 * 60 * US_PER_S)

/* Look for all lost jobs of one session, in one walk through the provider's list, and set what was
 * found: POLL_NEWS, POLL_ABSENT, or POLL_FAILED for all that were not found before the list broke
 * off. ERR_NOMEM, and faults of our own. */
NODISCARD enum err job_recovery_look(struct ctx *ctx, struct poll_finding *const *lost,
                                     size_t count);

/* A job with POLL_NEWS that has ended here, cancelled while it was being submitted: end it there
 * too if it goes on. It is POLL_STRAY then, or POLL_FAILED if the provider would not. ERR_NOMEM,
 * and faults of our own. */
NODISCARD enum err job_recovery_end_stray(struct ctx *ctx, struct poll_finding *finding);

/* Fail jobs whose data has made no progress on its way to the provider for half an hour: whoever
 * was sending it has died. At most limit; *ret_failed of them. Faults. */
NODISCARD enum err job_recovery_end_stalled(struct ctx *ctx, unsigned limit, unsigned *ret_failed);

#endif
