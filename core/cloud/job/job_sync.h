/* Bring the jobs here in line with the provider's own list: move on what is known, and take in what
 * was submitted elsewhere. */
#ifndef CORE_CLOUD_JOB_JOB_SYNC_H
#define CORE_CLOUD_JOB_JOB_SYNC_H

#include "core/base/ctx.h"

struct sync_report {
        const char *provider_name;
        unsigned adopted; /* not known before: jobs of the caller now */
        unsigned updated; /* known ones that moved on */
        bool is_complete; /* false: the list is longer than what is read of it */
};

/* Walk the provider's list, newest first. ERR_NOT_FOUND: no such provider. ERR_PROVIDER: it did not
 * answer; what was read before that is kept. Faults. */
NODISCARD enum err job_sync(struct ctx *ctx, const char *provider_id, struct sync_report *ret);

#endif
