/* Local data sets packed, sent to the provider, and the job submitted with them. Whoever holds the
 * claim on a submission does it from the start, also after another died half way: until the
 * provider is asked to start the job nothing costs anything. From then on (STAGE_SUBMITTING) it is
 * never done again, only looked for. */
#ifndef CORE_CLOUD_DATA_SUBMISSION_RUN_H
#define CORE_CLOUD_DATA_SUBMISSION_RUN_H

#include "core/base/ctx.h"

/* Bring on the submission that is due the longest; takes as long as its data takes. *ret_more: look
 * for another at once. What went wrong with the data or at the provider is the job's, not this
 * call's. Stops soon, to go on later, when ctx->cloud is draining. Faults of the database. */
NODISCARD enum err submission_run_due(struct ctx *ctx, bool *ret_more);

#endif
