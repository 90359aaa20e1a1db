/* A job in an answer. */
#ifndef FCGI_RENDER_JOB_H
#define FCGI_RENDER_JOB_H

#include "core/base/jsonw.h"
#include "core/cloud/job/job.h"

/* What is the same for all jobs of an answer. */
struct job_rendering {
        struct job_queue queue;
        int64_t now_us;
};
/* Faults. */
NODISCARD enum err job_rendering_init(struct ctx *ctx, struct job_rendering *ret);

/* The members of a job, in the order the original has them. */
void render_job(struct jsonw *json, const struct job *job, const struct job_rendering *rendering);

#endif
