/* A job, for people and for scripts. */
#ifndef CORE_CRON_JOB_PRINT_H
#define CORE_CRON_JOB_PRINT_H

#include "core/base/jsonw.h"
#include "core/cloud/job/job.h"

/* One line of a list to standard output. */
void job_print_line(const struct job *job);

/* A line for each thing known about it. */
void job_print(const struct job *job, const struct upload_progress *uploads);

/* Its members, named as in the API. */
void job_print_json(struct jsonw *json, const struct job *job);

#endif
