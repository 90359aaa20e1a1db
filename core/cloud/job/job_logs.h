/* What a job has said: from its archive once it has one, else from its provider. */
#ifndef CORE_CLOUD_JOB_JOB_LOGS_H
#define CORE_CLOUD_JOB_JOB_LOGS_H

#include "core/base/ctx.h"

#define JOB_LOGS_MAX (4 * MiB) /* of a longer log, the end */

struct job_logs {
        const char *text; /* in the arena; never NULL: a remark in brackets where there are none */
        bool truncated;   /* its beginning is left out */
};

/* ERR_NOT_FOUND: no such job. A provider that does not answer is no failure of this: the text says
 * so. Faults. */
NODISCARD enum err job_logs(struct ctx *ctx, const char *job_id, struct job_logs *ret);

#endif
