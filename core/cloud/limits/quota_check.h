/* What a submission meets of the quotas, inside its transaction. */
#ifndef CORE_CLOUD_LIMITS_QUOTA_CHECK_H
#define CORE_CLOUD_LIMITS_QUOTA_CHECK_H

#include "core/base/json.h"
#include "core/cloud/limits/quota_status.h"
#include "core/store/store_jobs.h"

struct quota_verdict {
        json_t *warnings;            /* an array of texts, the arena's */
        const char *approval;        /* why somebody has to approve it; NULL: nobody has to */
        const char *refusal;         /* why it must not be; NULL: it may */
        struct quota_status refused; /* with refusal: the quota, and what is used of it */
        int64_t share;               /* and what this job would add to that */
        bool over[QUOTA_TYPE_COUNT]; /* of which types it would be too much, whatever follows */
};

/* May the one who acts submit this job? In the transaction that writes it, which holds what is
 * counted: jobs that one owner submits at once wait for each other here. A dry run asks without
 * holding anything. Who has the permission job.bypass.quota is not asked; where nobody has an
 * account yet, what is for all counts. Faults. */
NODISCARD enum err quota_hold(struct ctx *ctx, const char *owner);
NODISCARD enum err quota_check(struct ctx *ctx, const struct job *job, struct quota_verdict *ret);

/* ERR_OVER_QUOTA with what is known of the refusal: "Quota exceeded: ...", and in ctx->details
 * quota_type, limit, current, job, action and source. */
NODISCARD enum err quota_refuse(struct ctx *ctx, const struct quota_verdict *verdict);

/* Write down that it was too much, at most once a minute for an owner and type. Inside a
 * transaction, late in it: of the submission, or where that was refused one of its own. */
NODISCARD enum err quota_note_excess(struct ctx *ctx, const char *owner,
                                     const struct quota_verdict *verdict);

#endif
